"""The graph: what it makes, and what a second run does."""

import json
import re
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from tests.workflow.conftest import CONFIG, ROOT, TABLE, Project

# One worker runs them all, so that the graph is run once for them.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("graph")]


def test_run_makes_the_table_in_four_formats_and_the_figure(finished: Project) -> None:
    results = finished.folder / "results"
    table = pd.read_csv(results / "tables" / "tiny.csv")
    assert list(table["method"]) == [*TABLE["methods"], "Missingness only"]
    assert set(table["data"]) == {"synthetic"}
    assert set(table["status"]) == {"measured"}
    for name in ("tables/tiny.md", "tables/tiny.tex", "tables/tiny.html"):
        assert "ynthetic" in (results / name).read_text(), name
    for suffix in ("png", "svg", "pdf", "csv"):
        assert (results / "figures" / f"tiny.{suffix}").stat().st_size > 0


def test_everything_generated_says_synthetic_in_its_path(finished: Project) -> None:
    results = finished.folder / "results"
    for folder in ("raw", "canonical", "cohorts", "dataset", "runs", "metrics"):
        assert [path.name for path in (results / folder).iterdir()] == ["synthetic-physionet2012"]


def test_second_run_does_nothing(finished: Project) -> None:
    outcome = finished.run("all")
    assert outcome.code == 0
    assert "Nothing to be done" in outcome.text


def test_same_seed_gives_the_same_bytes(finished: Project, project: Project) -> None:
    outcome = project.run("results/tables/tiny.csv")
    assert outcome.code == 0, outcome.text
    for first in sorted((finished.folder / "results" / "metrics").rglob("metrics.json")):
        second = project.folder / first.relative_to(finished.folder)
        assert first.read_bytes() == second.read_bytes(), first
    for first in sorted((finished.folder / "results" / "runs").rglob("predictions.parquet")):
        second = project.folder / first.relative_to(finished.folder)
        assert first.read_bytes() == second.read_bytes(), first


def test_no_stay_is_named_outside_runs_and_data(finished: Project) -> None:
    results = finished.folder / "results"
    stays = pl.read_parquet(results / "canonical" / "synthetic-physionet2012" / "stays.parquet")[
        "stay_id"
    ]
    names = {str(stay) for stay in stays}
    folders = [results / "tables", results / "figures", results / "metrics"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    files += list((finished.folder / "logs").rglob("*.log"))
    files += list(results.glob("cohorts/**/*.json"))
    # A seal holds a size, which may be any number, and a hash.
    files = [file for file in files if not file.name.endswith((".png", ".pdf", ".seal.json"))]
    assert len(files) > 10
    for file in files:
        # Hashes in manifests and records have digits in any order.
        text = re.sub(r"\b([0-9a-f]{40}|[0-9a-f]{64})\b", "", file.read_text())
        numbers = set(re.findall(r"(?<![\d.])\d{6}(?![\d.])", text))
        assert not numbers & names, file


def test_every_folder_of_results_says_what_made_it(finished: Project) -> None:
    results = finished.folder / "results"
    for file in results.glob("runs/**/predictions.parquet"):
        manifest = json.loads((file.parent / "manifest.json").read_text())
        assert manifest["inputs"]
        assert manifest["settings_sha256"]
    for name in (
        "canonical/synthetic-physionet2012",
        "cohorts/synthetic-physionet2012/48-IHM/cohort",
    ):
        assert json.loads((results / name / "manifest.json").read_text())["rows"]


@pytest.mark.parametrize(
    "config",
    [
        "config/config.yaml",
        "config/physionet2012.yaml",
        "config/physionet2012_paper.yaml",
        "config/hospital.yaml",
        "config/synthetic_adni.yaml",
        "config/adni.yaml",
        "config/adni.yaml config/adni_released.yaml",
        "config/mimic.yaml",
        "config/theory.yaml",
        "config/mimic.yaml config/mimic_released.yaml",
        "config/physionet2012.yaml config/physionet2012_five_random.yaml",
    ],
)
def test_shipped_configurations_give_a_graph(project: Project, config: str) -> None:
    outcome = project.run("all", "--dry-run", config=config)
    assert outcome.code == 0, outcome.text


def test_absent_source_is_reported_not_skipped(project: Project) -> None:
    project.write(CONFIG, tiny={**TABLE, "source": "physionet2012"})
    outcome = project.run("all")
    assert outcome.code == 0, outcome.text
    table = pd.read_csv(project.folder / "results" / "tables" / "tiny.csv")
    assert set(table["status"]) == {"not run: data absent"}
    assert "not run: data absent" in outcome.text


def test_one_table_needs_only_its_own_cells(project: Project) -> None:
    project.write(CONFIG, tiny={**TABLE, "methods": ["HAIM"]})
    assert project.jobs("results/tables/tiny.csv")["train_cell"] == 1


def test_make_targets_of_the_readme_exist() -> None:
    makefile = Path(ROOT / "Makefile").read_text()
    named = re.findall(r"^make (\w+)", Path(ROOT / "README.md").read_text(), re.M)
    assert {"all", "test"} <= set(named)
    for target in named:
        assert f"\n{target}:" in makefile


def test_graph_runs_in_another_folder(project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    outcome = Project(elsewhere).run(
        "results/tables/tiny.csv",
        "--dry-run",
        "--snakefile",
        str(project.folder / "Snakefile"),
        config=str(project.folder / "config" / "test.yaml"),
    )
    assert outcome.code == 0, outcome.text


def test_broken_table_of_somebody_else_stops_nothing(project: Project) -> None:
    project.write(CONFIG, tiny=TABLE, other={**TABLE, "methods": ["Nobodys"]})
    outcome = project.run("all", "--dry-run")
    assert outcome.code == 0, outcome.text
