"""The lines that end a run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fleximodal.publishing.cohort_table import write_cohort_table
from fleximodal.publishing.curves import write_curves
from fleximodal.publishing.formats import write_table
from fleximodal.publishing.own_declaration import load_own
from fleximodal.publishing.summary import summarise
from fleximodal.publishing.table import build_table
from tests.unit.publishing.cohorts import write_cohort, write_published
from tests.unit.publishing.conftest import write_truth

ROOT = Path(__file__).resolve().parents[3]
Build = Callable[..., Any]


def test_lines_name_files_headline_and_what_was_not_run(
    declare: Build, entries: Build, tmp_path: Path
) -> None:
    declaration = declare()
    cells = entries(declaration, absent=(1,))
    write_table(build_table(declaration, cells), declaration, tmp_path / "tables")
    write_curves(declaration, cells, tmp_path / "figures")
    path = tmp_path / "tables" / "deaths.csv"
    assert summarise([path, tmp_path / "tables" / "other.csv"]).splitlines() == [
        f"Table deaths (real data): {path} (also .md, .tex, .html)",
        f"  figure: {tmp_path / 'figures' / 'deaths.png'} (also .svg, .pdf, .csv)",
        "  AUROC (%): mean ± sd over runs [95 % interval of the mean]",
        "    HAIM             84.2 ± 0.3 [83.2, 85.2]",
        "    FuseMoE-Laplace  86.2 ± 0.3 [85.2, 87.2]",
        "  not run: data absent: 1 cell(s) of source physionet2012; "
        "give the folders under sources.physionet2012 in the configuration",
        "Table other: not made by this run",
    ]


def test_a_table_without_data_has_no_headline(
    declare: Build, entries: Build, tmp_path: Path
) -> None:
    declaration = declare()
    frame = build_table(declaration, entries(declaration, absent=(0, 1, 2)))
    write_table(frame, declaration, tmp_path)
    lines = summarise([tmp_path / "deaths.csv"]).splitlines()
    assert len(lines) == 2
    assert "3 cell(s)" in lines[1]


def test_modality_sets_are_told_apart(declare: Build, entries: Build, tmp_path: Path) -> None:
    declaration = declare(
        source="synthetic-mimic3", methods=["HAIM"], modalities=["vitals", "labs"]
    )
    write_table(build_table(declaration, entries(declaration)), declaration, tmp_path)
    text = summarise([tmp_path / "deaths.csv"])
    assert "deaths (synthetic data)" in text
    assert "HAIM on vitals  84.2" in text
    assert "HAIM on labs    85.2" in text


def test_absent_modalities_are_named(declare: Build, entries: Build, tmp_path: Path) -> None:
    declaration = declare(
        source="mimic4", methods=["HAIM"], modalities=["vitals", "vitals+notes", "vitals+cxr+ecg"]
    )
    cells = entries(declaration, absent=(1, 2), leakage=[0.6])
    write_table(build_table(declaration, cells), declaration, tmp_path)
    lines = summarise([tmp_path / "deaths.csv"]).splitlines()
    assert lines[2:] == [
        "    HAIM  84.2 ± 0.3 [83.2, 85.2]",
        "  not run: data absent: 2 cell(s) of source mimic4 needing notes, cxr, ecg; "
        "give the folders under sources.mimic4 in the configuration",
    ]


def test_optimum_follows_the_headline(declare: Build, entries: Build, tmp_path: Path) -> None:
    declaration = declare(source="synthetic-mimic4", methods=["HAIM"], optimum=True)
    truth = write_truth(tmp_path, declaration)
    frame = build_table(declaration, entries(declaration), truth=truth)
    write_table(frame, declaration, tmp_path)
    lines = summarise([tmp_path / "deaths.csv"]).splitlines()
    assert lines[1].endswith("[95 % interval of the mean]; best reachable")
    assert lines[2] == "    HAIM  84.2 ± 0.3 [83.2, 85.2]; 90.0"


def test_counts_of_cohorts_are_summed_up(tmp_path: Path) -> None:
    counts = [
        ("total", 100, 100, "equal"),
        ("notes", 60, 90, "off"),
        ("ecg", None, 50, "not run: data absent"),
    ]
    entry = write_cohort(tmp_path, "mimic4", "48-IHM", counts=counts)
    table = load_own(ROOT / "config" / "tables" / "table5.yaml")
    published = write_published(tmp_path)
    write_cohort_table(table, [entry], [], published, tmp_path / "tables", tmp_path / "claims.csv")
    lines = summarise([tmp_path / "tables" / "table5.csv"]).splitlines()
    assert lines[1:] == [
        "  counts against the published ones: 1 equal, 1 off, 1 not run: data absent",
        "    off: mimic4 48-IHM notes: 60 instead of 90",
        "  not run: data absent: 1 count(s) of source mimic4",
    ]
