"""A table of the graph on Slurm: the same bytes as on one machine, also when interrupted."""

import shutil
import signal
from pathlib import Path

import polars as pl
import pytest

from tests.cluster.conftest import SLURM, Run, start_snakemake
from tests.cluster.slurm import Cluster, wait_until
from tests.workflow.conftest import CONFIG, TABLE, Project, make_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("slurm")]

TARGET = "results/tables/tiny.csv"
METHODS = ["HAIM", "FuseMoE-Laplace"]
# Every floor's files; time, memory and dates stand in others, such as the hidden records of jobs.
SAME = ("**/*.parquet", "**/*.safetensors", "metrics/**/[!.]*.json", "cohorts/**/leakage.json")
MEASURED = ["train_seconds", "peak_memory_mb"]


def make_small(folder: Path) -> Project:
    project = make_project(folder)
    project.write(CONFIG, tiny={**TABLE, "methods": METHODS})
    return project


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The table as one machine makes it; tests must not change it."""
    project = make_small(tmp_path_factory.mktemp("local") / "project")
    outcome = project.run(TARGET)
    assert outcome.code == 0, outcome.text
    return project


def contents(project: Project) -> dict[Path, bytes]:
    results = project.folder / "results"
    files = {file for pattern in SAME for file in results.glob(pattern)}
    return {file.relative_to(results): file.read_bytes() for file in files if file.is_file()}


def assert_same(one: Project, other: Project) -> None:
    """Every file of results has the same bytes, every number of the table the same value."""
    first, second = contents(one), contents(other)
    assert sum(path.name == "predictions.parquet" for path in first) == len(METHODS)
    assert set(first) == set(second)
    assert [path for path in first if first[path] != second[path]] == []
    tables = [pl.read_csv(project.folder / TARGET).drop(MEASURED) for project in (one, other)]
    assert tables[0].equals(tables[1])


def test_table_is_the_same_on_slurm(
    failing: Run, cluster: Cluster, local: Project, tmp_path: Path
) -> None:
    project = make_small(tmp_path / "ein Körper")
    gpu = ["train_cell:gpu=1", "train_cell:slurm_partition=gpu"]
    outcome = project.run(TARGET, *SLURM, "--set-resources", *gpu)
    assert outcome.code == 0, outcome.text
    jobs = outcome.text.count("has been submitted with SLURM jobid")
    assert jobs == outcome.text.count("Finished jobid")
    assert jobs > 10
    logs = list((project.folder / "logs" / "train_cell").rglob("*.log"))
    assert len(logs) == len(METHODS)
    assert all("granted by Slurm" in log.read_text() for log in logs)
    assert_same(local, project)


def test_run_interrupted_on_slurm_goes_on_locally(
    cluster: Cluster, local: Project, tmp_path: Path
) -> None:
    shutil.copytree(local.folder, tmp_path / "project", symlinks=True)
    project = Project(tmp_path / "project")
    for part in ("runs", "metrics", "tables"):
        shutil.rmtree(project.folder / "results" / part)
    run = start_snakemake(project.folder, TARGET, "--configfile", "config/test.yaml")
    logs = project.folder / "logs" / "slurm" / "rule_train_cell"
    # A job that writes has begun.
    wait_until(lambda: any(log.stat().st_size for log in logs.rglob("*.log")), 120)
    run.process.send_signal(signal.SIGINT)
    assert run.wait(60).code == 1
    wait_until(lambda: not cluster.jobs_of(project.folder), 20)
    assert not (project.folder / TARGET).exists()
    outcome = project.run(TARGET)
    assert outcome.code == 0, outcome.text
    assert_same(local, project)
