"""The papers' tables and figures through the graph, small, on the generated hospital."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from tests.workflow.conftest import CONFIG, ROOT, TABLE, Project, make_project

# One worker runs them all, so that the graph is run once for them.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("papers")]

NETWORKS = {"Laplace": "FuseMoE-Laplace-joint"}
FIGURES: dict[str, dict[str, Any]] = {
    "figure3a": {"tasks": ["48-IHM"], "cases": "all", "methods": {"FuseMoE": NETWORKS["Laplace"]}},
    "figure3b": {"tasks": ["48-IHM"], "methods": {"4": "FuseMoE-Laplace-4-experts"}},
    "figure3c": {"tasks": ["48-IHM"]},
    "figure3d": {
        "tasks": ["48-IHM"],
        "modalities": "vitals+notes",
        "methods": {"Non-missing": NETWORKS["Laplace"], "Missing": NETWORKS["Laplace"]},
        "cases_of": {"Non-missing": "vitals+notes"},
    },
    "figure5": {},
    "robustness": {"modalities": "vitals+notes", "methods": {"HAIM": "HAIM", **NETWORKS}},
}

# With them every kind of source is in the run and its report.
OTHER_SOURCES: dict[str, dict[str, Any]] = {
    "third": {**TABLE, "source": "synthetic-mimic3", "protocol": "patient"}
    | {"modalities": ["vitals+notes"], "methods": ["Concat"]},
    "study": {**TABLE, "source": "synthetic-adni", "task": "diagnosis"}
    | {"protocol": "complete-test", "modalities": ["clinical+biospecimen"]}
    | {"methods": ["Concat"], "metrics": ["accuracy"]},
}


def write_small(project: Project) -> None:
    """Cut the shipped declarations to a few cells, and write a configuration that names them."""
    config = project.folder / "config"
    for name, changes in FIGURES.items():
        file = config / "figures" / f"{name}.yaml"
        declared = yaml.safe_load(file.read_text()) | changes
        file.write_text(yaml.safe_dump(declared))
        if "published" in declared:
            values = config / "published" / declared["published"]
            printed = pd.read_csv(values, dtype=str)
            labels = [*declared["methods"], *declared["modalities"].split("+")]
            kept = (printed["task"] == "48-IHM") & printed["label"].isin(labels)
            printed[kept].to_csv(values, index=False)
    printed = pd.read_csv(config / "published" / "fusemoe_table3.csv", dtype=str)
    kept = (printed["task"] == "48-IHM") & printed["method"].isin(["HAIM", *NETWORKS])
    printed[kept].to_csv(config / "published" / "small.csv", index=False)
    table = yaml.safe_load((config / "tables" / "table3.yaml").read_text())
    table |= {"published": "small.csv", "cases": "all", "tasks": ["48-IHM"], "otherwise": []}
    table |= {"methods": {"HAIM": "HAIM", **NETWORKS}, "gates": list(NETWORKS)}
    controls = yaml.safe_load((config / "tables" / "controls.yaml").read_text())
    controls |= {"methods": ["HAIM"], "cases": "all"}
    sources = {**CONFIG["sources"]["synthetic"], "adni": {"subjects": 150, "variants": 600}}
    project.write(
        {
            **CONFIG,
            "sources": {"synthetic": sources},
            "tables": ["small", "controls", "table1", "table6", *OTHER_SOURCES],
            "figures": list(FIGURES),
            "encoders": {"ecg": {"max_records": 40, "batch_size": 16, "max_epochs": 1}},
        },
        small=table,
        controls=controls,
        **OTHER_SOURCES,
    )


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that ran small versions of the papers' tables and figures; not to be changed."""
    project = make_project(tmp_path_factory.mktemp("papers") / "project")
    write_small(project)
    outcome = project.run("all")
    assert outcome.code == 0, outcome.text
    assert "not comparable: synthetic data" in outcome.text
    return project


