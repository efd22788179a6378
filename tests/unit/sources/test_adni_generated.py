"""The reader finds in the generated study what the generator planted."""

import json
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from fleximodal.sources.adni.canonical import write_canonical
from fleximodal.sources.adni.preparation import Preparation
from fleximodal.sources.synthetic_adni.release import write_release

PREPARATIONS = {
    "corrected": Preparation(),
    "released": Preparation.released(),
    "volumes": Preparation(image_source="ravens", medication="multihot", apoe="genotype"),
}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adni") / "raw"
    settings = {"subjects": 240, "variants": 600, "image_source": "both", "seed": 3}
    write_release(folder, settings=settings)
    return folder


@pytest.mark.parametrize("name", PREPARATIONS)
def test_labels_and_combinations_are_those_that_were_planted(
    raw: Path, tmp_path: Path, name: str
) -> None:
    output = tmp_path / "canonical"
    write_canonical(raw, output, source="synthetic-adni", preparation=PREPARATIONS[name])
    truth = pl.read_parquet(raw / "truth.parquet")
    stays = pl.read_parquet(output / "stays.parquet").drop_nulls("diagnosis")
    entries = json.loads((output / "modalities.json").read_text())["subject"]
    letters = dict.fromkeys(stays["stay_id"].to_list(), "")
    for entry in entries:
        for rid in pl.read_parquet(output / entry["table"])["stay_id"].to_list():
            if rid in letters:
                letters[rid] += entry["name"][0].upper()
    # Who is in the table of diagnoses alone has a label, but nothing to predict it from.
    seen = {rid: found for rid, found in letters.items() if found}
    assert seen == dict(truth.select("rid", "combination").iter_rows())
    label = dict(stays.select("stay_id", "diagnosis").iter_rows())
    assert {rid: label[rid] for rid in seen} == dict(truth.select("rid", "class").iter_rows())
    counts = json.loads((output / "counts.json").read_text())
    assert counts["combinations"] == Counter(letters.values())
    assert counts["release"] == "generated"


def test_pruning_and_lifting_leave_something_out(raw: Path, tmp_path: Path) -> None:
    output = tmp_path / "canonical"
    write_canonical(raw, output, source="synthetic-adni", preparation=Preparation())
    genomic = json.loads((output / "counts.json").read_text())["genomic"]
    assert 0 < genomic["features"] < genomic["variants"]
    for counts in genomic["sets"].values():
        assert 0 < counts["fraction_not_lifted"] < 0.2
        assert counts["elsewhere"] and counts["other_alleles"]
