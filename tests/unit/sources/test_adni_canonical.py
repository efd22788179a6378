"""The folder of canonical tables of ADNI as a whole."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleximodal.sources.adni.canonical import write_canonical
from fleximodal.sources.adni.files import find_files
from fleximodal.sources.adni.preparation import Preparation
from tests.unit.sources.small_adni import cell, vectors, write_small

UNPRUNED = Preparation(prune_r2=1)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return write_small(tmp_path / "raw")


def _write(raw: Path, preparation: Preparation = UNPRUNED, source: str = "adni") -> Path:
    output = raw.parent / "canonical"
    write_canonical(raw, output, source=source, preparation=preparation)
    return output


def _json(path: Path) -> dict:
    content: dict = json.loads(path.read_text())
    return content


def test_every_subject_is_a_stay_with_its_label_or_the_reason_why_it_has_none(raw: Path) -> None:
    stays = pl.read_parquet(_write(raw) / "stays.parquet")
    assert stays.schema == {
        "stay_id": pl.Int64,
        "patient_id": pl.Int64,
        "diagnosis": pl.Int8,
        "why": pl.String,
    }
    assert stays["stay_id"].to_list() == stays["patient_id"].to_list() == list(range(1, 9))
    assert stays["diagnosis"].to_list() == [0, 1, 2, 0, None, None, None, 1]
    assert stays["why"].to_list()[:4] == [None] * 4
    assert stays["why"].to_list()[4:] == [
        "the diagnosis changes",
        "a visit without a diagnosis",
        "no row in the table of diagnoses",
        None,
    ]


def test_each_modality_has_its_three_files(raw: Path) -> None:
    output = _write(raw)
    entries = _json(output / "modalities.json")["subject"]
    assert [entry["name"] for entry in entries] == ["image", "genomic", "clinical", "biospecimen"]
    for entry in entries:
        stay_id = pl.read_parquet(output / entry["table"])["stay_id"]
        features = pl.read_parquet(output / entry["features"])
        _, _, values = vectors(output, entry["name"])
        assert entry["kind"] == "table" and "shape" not in entry
        assert stay_id.dtype == pl.Int64 and (stay_id.diff().drop_nulls() > 0).all()
        assert values.shape == (stay_id.len(), features.height)
        assert values.dtype == (np.int8 if entry["name"] == "genomic" else np.float32)
        assert features.schema == {"feature": pl.String, "categorical": pl.Boolean}
        assert features["feature"].is_unique().all()
        # Categories, and dosages, are filled with the most frequent value.
        assert (
            set(features["categorical"])
            == {
                "image": {False},
                "genomic": {True},
                "clinical": {False, True},
                "biospecimen": {True},
            }[entry["name"]]
        )
    assert [entry["scaling"] for entry in entries] == ["standard", "range", "range", "range"]
    assert cell(output, "genomic", 7, "rs2") == 0
    assert cell(output, "genomic", 5, "rs1") == 0
    assert cell(output, "genomic", 3, "rs2") == -1
    assert cell(output, "image", 1, "ST101SV") == 8
    assert cell(output, "clinical", 2, "MHSMOK_0") == 1
    events = pl.read_parquet(output / "events.parquet")
    assert events.columns == ["stay_id", "hours", "channel", "value"] and not events.height


def test_combinations_count_labelled_subjects_by_what_is_there(raw: Path) -> None:
    counts = _json(_write(raw) / "counts.json")
    assert counts["combinations"] == {"": 1, "GC": 2, "IGCB": 2}
    assert counts["subjects"]["labelled"] == 5 and counts["subjects"]["all"] == 8
    assert counts["raw"]["DXSUM_PDXCONV_09May2024"]["rows"] == 12 and "rows" not in counts
    assert counts["channels"] == "unknown" and counts["release"] == "ADNI 09May2024"
    generated = _json(_write(raw, source="synthetic-adni") / "counts.json")
    assert generated["release"] == "generated"


def test_volumes_instead_of_regions(raw: Path) -> None:
    output = _write(raw, Preparation(prune_r2=1, image_source="ravens"))
    image = _json(output / "modalities.json")["subject"][0]
    assert (image["scaling"], image["shape"]) == ("pooled", [2, 2, 3])
    features = pl.read_parquet(output / "image_features.parquet")
    # Voxels (0, 1, 1), (1, 0, 0) and (1, 2, 1) of (2, 3, 2), with the last axes exchanged.
    assert features["place"].to_list() == [1 * 3 + 1, 6, 6 + 3 + 2]
    assert features["place"].dtype == pl.Int64 and not features["categorical"].any()
    stay_id, _, values = vectors(output, "image")
    assert stay_id.tolist() == [1, 3]
    assert values.tolist() == [[4, 5, 6], [7, 8, 9]]


def test_a_modality_whose_folder_is_absent_is_not_written(raw: Path) -> None:
    for name in ("genomic", "image", "biospecimen"):
        shutil.rmtree(raw / name)
        output = _write(raw)
        present = [entry["name"] for entry in _json(output / "modalities.json")["subject"]]
        assert name not in present and "clinical" in present
        assert not list(output.glob(f"{name}*"))
    assert present == ["clinical"]
    assert set(pl.read_parquet(output / "stays.parquet")["stay_id"]) == set(range(1, 9))


def test_the_manifest_names_the_files_that_were_read(raw: Path) -> None:
    output = _write(raw)
    manifest = _json(output / "manifest.json")
    read = {file.name for file in find_files(raw)} - {"ADNI_G.npy", "ADNI_subj.txt"}
    assert set(manifest["inputs"]) == {name for name in read if not name.endswith(".nii.gz")}
    assert manifest["settings"]["preparation"]["prune_r2"] == 1
    assert manifest["rows"]["clinical.parquet"] == 5
    ravens = _json(_write(raw, Preparation(image_source="ravens")) / "manifest.json")
    assert "ADNI_G.npy" in ravens["inputs"] and "UCSFFSX7_09May2024.csv" not in ravens["inputs"]
    assert not list(output.glob("unpruned*"))


def test_the_same_files_give_the_same_bytes(raw: Path) -> None:
    output = _write(raw)
    first = {file.name: file.read_bytes() for file in output.iterdir()}
    assert {file.name: file.read_bytes() for file in _write(raw).iterdir()} == first


def test_the_order_of_rows_matters_only_for_equal_stamps(raw: Path) -> None:
    """Whoever exports the tables in another order gets the same subjects and vectors."""
    before = {name: vectors(_write(raw), name) for name in ("clinical", "biospecimen")}
    for path in raw.glob("*/*.csv"):
        if path.name.startswith(("RECCMEDS", "UCSFFSX7")):
            continue
        head, *rows = path.read_text().splitlines(keepends=True)
        path.write_text("".join([head, *rows[::-1]]))
    after = {name: vectors(_write(raw), name) for name in before}
    for name, (stay_id, features, values) in before.items():
        assert after[name][0].tolist() == stay_id.tolist() and after[name][1] == features
        np.testing.assert_array_equal(after[name][2], values)


def test_find_files_lists_what_is_there(raw: Path) -> None:
    every = {path for path in raw.rglob("*") if path.is_file()}
    assert set(find_files(raw)) == every
    shutil.rmtree(raw / "genomic")
    assert set(find_files(raw)) == {path for path in every if path.parent.name != "genomic"}


def test_the_choices_load_nothing_heavy() -> None:
    code = (
        "import sys; from fleximodal.sources.adni.preparation import Preparation;"
        "print({'numpy', 'polars', 'pandas', 'nibabel', 'torch'} & set(sys.modules))"
    )
    source = Path(__file__).parents[3] / "src"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"


def test_the_released_choices_differ_in_what_the_register_lists() -> None:
    corrected, released = Preparation().model_dump(), Preparation.released().model_dump()
    differing = {key: released[key] for key in corrected if corrected[key] != released[key]}
    assert differing == {
        "sentinels": "values",
        "administrative": "keep",
        "image_row": "first_max_stamp",
        "zero_scans": "keep",
        "linkage": "phase",
    }
    assert set(corrected["genome_builds"].values()) == {"hg18"}
    assert all(field.description for field in Preparation.model_fields.values())