def test_all_of_them_are_written_and_say_synthetic(papers: Project) -> None:
    results = papers.folder / "results"
    for name in ("small", "controls", "robustness"):
        for suffix in ("csv", "md", "tex", "html"):
            assert "ynthetic" in (results / "tables" / f"{name}.{suffix}").read_text()
    for name in FIGURES:
        for suffix in ("png", "svg", "pdf", "csv"):
            assert (results / "figures" / f"{name}.{suffix}").stat().st_size > 0
        assert "ynthetic" in (results / "figures" / f"{name}.svg").read_text()


def test_report_tells_what_was_left_out_of_every_kind_of_source(papers: Project) -> None:
    outcome = papers.run("results/report/model_card.html", "results/report/costs.html")
    assert outcome.code == 0, outcome.text
    results = papers.folder / "results"
    facts = json.loads((results / "report" / "facts.json").read_text())
    dropped = {cohort["source"]: cohort["dropped"] for cohort in facts["cohorts"]}
    assert set(dropped) == {"synthetic-mimic4", "synthetic-mimic3", "synthetic-adni"}
    counts = json.loads((results / "canonical" / "synthetic-mimic3" / "counts.json").read_text())
    for table in ("CHARTEVENTS", "LABEVENTS"):
        rows = counts["rows"][table]
        assert dropped["synthetic-mimic3"][table] == rows["of_channels"] - rows["kept"] > 0


def test_every_printed_value_has_a_claim_that_says_synthetic(papers: Project) -> None:
    claims = pd.read_csv(papers.folder / "results" / "claims.csv")
    table = claims[claims["table"] == "small"]
    assert len(table) == 4  # two methods, AUROC and F1
    assert table["measured"].notna().all()
    assert set(table["verdict"]) == {"not comparable: synthetic data"}
    assert not set(claims["verdict"]) & {"equivalent", "different", "inconclusive"}
    rankings = pd.read_csv(papers.folder / "results" / "rankings.csv")
    assert set(rankings["verdict"]) == {"not comparable: synthetic data"}


def test_intact_test_parts_have_the_table_s_numbers(papers: Project) -> None:
    tables = papers.folder / "results" / "tables"
    robust = pd.read_csv(tables / "robustness.csv")
    table = pd.read_csv(tables / "small.csv")
    for printed in ("HAIM", *NETWORKS):
        whole = robust[(robust["method"] == printed) & (robust["condition"] == "intact")]
        row = table[(table["method"] == printed) & (table["metric"] == "AUROC")]
        percent = 100 * float(whole["auroc_mean"].iloc[0])
        assert percent == pytest.approx(float(row["mean"].iloc[0]), rel=1e-12)


def test_one_table_lists_its_own_runs_and_nothing_else(papers: Project, tmp_path: Path) -> None:
    """The generated files in the place of MIMIC, the shipped declarations, the paper's sizes."""
    project = make_project(tmp_path / "project")
    raw = papers.folder / "results" / "raw" / "synthetic-hospital"
    folders = {
        "folder": raw / "mimic-iv",
        "note_folder": raw / "mimic-iv-note",
        "cxr_folder": raw / "mimic-cxr-jpg",
        "ecg_folder": raw / "mimic-iv-ecg",
    }
    mine = {"sources": {"mimic4": {name: str(folder) for name, folder in folders.items()}}}
    (project.folder / "config" / "mine.yaml").write_text(yaml.safe_dump(mine))
    config = "config/mimic.yaml config/mine.yaml"
    outcome = project.run("results/mimic/tables/table4.csv", "--dry-run", config=config)
    assert outcome.code == 0, outcome.text
    listed = set(re.findall(r"results/mimic/runs/(\S+)/predictions\.parquet", outcome.text))
    declared = yaml.safe_load((ROOT / "config" / "tables" / "table4.yaml").read_text())
    wanted = {
        f"mimic4/{task}/stay/all/{modalities}/{method}/paper"
        for task in declared["tasks"]
        for modalities in declared["modalities"].values()
        for method in [*declared["methods"].values(), *declared["extensions"]]
    }
    assert listed == wanted
    assert "fit_theory" not in outcome.text
    assert "mimic3" not in outcome.text
    assert "physionet2012" not in outcome.text


def test_second_run_does_nothing(papers: Project) -> None:
    outcome = papers.run("all", "--dry-run")
    assert outcome.code == 0
    assert "Nothing to be done" in outcome.text
