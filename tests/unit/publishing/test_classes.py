"""Tables and figures of a task with several classes, from stored predictions to what is read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from fleximodal.config.cell import Cell
from fleximodal.evaluation.conditions import evaluate_conditions
from fleximodal.evaluation.evaluate import evaluate_cell
from fleximodal.publishing.comparison import build_comparison
from fleximodal.publishing.comparison_declaration import Comparison
from fleximodal.publishing.comparison_page import comparison_page
from fleximodal.publishing.curve_numbers import curve_numbers
from fleximodal.publishing.curves import draw
from fleximodal.publishing.declaration import TableDeclaration, load_declaration
from fleximodal.publishing.entries import entries
from fleximodal.publishing.figure_declaration import FigureDeclaration
from fleximodal.publishing.figure_inputs import FigureInputs
from fleximodal.publishing.formats import write_page, write_table
from fleximodal.publishing.numbers import positives
from fleximodal.publishing.optimum_figure import optimum_numbers
from fleximodal.publishing.robustness_numbers import robustness_numbers
from fleximodal.publishing.robustness_table import page_of_robustness
from fleximodal.publishing.summary import summarise
from fleximodal.publishing.table import build_table
from fleximodal.publishing.views import caption, metric_view

KEYS = {
    "title": "Diagnoses",
    "caption": "Synthetic data.",
    "source": "synthetic-adni",
    "task": "diagnosis",
    "protocol": "complete-test",
    "modalities": ["clinical", "image+clinical"],
    "methods": ["HAIM", "Concat"],
    "metrics": ["accuracy", "macro_f1", "auroc", "f1_tuned"],
}
SEVERAL = "each against the rest"
STAYS = 240


def store(root: Path, cell: Cell, gain: float) -> dict[str, Path]:
    """Write predictions of three classes and what is evaluated from them, where the graph does."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, STAYS)
    frames = []
    for seed in (0, 1):
        noise = np.random.default_rng(seed).dirichlet([2, 2, 2], size=STAYS)
        scores = gain * np.eye(3)[labels] + (1 - gain) * noise
        frames.append(
            pl.DataFrame(
                {
                    "split": "complete0",
                    "seed": pl.Series([seed] * STAYS, dtype=pl.Int32),
                    "part": np.where(np.arange(STAYS) % 2, "val", "test"),
                    "stay_id": np.arange(STAYS),
                    "patient_id": np.arange(STAYS),
                    "label": pl.Series(labels, dtype=pl.Int8),
                    "score": pl.Series(scores).cast(pl.List(pl.Float64)),
                }
            )
        )
    runs, evaluated = root / "runs" / cell.path, root / "metrics" / cell.path
    for folder in (runs, evaluated.parent):
        folder.mkdir(parents=True, exist_ok=True)
    cost = {"wall_seconds": 1.0, "peak_memory_mb": 2.0, "parameters": 3, "device": "cpu"}
    (runs / "cost.json").write_text(json.dumps(cost))
    names = json.dumps(["CN", "MCI", "dementia"])
    pl.concat(frames).write_parquet(runs / "predictions.parquet", metadata={"labels": names})
    evaluate_cell(runs / "predictions.parquet", evaluated, cell=vars(cell), replicates=20, seed=0)
    return {
        "predictions": runs / "predictions.parquet",
        "cost": runs / "cost.json",
        "metrics": evaluated / "metrics.json",
        "curves": evaluated / "curves.json",
    }


def all_entries(root: Path, declaration: Any, kinds: tuple[str, ...]) -> list[dict[str, Any]]:
    gains = {"HAIM": 0.15, "Concat": 0.4}
    files = [store(root, cell, gains[cell.method]) for cell in declaration.cells()]
    return entries(declaration, **{kind: [found[kind] for found in files] for kind in kinds})


@pytest.fixture
def declaration(tmp_path: Path) -> TableDeclaration:
    path = tmp_path / "diagnoses.yaml"
    path.write_text(json.dumps(KEYS))
    return load_declaration(path, ("HAIM", "Concat"))


