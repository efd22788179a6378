"""The four files of a table: what they say, and that nothing in a text breaks them."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fleximodal.publishing.formats import as_html, as_latex, as_markdown, write_table
from fleximodal.publishing.numbers import percent, rounded, with_spread
from fleximodal.publishing.table import build_table
from fleximodal.publishing.views import caption, page_of
from tests.unit.publishing.conftest import write_truth

Build = Callable[..., Any]
FORMATS = (as_markdown, as_latex, as_html)
PEERS = pd.DataFrame(
    {
        "method": ["A_b & c"],
        "auroc": [0.819],
        "protocol": ["five-random"],
        "note": ["Values as reported."],
        "reference": ["Che et al."],
    }
)


class Page(HTMLParser):
    """Cells of every table of a page, row by row, and the text outside of tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.words = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data
        else:
            self.words += data


@pytest.fixture
def table(declare: Build, entries: Build) -> tuple[pd.DataFrame, Any]:
    declaration = declare()
    return build_table(declaration, entries(declaration, absent=(1,)), PEERS), declaration


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.8415, "84.2"), (0.8425, "84.3"), (0.0005, "0.1"), (1.0, "100.0"), (0.13449999, "13.4")],
)
def test_halves_are_rounded_away_from_zero(value: float, expected: str) -> None:
    assert percent(value) == expected


def test_whole_numbers_have_separated_thousands() -> None:
    assert rounded(1234567.5, 0) == "1,234,568"


def test_numbers_as_a_reader_sees_them(table: tuple[pd.DataFrame, Any]) -> None:
    frame, _ = table
    assert with_spread(frame.iloc[0], "auroc") == "84.2 ± 0.3 [83.2, 85.2]"
    assert with_spread(frame.iloc[0], "calibration_slope") == "0.84 ± 0.00 [0.83, 0.85]"
    assert with_spread(frame.iloc[1], "auroc") == "–"
    assert with_spread(frame.iloc[3], "auroc") == "81.9"
    one_run = frame.iloc[0].copy()
    one_run["auroc_sd"] = None
    assert with_spread(one_run, "auroc") == "84.2 [83.2, 85.2]"


def test_csv_gives_the_frame_back(table: tuple[pd.DataFrame, Any], tmp_path: Path) -> None:
    frame, declaration = table
    write_table(frame, declaration, tmp_path)
    again = pd.read_csv(tmp_path / "deaths.csv")
    assert list(again) == list(frame)
    numbers = frame.select_dtypes("number").columns
    assert len(numbers) > 15
    for name in numbers:
        assert again[name].tolist() == pytest.approx(
            frame[name].astype(float).tolist(), rel=0, abs=0, nan_ok=True
        )
    assert again["status"].tolist() == frame["status"].tolist()
    assert again["note"].dropna().tolist() == ["Values as reported."]


def test_html_gives_the_cells_back(table: tuple[pd.DataFrame, Any]) -> None:
    frame, declaration = table
    page = Page(as_html(page_of(frame, declaration)))
    assert page.open == []
    assert page.rows[0] == [
        *("Method", "AUROC (%)", "AUPRC (%)", "Calibration slope", "Runs", "Status", "Reference")
    ]
    assert page.rows[1][:2] == ["HAIM", "84.2 ± 0.3 [83.2, 85.2]"]
    assert page.rows[2][5] == "not run: data absent"
    assert page.rows[4][0] == "A_b & c"
    assert page.rows[6][:2] == ["HAIM", "1,235"]
    assert caption(frame, declaration) in page.words
    assert declaration.title in page.words


