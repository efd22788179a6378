"""The lines that end a run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fleximodal.publishing.curves import write_curves
from fleximodal.publishing.formats import write_table
from fleximodal.publishing.summary import summarise
from fleximodal.publishing.table import build_table

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
        "give sources.physionet2012.folder in the configuration",
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
    declaration = declare(source="synthetic", methods=["HAIM"], modalities=["vitals", "labs"])
    write_table(build_table(declaration, entries(declaration)), declaration, tmp_path)
    text = summarise([tmp_path / "deaths.csv"])
    assert "deaths (synthetic data)" in text
    assert "HAIM on vitals  84.2" in text
    assert "HAIM on labs    85.2" in text
