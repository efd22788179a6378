"""Comparisons of variants: paired differences, controls, and what a reader sees."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from fleximodal.config.cells import Cell
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.comparison import build_comparison
from fleximodal.publishing.comparison_declaration import Comparison
from fleximodal.publishing.comparison_page import changes, comparison_page
from fleximodal.publishing.declared import load_table
from fleximodal.publishing.entries import entries
from fleximodal.publishing.formats import write_page
from fleximodal.publishing.summary import summarise
from tests.unit.publishing.stored_cells import Gain, store_metrics, store_predictions

ROOT = Path(__file__).resolve().parents[3]


def load(name: str) -> Comparison:
    table = load_table(ROOT / "config" / "tables" / f"{name}.yaml", known_methods(), "generated")
    assert isinstance(table, Comparison)
    return table


def built(root: Path, table: Comparison, gain: Gain, mean: Gain = lambda c: 0.8) -> pd.DataFrame:
    files = {
        "metrics": [store_metrics(root, cell, mean(cell)) for cell in table.cells()],
        "predictions": [store_predictions(root, cell, gain(cell)) for cell in table.cells()],
    }
    return build_comparison(table, entries(table, **files), replicates=60, seed=0)


def verdicts(frame: pd.DataFrame, method: str) -> dict[str, str]:
    rows = frame[(frame["method"] == method) & (frame["metric"] == "auroc")]
    return dict(zip(rows["variant"], rows["verdict"], strict=True))


def test_differences_are_found_where_they_are(tmp_path: Path) -> None:
    gains = {"paper": 2.0, "paper+K-6": 3.5, "released": 0.5}
    table = load("switches")
    frame = built(tmp_path, table, lambda cell: gains.get(cell.variant, 2.0))
    assert verdicts(frame, "FuseMoE-Laplace") == {
        "paper": "reference",
        "paper+K-3": "no difference found",
        "paper+K-4": "no difference found",
        "paper+K-6": "higher",
        "paper+K-7": "no difference found",
        "released": "lower",
    }
    rows = frame[frame["metric"] == "auroc"].set_index("variant")
    assert rows.loc["paper+K-6", "difference_low"] > 0
    assert (rows["difference_low"] <= rows["difference"]).drop("paper").all()
    assert pd.isna(rows.loc["paper", "difference"])
    assert set(frame["data"]) == {"synthetic"}
    assert rows.loc["released", "n_pairs"] == 2 and rows.loc["released", "p_seeds"] < 0.05


def gain_of_controls(cell: Cell) -> float:
    noise_helps = cell.method == "HAIM" and cell.variant == "paper+noise-notes"
    return 3.0 if noise_helps else 1.5 if cell.modalities == "vitals+notes" else 1.6


def test_controls_say_whether_they_are_as_they_must_be(tmp_path: Path) -> None:
    def mean(cell: Cell) -> float:
        if "shuffled" not in cell.variant:
            return 0.8
        return 0.51 if cell.method == "HAIM" else 0.53  # interval: 0.02 to each side

    frame = built(tmp_path, load("controls"), gain_of_controls, mean)
    haim, laplace = (verdicts(frame, name) for name in ("HAIM", "FuseMoE-Laplace"))
    assert haim["paper+shuffled-labels"] == "as it must be: chance"
    assert laplace["paper+shuffled-labels"] == "NOT as it must be: not chance"
    assert haim["paper+noise-notes"] == "NOT as it must be: a gain"
    assert laplace["paper+noise-notes"] == "as it must be: no gain"
    noise = frame[frame["variant"] == "paper+noise-notes"]
    assert set(noise["against_modalities"]) == {"vitals"}


def test_absent_data_are_said(tmp_path: Path) -> None:
    table = load("switches")
    frame = build_comparison(
        table, entries(table, metrics=[], predictions=[]), replicates=10, seed=0
    )
    assert set(frame["verdict"]) == {"not run: data absent"}
    page = comparison_page(frame, table)
    assert "not there" in page.caption and len(page.view) == 12


def test_page_says_what_each_variant_does(tmp_path: Path) -> None:
    table = load("controls").noted("small")
    frame = built(tmp_path, table, gain_of_controls)
    page = comparison_page(frame, table)
    assert "(small)" in page.title and "synthetic" in page.title
    view = page.view[page.view["Metric"] == "AUROC (%)"].set_index(["Method", "Variant"])
    noise = view.loc["HAIM", "paper+noise-notes"]
    assert noise["What it does"] == "notes replaced by noise"
    assert noise["Against"] == "paper on vitals"
    assert noise["Mean ± sd [interval]"] == "80.0 ± 0.4 [78.0, 82.0]"
    assert view.loc["HAIM", "paper"]["Against"] == "–"
    assert "300 stays of 250 patients" in page.caption
    write_page(frame, page, tmp_path / "tables")
    lines = summarise([tmp_path / "tables" / "controls.csv"]).splitlines()
    assert lines[0].startswith("Table controls (synthetic data)")
    assert len(lines) == 1 + 4 and "NOT as it must be: a gain" in "\n".join(lines)


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ("paper", "as the text says"),
        ("released", "as the released code does, in all"),
        ("paper+K-4", "gate noise in evaluation too"),
        ("released+K-4", "gate noise in training alone"),
        ("paper+shuffled-labels+noise-ecg", "labels of other stays; ecg replaced by noise"),
    ],
)
def test_variants_in_words(variant: str, words: str) -> None:
    assert changes(variant) == words


def test_noise_keeps_the_other_modifiers_of_what_it_is_held_against() -> None:
    table = load("controls").model_copy(
        update={"variants": ["paper", "paper+K-4+noise-notes"], "modalities": ["vitals+notes+ecg"]}
    )
    cell, against = table.rows()[1]
    assert against == replace(cell, modalities="vitals+ecg", variant="paper+K-4")
