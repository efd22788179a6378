"""The walk back from tables through the records of jobs."""

from pathlib import Path

import pytest

from fleximodal.errors import FleximodalError
from fleximodal.publishing.provenance.history import read_history
from tests.unit.publishing import crate_runs
from tests.unit.publishing.crate_runs import METRICS, REAL, RUN, SYNTHETIC, TABLES


@pytest.fixture(autouse=True)
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    crate_runs.run(tmp_path)


def test_every_job_stands_after_those_it_read_from() -> None:
    history = read_history(TABLES, "results")
    names = list(history.jobs)
    assert len(names) == 1 + 3 + 3 + 4
    for place, job in enumerate(history.jobs.values()):
        assert all(names.index(other) < place for other in history.before(job))


def test_only_the_jobs_behind_a_table_are_read() -> None:
    rules = [job.rule for job in read_history([SYNTHETIC], "results").jobs.values()]
    assert rules == ["generate", "extract", "train_cell", "evaluate_cell", "write_table"]


@pytest.mark.parametrize("path", [SYNTHETIC, METRICS.format("lab"), RUN.format("synthetic-lab")])
def test_a_file_that_was_changed_is_named(path: str) -> None:
    text = Path(path).read_text()
    Path(path).write_text(chr(ord(text[0]) ^ 1) + text[1:])
    with pytest.raises(FleximodalError, match=path):
        read_history(TABLES, "results")


def test_a_table_made_from_another_version_is_named_with_what_it_read() -> None:
    crate_runs.branch("lab", ["data/admissions.csv.gz"], auroc=0.75)
    with pytest.raises(FleximodalError, match=f"another version of {METRICS.format('lab')}"):
        read_history([REAL], "results")


def test_results_without_a_record_are_named() -> None:
    file = Path(METRICS.format("lab"))
    file.with_name(f".{file.name}.seal.json").unlink()
    with pytest.raises(FleximodalError, match=rf"^{file} has no record"):
        read_history(TABLES, "results")


def test_a_record_of_another_run_does_not_fit() -> None:
    file = Path(METRICS.format("lab"))
    record = file.with_name(f".{file.name}.job.json")
    older = record.read_text()
    crate_runs.branch("lab", ["data/admissions.csv.gz"], auroc=0.75)
    record.write_text(older)
    with pytest.raises(FleximodalError, match=f"{file} does not fit the record"):
        read_history([REAL], "results")


def test_an_intermediate_may_have_been_removed() -> None:
    Path(RUN.format("lab")).unlink()
    assert RUN.format("lab") in read_history([REAL], "results").jobs
