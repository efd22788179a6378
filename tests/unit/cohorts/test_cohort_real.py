"""PhysioNet 2012 as published: cohort and splits against numbers counted elsewhere."""

import json
from pathlib import Path

import polars as pl
import pytest

from fleximodal.cohorts.cohort import write_cohort
from fleximodal.cohorts.missingness import missingness_only
from fleximodal.cohorts.patients import write_patients
from fleximodal.cohorts.protocols import make_splits
from fleximodal.cohorts.splits import read_splits, write_splits
from fleximodal.sources.physionet2012.canonical import write_canonical

pytestmark = pytest.mark.slow
ALL_FIVE = {"kind": "five-random", "splits": [f"split{number}" for number in range(1, 6)]}


@pytest.fixture(scope="module")
def canonical(real_release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("physionet2012") / "canonical"
    write_canonical(real_release, folder, source="physionet2012")
    return folder


@pytest.fixture(scope="module")
def cohort(canonical: Path) -> Path:
    folder = canonical.parent / "cohort"
    write_cohort(canonical, folder, source="physionet2012", task="48-IHM")
    return folder


def test_the_usual_11988_stays(cohort: Path, canonical: Path) -> None:
    steps = json.loads((cohort / "flow.json").read_text())["steps"]
    assert [step["stays"] for step in steps] == [12000, 11988, 11988]
    assert [step["positive"] for step in steps] == [1707, 1707, 1707]
    kept = set(pl.read_parquet(cohort / "cohort.parquet")["stay_id"])
    left_out = set(pl.read_parquet(canonical / "stays.parquet")["stay_id"]) - kept
    assert sorted(left_out) == [
        140501,
        140936,
        141264,
        142731,
        142998,
        143656,
        145611,
        147514,
        150309,
        150649,
        155655,
        156254,
    ]


def test_five_random_splits_have_the_published_sizes_and_deaths(
    cohort: Path, real_release: Path
) -> None:
    table = pl.read_parquet(cohort / "cohort.parquet")
    splits = make_splits(table, ALL_FIVE, real_release / "splits-five-random.csv")
    sizes = dict(splits.group_by("part").len().rows())
    assert sizes == {"train": 5 * 9590, "val": 5 * 1199, "test": 5 * 1199}
    test = splits.filter(part="test").join(table, on="stay_id").sort("split")
    deaths = test.group_by("split", maintain_order=True).agg(pl.len(), pl.col("label").mean())
    assert deaths["len"].to_list() == [1199] * 5
    percent = [round(100 * rate, 2) for rate in deaths["label"]]
    assert percent == [13.18, 14.51, 13.26, 14.68, 14.35]


def test_every_protocol_is_disjoint_and_complete(
    cohort: Path, canonical: Path, real_release: Path, tmp_path: Path
) -> None:
    shares = {"fractions": [0.7, 0.15, 0.15], "seed": 0, "count": 2}
    write_patients(canonical, tmp_path / "patients", protocol={**shares, "kind": "patient"})
    table = pl.read_parquet(cohort / "cohort.parquet")
    for protocol in (
        ALL_FIVE,
        {"kind": "official"},
        {**shares, "kind": "patient"},
        {**shares, "kind": "stay"},
    ):
        output = tmp_path / str(protocol["kind"])
        write_splits(
            cohort,
            output,
            protocol=protocol,
            five_random_file=real_release / "splits-five-random.csv",
            patients=tmp_path / "patients" / "patients.parquet",
        )
        checks = json.loads((output / "checks.json").read_text())
        shared = "reported" if protocol["kind"] == "stay" else "passed"
        assert [gate["verdict"] for gate in checks["gates"]] == ["passed", shared, "passed"]
        # Which modalities exist tells little of the outcome, but more than nothing.
        report = missingness_only(table, read_splits(output / "splits.parquet"))
        assert len(report) == 15
        everything = report["vitals+labs+ventilation+static"]
        assert all(0.5 < one["auroc"] < 0.65 for one in everything.values())
        assert all(one["auroc"] == 0.5 for one in report["static"].values())