def test_table_shows_the_new_metrics(tmp_path: Path, declaration: TableDeclaration) -> None:
    cells = all_entries(tmp_path, declaration, ("metrics", "cost"))
    frame = build_table(declaration, cells)
    stored = json.loads(Path(cells[0]["metrics"]).read_text())["summary"]
    for metric in ("accuracy", "macro_f1", "auroc"):
        assert frame[f"{metric}_mean"].iloc[0] == stored[metric]["mean"]
        assert (frame[f"{metric}_low"] < frame[f"{metric}_high"]).all()
    assert frame[["prevalence", "f1_tuned_mean"]].isna().all(axis=None)
    view = metric_view(frame, declaration)
    accuracy = stored["accuracy"]
    assert view["Accuracy (%)"].iloc[0].startswith(f"{100 * accuracy['mean']:.1f} ± ")
    assert (view["F1, tuned threshold (%)"] == "–").all()
    assert list(view)[2:5] == ["Accuracy (%)", "Macro F1 (%)", "AUROC (%)"]
    words = caption(frame, declaration)
    assert SEVERAL in words and "positive" not in words and "nan" not in words.lower()
    write_table(frame, declaration, tmp_path)
    lines = summarise([tmp_path / "diagnoses.csv"]).splitlines()
    assert lines[1].startswith("  AUROC (%): mean")


def test_a_table_without_auroc_has_accuracy_as_its_headline(
    tmp_path: Path, declaration: TableDeclaration
) -> None:
    short = declaration.model_copy(update={"metrics": ["macro_f1", "accuracy"]})
    frame = build_table(short, all_entries(tmp_path, short, ("metrics", "cost")))
    write_table(frame, short, tmp_path)
    lines = summarise([tmp_path / "diagnoses.csv"]).splitlines()
    assert lines[1].startswith("  Accuracy (%): mean")
    assert lines[2].split()[:3] == ["HAIM", "on", "clinical"]


def truth_of(root: Path) -> Path:
    """Write the optima of a generated study: 0.6 and 0.01 more for each that follows."""
    number = iter(range(100))
    sets = {
        letters: {
            stays: {
                metric: {kind: 0.6 + 0.01 * next(number) for kind in ("expected", "sample")}
                for metric in ("accuracy", "macro_auroc")
            }
            for stays in ("some", "complete")
        }
        for letters in ("C", "IC")
    }
    path = root / "truth.json"
    path.write_text(json.dumps({"optimum": {"sets": sets, "by_combination": {}}}))
    return path


def test_optimum_of_accuracy_and_auroc(tmp_path: Path, declaration: TableDeclaration) -> None:
    known = declaration.model_copy(update={"optimum": True})
    cells = all_entries(tmp_path, known, ("metrics", "cost"))
    frame = build_table(known, cells, truth=truth_of(tmp_path))
    rows = frame.set_index(["method", "modalities"])
    # Of the complete stays, which the protocol tests on: some come first, then two kinds each.
    assert rows.loc[("HAIM", "clinical"), "accuracy_optimum"] == pytest.approx(0.64)
    assert rows.loc[("HAIM", "clinical"), "auroc_optimum"] == pytest.approx(0.66)
    assert rows.loc[("Concat", "image+clinical"), "accuracy_optimum"] == pytest.approx(0.72)
    gap = frame["accuracy_optimum"] - frame["accuracy_mean"]
    assert frame["accuracy_gap"].tolist() == pytest.approx(gap.tolist())
    view = metric_view(frame, known)
    assert view["Best reachable accuracy (%)"].iloc[0] == "64.0"
    assert view["Best reachable AUROC (%)"].iloc[0] == "66.0"
    everyone = known.model_copy(update={"protocol": "stay", "methods": ["HAIM"]})
    frame = build_table(
        everyone, all_entries(tmp_path, everyone, ("metrics", "cost")), truth=truth_of(tmp_path)
    )
    assert frame["accuracy_optimum"].tolist() == pytest.approx([0.60, 0.68])
    numbers = optimum_numbers(known, all_entries(tmp_path, known, ("metrics",)), truth_of(tmp_path))
    assert sorted(set(numbers["auroc_optimum_sample"])) == pytest.approx([0.67, 0.75])


