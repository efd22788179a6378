"""What a table comes from, and which names of raw files may be told."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleximodal.publishing.provenance.history import read_history
from fleximodal.publishing.provenance.lineage import lineages, write_sources
from fleximodal.publishing.provenance.raw import is_published, raw_files
from tests.unit.publishing import crate_runs
from tests.unit.publishing.crate_runs import BOTH, METRICS, NONE, REAL, SYNTHETIC, TABLES


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    crate_runs.run(tmp_path)


def sources() -> dict[str, dict[str, str]]:
    found = lineages(TABLES, read_history(TABLES, "results"), "config")
    write_sources(Path("sources.csv"), found)
    with open("sources.csv", encoding="utf-8") as file:
        return {row["output"]: row for row in csv.DictReader(file)}


@pytest.mark.usefixtures("made")
def test_each_table_says_what_data_are_in_it() -> None:
    rows = sources()
    assert {name: rows[name]["data"] for name in TABLES} == {
        SYNTHETIC: "synthetic",
        REAL: "real",
        BOTH: "synthetic and real",
        NONE: "no data",
    }
    assert rows[BOTH]["sources"] == "lab synthetic-lab"
    assert (rows[BOTH]["runs"], rows[BOTH]["jobs"]) == ("2", "8")
    assert rows[NONE]["raw_sha256"] == ""


def _epochs() -> None:
    crate_runs.branch("lab", _raw(), epochs=3)


def _data() -> None:
    Path("data/admissions.csv.gz").write_text("another release")
    crate_runs.branch("lab", _raw())


def _nothing() -> None:
    crate_runs.branch("lab", _raw())


def _raw() -> list[str]:
    return [f"data/{path.name}" for path in Path("data").iterdir()]


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    ("change", "column"), [(_epochs, "settings_sha256"), (_data, "raw_sha256"), (_nothing, None)]
)
def test_one_checksum_tells_settings_and_one_raw_data(
    change: Callable[[], None], column: str | None
) -> None:
    before = sources()
    change()
    crate_runs.job("write_table", {REAL: "b,1"}, ["config/tables/t.yaml", METRICS.format("lab")])
    crate_runs.job(
        "write_table",
        {BOTH: "c,1"},
        ["config/tables/t.yaml", METRICS.format("synthetic-lab"), METRICS.format("lab")],
    )
    after = sources()
    differing = {
        (name, key)
        for name in TABLES
        for key in after[name]
        if after[name][key] != before[name][key]
    }
    assert differing == ({(REAL, column), (BOTH, column)} if column else set())


@pytest.mark.usefixtures("made")
def test_files_of_patients_are_a_number_and_one_checksum() -> None:
    history = read_history([REAL], "results")
    jobs = {job.rule: job for job in history.jobs.values()}
    names = [file.name for file in raw_files(jobs["extract"], history, "config")]
    assert names == ["admissions.csv.gz", "2 files of single patients"]
    assert raw_files(jobs["write_table"], history, "config") == []


@pytest.mark.parametrize(
    "name",
    [
        *("CHARTEVENTS.csv.gz", "set-a.tar.gz", "set-b", "Outcomes-c.txt", "record_list.csv"),
        *("mimic-cxr-2.0.0-metadata.csv.gz", "DXSUM_PDXCONV_05Dec2025.csv", "hosp/patients.csv"),
        *("ADNI_cluster_01_forward_757LONI.bed", "hg18ToHg19.over.chain.gz", "ADNI_G.npy"),
    ],
)
def test_names_of_publishers_are_told(name: str) -> None:
    assert is_published(name)


@given(st.integers(10_000, 99_999_999), st.sampled_from(["{}.txt", "p{}.csv", "s{}/s{}.hea"]))
def test_numbers_of_patients_are_not_told(number: int, pattern: str) -> None:
    assert not is_published(pattern.format(number, number))


@given(st.from_regex(r"\A[0-9]{3}_S_[0-9]{4}\Z"), st.sampled_from([".nii.gz", ".csv", "_x.nii"]))
def test_subjects_of_adni_are_not_told(subject: str, ending: str) -> None:
    assert not is_published(subject + ending)
