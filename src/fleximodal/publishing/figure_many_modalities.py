"""Cost and AUROC of methods from two to many modalities, on generated stays."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fleximodal.publishing.drawing import COLOURS, MARKERS, mark_synthetic
from fleximodal.publishing.figure_declaration import FigureDeclaration
from fleximodal.publishing.figure_inputs import MEASURED, FigureInputs
from fleximodal.publishing.figure_parts import entitle, panels
from fleximodal.publishing.numbers import extent

METRICS = ("auroc", "accuracy")
COSTS = ("parameters", "bank_parameters", "forward_gflops_per_stay", "seconds_per_iteration",
         "peak_memory_mb")  # fmt: skip
COUNTS = ("modalities", "n_runs", "n_stays", "n_test", "combinations", "combinations_in_training",
          "experts", "parameters", "bank_parameters")  # fmt: skip
# Panels: column, words of the axis, factor, whether the axis is logarithmic.
PANELS = (
    ("auroc_mean", "AUROC (%)", 100.0, False),
    ("parameters", "Parameters", 1.0, True),
    ("seconds_per_iteration", "Time per step (ms)", 1000.0, True),
    ("peak_memory_mb", "Peak memory (MB)", 1.0, True),
)


def numbers(declaration: FigureDeclaration, inputs: FigureInputs) -> pd.DataFrame:
    """Return a row per method and number of modalities; AUROC and accuracy as fractions.

    `_mean` and `_sd` are over seeds, `_best` is what the true probability reaches; a setting that
    was not run says why in `not_run`.
    """
    rows: list[dict[str, Any]] = []
    for found in inputs.loose:
        row = {
            "figure": declaration.name,
            "origin": MEASURED,
            "data": "synthetic",
            "n_runs": len(found["runs"]),
            **{name: value for name, value in found.items() if name not in ("runs", "optimum")},
        }
        for metric in METRICS:
            values = [run[metric] for run in found["runs"]]
            row[f"{metric}_mean"] = float(np.mean(values)) if values else None
            row[f"{metric}_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
            row[f"{metric}_best"] = found["optimum"][metric]
        rows.append(row)
    metrics = [f"{metric}_{name}" for metric in METRICS for name in ("mean", "sd", "best")]
    columns = ["figure", "origin", "data", "method", "modalities", "n_runs", "n_stays", "n_test"]
    columns += ["combinations", "combinations_in_training", "experts", *metrics, *COSTS]
    columns += ["device", "threads", "not_run"]
    frame = pd.DataFrame(rows, columns=columns)
    floats = dict.fromkeys((*metrics, *COSTS[2:]), float)
    frame = frame.astype(floats).astype(dict.fromkeys(COUNTS, "Int64"))
    order = list(dict.fromkeys(frame["method"]))
    place = frame["method"].map(order.index)
    return frame.assign(place=place).sort_values(["place", "modalities"]).drop(columns="place")


def draw(numbers: pd.DataFrame, declaration: FigureDeclaration) -> Figure:
    """Return the figure: a panel per metric and cost, a line per method."""
    figure, axes = panels(declaration, len(PANELS), size=(14.0, 4.6))
    methods = list(dict.fromkeys(numbers["method"]))
    shown = sorted(set(numbers["modalities"].tolist()))
    for axis, (column, words, factor, logarithmic) in zip(axes, PANELS, strict=True):
        for number, method in enumerate(methods):
            rows = numbers[(numbers["method"] == method) & numbers[column].notna()]
            axis.errorbar(
                rows["modalities"].astype(float),
                rows[column].astype(float) * factor,
                rows["auroc_sd"].fillna(0.0) * factor if column == "auroc_mean" else None,
                color=COLOURS[number % len(COLOURS)],
                marker=MARKERS[number % len(MARKERS)],
                capsize=3,
                label=method,
            )
        if logarithmic:
            axis.set_yscale("log")
        else:
            _draw_best(axis, numbers, factor)
        axis.set_xticks(shown, [str(number) for number in shown])
        axis.set(xlabel="Modalities", ylabel=words)
        mark_synthetic(axis, 11)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=5, frameon=False)
    entitle(figure, declaration, _words(numbers))
    return figure


def _draw_best(axis: Axes, numbers: pd.DataFrame, factor: float) -> None:
    best = numbers.drop_duplicates("modalities").sort_values("modalities")
    axis.plot(
        best["modalities"].astype(float),
        best["auroc_best"] * factor,
        color="#555555",
        linestyle=(0, (5, 2)),
        label="best reachable",
    )


def _words(numbers: pd.DataFrame) -> list[str]:
    run = numbers[numbers["n_runs"] > 0]
    words = []
    if len(run):
        devices = ", ".join(sorted(set(run["device"])))
        words.append(
            f"synthetic (generated) data; {extent(run['n_runs'])} seed(s), mean ± standard "
            f"deviation; {extent(run['n_stays'])} stays, of which {extent(run['n_test'])} in the "
            f"test part; device {devices}"
        )
    left_out = numbers[numbers["not_run"].notna()]
    words += [
        f"{row['method']} with {row['modalities']} modalities was not run: {row['not_run']}"
        for row in left_out.to_dict("records")
    ]
    return words
