"""MIMIC through the graph: open demos, the generated hospital, and what must not leak out."""

import gzip
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from tests.workflow.conftest import CONFIG, Project, make_project

# One worker runs them all, so that the graphs are run once for them.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mimic")]

ROW_LEVEL = (".parquet", ".safetensors", ".png", ".pdf", ".gz", ".jpg", ".dat", ".hea")
ENCODERS = {
    "ecg": {"max_records": 40, "batch_size": 16, "max_epochs": 1},
    "codes": {"floor": 3},
}


def packed(source: str, *tasks: str) -> list[str]:
    return [f"results/dataset/{source}/{task}/packed/manifest.json" for task in tasks]


def passed(source: str, protocol: str, *tasks: str) -> list[str]:
    return [f"results/cohorts/{source}/{task}/leakage/{protocol}/leakage.json" for task in tasks]


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Project:
    """A project that ran both demos from raw files to packed datasets; not to be changed."""
    project = make_project(tmp_path_factory.mktemp("demos") / "project")
    project.write({**CONFIG, "data_folders": [str(real_data)], "encoders": ENCODERS})
    stay_tasks = ["48-IHM", "LOS", "25-PHE"]
    outcome = project.run(
        *passed("mimic4", "patient", *stay_tasks, "one-year-mortality"),
        *passed("mimic4", "stay", *stay_tasks),
        *passed("mimic3", "patient", "48-IHM", "25-PHE"),
        "results/tables/table5.csv",
        "results/figures/cohort_flow.svg",
    )
    assert outcome.code == 0, outcome.text
    return project


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that ran the generated hospital with every modality; not to be changed."""
    project = make_project(tmp_path_factory.mktemp("hospital") / "project")
    project.write({**CONFIG, "encoders": ENCODERS})
    outcome = project.run(
        *passed("synthetic-mimic4", "patient", "48-IHM", "25-PHE", "one-year-mortality"),
        *passed("synthetic-mimic4", "stay", "48-IHM"),
        *passed("synthetic-mimic3", "patient", "48-IHM"),
        "results/tables/table5.csv",
    )
    assert outcome.code == 0, outcome.text
    return project


def rows_of(project: Project, source: str, task: str) -> dict[str, int]:
    manifest = project.folder / packed(source, task)[0]
    rows: dict[str, int] = json.loads(manifest.read_text())["rows"]
    return rows


def test_demos_reach_the_packed_dataset(demos: Project) -> None:
    assert rows_of(demos, "mimic4", "48-IHM")["stay_id"] == 74
    assert rows_of(demos, "mimic4", "LOS")["stay_id"] == 74
    assert rows_of(demos, "mimic4", "25-PHE")["stay_id"] == 140
    for source, task in (("mimic4", "48-IHM"), ("mimic3", "48-IHM"), ("mimic3", "25-PHE")):
        assert rows_of(demos, source, task)["vitals/value"] > 1000
    assert rows_of(demos, "mimic4", "one-year-mortality")["codes/features"] > 20


def test_every_modality_of_the_hospital_is_packed(hospital: Project) -> None:
    rows = rows_of(hospital, "synthetic-mimic4", "48-IHM")
    for name in ("notes", "cxr", "ecg"):
        assert rows[f"{name}/features"] > 10
    assert rows_of(hospital, "synthetic-mimic4", "one-year-mortality")["notes/features"] > 10
    assert rows_of(hospital, "synthetic-mimic3", "48-IHM")["notes/features"] > 10
    for encoded, weights in (("cxr", "pooling"), ("notes", "hash")):
        manifest = hospital.folder / f"results/encoders/synthetic-mimic4/{encoded}/manifest.json"
        assert weights in json.dumps(json.loads(manifest.read_text())["settings"])


def test_table5_compares_or_says_why_not(demos: Project, hospital: Project) -> None:
    table = pd.read_csv(demos.folder / "results" / "tables" / "table5.csv")
    demo = table[table["source"] == "mimic4"]
    total = demo[(demo["task"] == "48-IHM") & (demo["count"] == "total")].iloc[0]
    assert (total["stays"], total["published"]) == (74, 35129)
    assert "demonstration data" in total["verdict"]
    generated = pd.read_csv(hospital.folder / "results" / "tables" / "table5.csv")
    absent = generated[generated["source"] == "mimic4"]
    assert set(absent["verdict"]) == {"not run: data absent"}
    synthetic = generated[generated["source"] == "synthetic-mimic4"]
    assert set(synthetic["data"]) == {"synthetic"}


def ids_of(project: Project) -> set[str]:
    """Return every id of a patient, admission, stay or item in the canonical tables."""
    found: set[str] = set()
    for file in (project.folder / "results" / "canonical").rglob("*.parquet"):
        table = pl.read_parquet(file)
        for name in ("stay_id", "patient_id", "admission_id", "item_id"):
            if name in table.columns:
                found |= set(table[name].cast(pl.String).drop_nulls().unique())
    return {one for one in found if len(one) >= 5}


@pytest.mark.parametrize("which", ["demos", "hospital"])
def test_no_row_gets_into_logs_tables_figures_and_manifests(
    which: str, request: pytest.FixtureRequest
) -> None:
    project: Project = request.getfixturevalue(which)
    ids = ids_of(project)
    assert len(ids) > 300
    files = [path for path in (project.folder / "logs").rglob("*") if path.is_file()]
    for path in (project.folder / "results").rglob("*"):
        kept = path.relative_to(project.folder / "results").parts[0] not in ("raw", "runs")
        # A seal holds a size, which may be any number, and a hash.
        kept = kept and not path.name.endswith(".seal.json")
        if path.is_file() and kept and path.suffix not in ROW_LEVEL:
            files.append(path)
    assert len(files) > 40
    for file in files:
        text = file.read_text(errors="replace")
        if file.suffix == ".svg":
            # Coordinates are numbers of any length; words stand in comments beside their outlines.
            text = " ".join(re.findall(r"<!--.*?-->|>[^<]+<", text, re.S))
        words = set(re.findall(r"[A-Za-z0-9-]{5,}", text))
        words |= {part for word in words for part in word.split("-")}
        assert not words & ids, file


def test_gates_report_patients_on_both_sides_under_stay_alone(demos: Project) -> None:
    def gate(protocol: str) -> dict[str, object]:
        file = demos.folder / passed("mimic4", protocol, "25-PHE")[0]
        gates = json.loads(file.read_text())["gates"]
        found: dict[str, object] = next(g for g in gates if g["name"] == "patients-disjoint")
        return found

    assert gate("patient")["verdict"] == "passed"
    reported = gate("stay")
    assert reported["verdict"] == "reported"
    assert reported["numbers"]["stay0"]["shared_patients"] > 0  # type: ignore[index]


def test_second_run_does_nothing(hospital: Project) -> None:
    outcome = hospital.run(*passed("synthetic-mimic4", "patient", "48-IHM"))
    assert outcome.code == 0
    assert "Nothing to be done" in outcome.text


def copy_of_demo(real_data: Path, folder: Path) -> Path:
    demo = folder / "demo"
    shutil.copytree(real_data / "mimic-iv-clinical-database-demo-2.2", demo)
    return demo


def rewrite(file: Path, old: bytes, new: bytes) -> None:
    content = gzip.decompress(file.read_bytes())
    assert old in content
    file.write_bytes(gzip.compress(content.replace(old, new, 1), compresslevel=1))


def truncate(demo: Path) -> tuple[str, ...]:
    file = demo / "icu" / "chartevents.csv.gz"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    return "chartevents.csv.gz", "truncated or damaged"


def rename_column(demo: Path) -> tuple[str, ...]:
    rewrite(demo / "hosp" / "labevents.csv.gz", b"valuenum", b"value_num")
    return "labevents.csv.gz", "valuenum"


def end_before_begin(demo: Path) -> tuple[str, ...]:
    file = demo / "icu" / "icustays.csv.gz"
    table = pl.read_csv(file, infer_schema=False)
    wrong = pl.when(pl.int_range(pl.len()) == 4).then(pl.lit("1999-01-01 00:00:00"))
    table = table.with_columns(wrong.otherwise("outtime").alias("outtime"))
    file.write_bytes(gzip.compress(table.write_csv().encode()))
    return "icustays.csv.gz", "before"


def repeat_stay(demo: Path) -> tuple[str, ...]:
    file = demo / "icu" / "icustays.csv.gz"
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    file.write_bytes(gzip.compress(b"".join([*lines, lines[1]])))
    return "icustays.csv.gz", "stay_id"


@pytest.mark.parametrize(
    "damage",
    [truncate, rename_column, end_before_begin, repeat_stay],
    ids=lambda damage: damage.__name__,
)
def test_damaged_table_stops_with_one_sentence(
    project: Project, real_data: Path, tmp_path: Path, damage: object
) -> None:
    demo = copy_of_demo(real_data, tmp_path)
    words = damage(demo)  # type: ignore[operator]
    sources = {**CONFIG["sources"], "mimic4": {"folder": str(demo)}}
    project.write({**CONFIG, "sources": sources})
    outcome = project.run("results/canonical/mimic4/counts.json")
    assert outcome.code != 0
    errors = [line for line in outcome.text.splitlines() if "ERROR:" in line]
    assert errors, outcome.text
    for word in words:
        assert word in errors[0]
    assert "Traceback" not in outcome.text
    canonical = project.folder / "results" / "canonical"
    assert not [path for path in canonical.rglob("*") if path.is_file()]


def test_folder_without_the_tables(project: Project, tmp_path: Path) -> None:
    sources = {**CONFIG["sources"], "mimic4": {"folder": str(tmp_path)}}
    project.write({**CONFIG, "sources": sources})
    outcome = project.run("results/canonical/mimic4/counts.json")
    assert outcome.code != 0
    assert f"sources.mimic4.folder: {tmp_path} has no hosp/admissions.csv.gz" in outcome.text
    assert "Traceback" not in outcome.text


def test_source_that_is_absent_is_said(project: Project) -> None:
    outcome = project.run("results/canonical/mimic4/counts.json")
    assert outcome.code != 0
    assert "source mimic4 is absent" in outcome.text
