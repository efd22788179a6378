"""Comparisons of variants: paired differences, controls, and what a reader sees."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from fleximodal.config.cell import Cell
from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.comparison import build_comparison
from fleximodal.publishing.comparison_declaration import Comparison, load_comparison
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
    controls = frame[frame["variant"] != "paper"]
    assert controls[controls["metric"] != "auroc"]["verdict"].isna().all()


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


def declared(folder: Path, **changes: object) -> Comparison:
    keys = {
        "kind": "comparison",
        "title": "Methods",
        "caption": "Synthetic.",
        "release": "mimic4",
        "task": "48-IHM",
        "protocol": "stay",
        "modalities": ["vitals"],
        "methods": ["HAIM", "Concat"],
        "variants": ["paper"],
        **changes,
    }
    path = folder / "methods.yaml"
    path.write_text(json.dumps(keys))
    return load_comparison(path, known_methods(), "generated")


def test_methods_are_held_against_one_of_them(tmp_path: Path) -> None:
    table = declared(tmp_path, reference_method="Concat", metrics=["accuracy", "auroc"])
    assert [against and against.method for _, against in table.rows()] == ["Concat", None]
    frame = built(tmp_path, table, lambda cell: 3.0 if cell.method == "HAIM" else 0.5)
    assert verdicts(frame, "HAIM") == {"paper": "higher"}
    assert verdicts(frame, "Concat") == {"paper": "reference"}
    view = comparison_page(frame, table).view
    assert not {"Variant", "What it does", "Cases", "Modalities"} & set(view)
    assert view["Against"].tolist() == ["Concat", "Concat", "–", "–"]


def test_cases_are_held_against_one_of_them(tmp_path: Path) -> None:
    table = declared(
        tmp_path, cases=["all", "vitals+notes"], reference_cases="all", methods=["HAIM"]
    )
    frame = built(tmp_path, table, lambda cell: 3.0 if cell.cases == "all" else 0.5)
    rows = frame[frame["metric"] == "auroc"]
    assert rows["cases"].tolist() == ["all", "vitals+notes"]
    assert rows["verdict"].tolist() == ["reference", "lower"]
    page = comparison_page(frame, table)
    assert page.view["Against"].tolist() == ["–", "–", "cases all", "cases all"]
    assert page.view["Cases"].tolist() == ["all", "all", "vitals+notes", "vitals+notes"]
    write_page(frame, page, tmp_path)
    assert "HAIM paper cases vitals+notes: " in summarise([tmp_path / "methods.csv"])


def test_modality_sets_are_held_against_one_of_them(tmp_path: Path) -> None:
    sets = ["vitals", "notes", "vitals+notes"]
    table = declared(tmp_path, modalities=sets, reference_modalities=sets[2], methods=["HAIM"])
    frame = built(tmp_path, table, lambda cell: 3.0 if cell.modalities == sets[2] else 0.5)
    rows = frame[frame["metric"] == "auroc"]
    assert rows["modalities"].tolist() == sets
    assert rows["verdict"].tolist() == ["lower", "lower", "reference"]
    view = comparison_page(frame, table).view
    assert view["Against"].tolist()[::2] == [f"on {sets[2]}", f"on {sets[2]}", "–"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "one thing must be compared"),
        ({"reference_modalities": "notes"}, "reference_modalities: unknown .*notes"),
        ({"reference_modalities": "vitals", "reference_cases": "all"}, "one thing must be"),
        ({"variants": ["paper", "released"], "reference_method": "HAIM"}, "one thing must be"),
        ({"reference_cases": "all", "reference_method": "HAIM"}, "one thing must be compared"),
        ({"cases": ["all", "notes"], "reference_method": "HAIM"}, "reference_cases must name one"),
        ({"reference_method": "MulT"}, "reference_method: unknown .*MulT"),
        ({"cases": ["all", "notes"], "reference_cases": "ecg"}, "reference_cases: unknown .*ecg"),
        ({"cases": ["all", "all"], "reference_cases": "all"}, "'all' is there twice"),
        ({"variants": ["paper", "released"], "reference": "papr"}, "reference: unknown .*paper"),
        ({"reference_method": "HAIM", "metrics": ["brier"]}, "metrics: unknown metric 'brier'"),
    ],
)
def test_declarations_that_compare_nothing_or_too_much_are_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(FleximodalError, match=f"methods.yaml: .*{message}"):
        declared(tmp_path, **changes)


SHIPPED = [
    path.stem
    for path in sorted((ROOT / "config" / "tables").glob("*.yaml"))
    if "kind: comparison" in path.read_text().splitlines()
]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_comparisons_hold_every_row_but_references_against_another(name: str) -> None:
    table = load(name)
    rows = table.rows()
    references = [cell for cell, against in rows if against is None]
    assert references and len(references) < len(rows)
    assert all(against in table.cells() and against != cell for cell, against in rows if against)