def test_curves_are_drawn_without_a_prevalence(
    tmp_path: Path, declaration: TableDeclaration
) -> None:
    numbers = curve_numbers(declaration, all_entries(tmp_path, declaration, ("curves",)))
    assert numbers["prevalence"].isna().all() and numbers["y"].notna().all()
    figure = draw(numbers, declaration)
    assert "positive" not in figure.get_suptitle() and "n = 120 stays" in figure.get_suptitle()
    assert SEVERAL in figure.get_suptitle()
    roc, precision = figure.axes[:2]
    assert len(roc.lines) == 2 + 1  # two methods and the diagonal
    assert len(precision.lines) == 2


def test_comparison_in_accuracy(tmp_path: Path) -> None:
    table = Comparison(
        kind="comparison",
        name="ablation",
        title="Ablation",
        caption="Synthetic.",
        release="adni",
        source="synthetic-adni",
        task="diagnosis",
        protocol="complete-test",
        modalities=["image+clinical"],
        methods=["HAIM"],
        variants=["paper", "released"],
        metrics=["accuracy", "macro_f1"],
    )
    files = [store(tmp_path, cell, 0.2 + 0.3 * (cell.variant == "paper")) for cell in table.cells()]
    kinds = {kind: [found[kind] for found in files] for kind in ("metrics", "predictions")}
    frame = build_comparison(table, entries(table, **kinds), replicates=60, seed=0)
    rows = frame.set_index(["variant", "metric"])
    assert rows.loc[("released", "accuracy"), "verdict"] == "lower"
    stored = [json.loads(path.read_text())["summary"]["accuracy"] for path in kinds["metrics"]]
    difference = rows.loc[("released", "accuracy"), "difference"]
    assert difference == pytest.approx(stored[1]["mean"] - stored[0]["mean"])
    page = comparison_page(frame, table)
    assert set(page.view["Metric"]) == {"Accuracy (%)", "Macro F1 (%)"}
    assert SEVERAL in page.caption and "positive" not in page.caption
    write_page(frame, page, tmp_path)
    assert "points of Accuracy; lower" in summarise([tmp_path / "ablation.csv"])


def test_robustness_shows_macro_f1(tmp_path: Path, declaration: TableDeclaration) -> None:
    cell = declaration.cells()[0]
    path = store(tmp_path, cell, 0.3)["predictions"]
    facts = {"condition": "intact", "kind": "intact", "subset": "clinical", "percent": 0}
    frame = pl.read_parquet(path).filter(part="test")
    frame.with_columns(**{name: pl.lit(value) for name, value in facts.items()}).write_parquet(path)
    evaluate_conditions([(cell, path)], tmp_path / "whole.json", replicates=20, seed=0)
    whole = json.loads((tmp_path / "whole.json").read_text())
    declared = FigureDeclaration(
        kind="robustness",
        name="robust",
        title="Robust",
        caption="Synthetic.",
        release="adni",
        source=cell.source,
        tasks=[cell.task],
        protocol=cell.protocol,
        modalities=cell.modalities,
        methods={cell.method: cell.method},
    )
    numbers = robustness_numbers(declared, FigureInputs([], whole, pd.DataFrame()))
    (stored,) = whole["cells"][0]["conditions"]
    assert numbers["f1_mean"].tolist() == [stored["metrics"]["macro_f1"]["mean"]]
    page = page_of_robustness(numbers, declared)
    assert [title for title, _ in page.more][1] == "Macro F1 (%)"
    assert "positive" not in page.caption and SEVERAL in page.caption


def test_prevalence_in_words() -> None:
    assert positives(pd.Series([0.1425, 0.1])) == ", 10.0 to 14.3 % positive"
    assert positives(pd.Series([None, None])) == ""
    assert positives(pd.Series([np.nan, 0.2])) == ", 20.0 % positive"