def test_markdown_gives_the_cells_back(table: tuple[pd.DataFrame, Any]) -> None:
    lines = as_markdown(page_of(*table)).splitlines()
    rows = [
        [re.sub(r"\\(.)", r"\1", cell.strip()) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
        if line.startswith("|")
    ]
    assert {len(row) for row in rows[:6]} == {7}
    assert rows[2][:2] == ["HAIM", "84.2 ± 0.3 [83.2, 85.2]"]
    assert rows[5][0] == "A_b & c"
    assert lines[0] == r"# Deaths & survival\_in 100 % of stays"
    assert r"record \<cut> into parts \| 50 %" in "\n".join(lines)


def test_latex_is_escaped_and_balanced(table: tuple[pd.DataFrame, Any]) -> None:
    text = as_latex(page_of(*table))
    body = text.split("\n", 1)[1]
    assert r"A\_b \& c & 81.9 & -- &" in body
    assert r"Deaths \& survival\_in 100 \% of stays" in body
    assert r"\textless{}cut\textgreater{} into parts \textbar{} 50 \% each" in body
    assert r"HAIM & 84.2 $\pm$ 0.3 [83.2, 85.2] &" in body
    assert not re.search(r"(?<!\\)[%#_]", body.replace("tab:deaths", ""))
    assert body.isascii()
    begun = re.findall(r"\\begin\{(\w+)\}", body)
    assert begun == ["table", "adjustbox", "tabular"] * 2
    assert sorted(re.findall(r"\\end\{(\w+)\}", body)) == sorted(begun)
    assert body.count("{") == body.count("}")
    rows = body.split("\\midrule\n")[1].split("\\bottomrule")[0].strip().splitlines()
    assert [len(re.findall(r"(?<!\\)&", row)) for row in rows] == [6] * 4
    assert all(row.endswith(r"\\") for row in rows)


def test_caption_explains_the_numbers(table: tuple[pd.DataFrame, Any]) -> None:
    words = caption(*table)
    for part in (
        "Pseudo-modalities",
        "real data, source physionet2012",
        "4,000 stays of 3,990 patients, 14.3 % positive",
        "sample standard deviation over 5 run(s)",
        "95 % interval of the mean from 1,000 bootstrap resamples of patients",
        "not run",
        "Values as reported.",
    ):
        assert part in words


@pytest.mark.parametrize("form", FORMATS)
def test_generated_data_are_called_synthetic(declare: Build, entries: Build, form: Build) -> None:
    declaration = declare(source="synthetic-physionet2012")
    text = form(page_of(build_table(declaration, entries(declaration)), declaration))
    assert "synthetic (generated) data" in text
    assert "real data" not in text


@pytest.mark.parametrize("form", FORMATS)
def test_a_table_without_any_data_is_still_written(
    declare: Build, entries: Build, form: Build
) -> None:
    declaration = declare()
    frame = build_table(declaration, entries(declaration, absent=(0, 1, 2)))
    text = form(page_of(frame, declaration))
    assert text.count("not run: data absent") == 3
    assert "Cost of the same rows" not in text


def test_modality_sets_are_told_apart(declare: Build, entries: Build) -> None:
    declaration = declare(modalities=["vitals", "vitals+labs"])
    frame = build_table(declaration, entries(declaration))
    page = Page(as_html(page_of(frame, declaration)))
    assert page.rows[0][:2] == ["Modalities", "Method"]
    assert page.rows[4][:2] == ["vitals+labs", "HAIM"]
    assert page.rows[7][:2] == ["Modalities", "Method"]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_the_row_of_missingness(
    declare: Build, entries: Build, form: Build
) -> None:
    declaration = declare()
    frame = build_table(declaration, entries(declaration, leakage=[0.5, 0.6]), PEERS)
    page = page_of(frame, declaration)
    row = page.view.iloc[3].tolist()
    assert row == ["Missingness only", "55.0 ± 7.1", "–", "–", "2", "measured", "–"]
    text = form(page)
    assert "Missingness only" in text
    assert "which of the modalities are there" in text
    assert "3,990 patients" in page.caption and "over 5 run(s)" in page.caption
    assert "Missingness only" not in page.more[0][1]["Method"].tolist()


def test_optimum_stands_beside_the_measured_auroc(
    declare: Build, entries: Build, tmp_path: Path
) -> None:
    declaration = declare(
        source="synthetic-mimic4", methods=["HAIM"], modalities=["vitals", "notes"], optimum=True
    )
    cells = entries(declaration, absent=(1,))
    frame = build_table(declaration, cells, truth=write_truth(tmp_path, declaration))
    page = page_of(frame, declaration)
    assert list(page.view)[:5] == [
        *("Modalities", "Method", "AUROC (%)"),
        *("Best reachable AUROC (%)", "Best minus measured (points)"),
    ]
    assert page.view.iloc[0].tolist()[3:5] == ["90.0", "5.8"]
    assert page.view.iloc[1].tolist()[3:5] == ["88.0", "–"]
    assert "it is known because the data are generated" in page.caption


def test_equal_frames_give_equal_bytes(table: tuple[pd.DataFrame, Any], tmp_path: Path) -> None:
    for name in ("first", "again"):
        write_table(*table, tmp_path / name)
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert names == ["deaths.csv", "deaths.html", "deaths.md", "deaths.tex"]
    for name in names:
        first, again = (tmp_path / folder / name for folder in ("first", "again"))
        assert first.read_bytes() == again.read_bytes()
