"""From single fits to slopes, with counts of what did not go as hoped."""

from typing import Any

import numpy as np
import polars as pl

from fleximodal.theory.settings import Theory
from fleximodal.theory.slopes import STATISTICS, Floats, slope_with_interval

PARAMETERS = ("exp(beta)", "W", "a", "b", "nu")
# Number fitted in a cell, which of their errors, and of which parameters.
CELLS = ((1, "largest", PARAMETERS), (2, "largest", PARAMETERS), (2, "weighted", PARAMETERS[1:]))
LOSSES = {"exact": "D1", "over": "D2"}
EARLY = "at EM stop"
LIGHTEST = "lightest share"  # of a component in the mass of its cell


def summarise(
    fits: pl.DataFrame, cells: pl.DataFrame, theory: Theory, *, configuration: str, gate: str
) -> dict[str, Any]:
    """Return what slopes.json holds.

    Parameters
    ----------
    fits, cells
        As `simulate` writes them.
    theory
        Settings; those of the intervals, and what the printed subset is.
    configuration, gate
        Names of what was fitted.

    Returns
    -------
    dict
        "slopes": one entry per setting, quantity, number fitted in a cell, error (the largest of
        the cell's components or their mean weighted by mass), replicates and statistic;
        "points": one entry per setting, quantity and size; "counts" per setting.
    """
    slopes: list[dict[str, Any]] = []
    points: list[dict[str, Any]] = []
    counts = {}
    printed = min(theory.printed_replicates, theory.replicates)
    for setting, loss in LOSSES.items():
        chosen = fits.filter(pl.col("setting") == setting)
        sizes = np.array(theory.grid(), dtype=np.float64)
        whole = {
            loss: _grid(chosen, "loss", theory),
            f"{loss} {EARLY}": _grid(chosen, "loss_at_em", theory),
            "TV": _grid(chosen, "variation", theory),
        }
        if setting == "over":
            whole[LIGHTEST] = _grid(chosen, "lightest", theory)
        for quantity, values in whole.items():
            points += _points(sizes, values, {"setting": setting, "quantity": quantity})
            for used in dict.fromkeys((theory.replicates, printed)):
                head: dict[str, Any] = {"setting": setting, "quantity": quantity}
                head |= {"fitted": None, "error": None}
                slopes += _slopes(sizes, values[:, :used], head, theory)
        members = cells.filter(pl.col("setting") == setting)
        for fitted, error, parameters in CELLS:
            part = members.filter(pl.col("fitted") == fitted)
            for parameter in parameters:
                column = parameter if error == "largest" else f"{parameter} {error}"
                worst = part.group_by("n", "replicate").agg(pl.col(column).max())
                head = {"setting": setting, "quantity": parameter}
                head |= {"fitted": fitted, "error": error}
                slopes += _slopes(sizes, _grid(worst, column, theory), head, theory)
        counts[setting] = _counts(chosen, members)
    return {
        "configuration": configuration,
        "gate": gate,
        "sizes": theory.grid(),
        "replicates": theory.replicates,
        "printed_replicates": printed,
        "bootstrap_replicates": theory.bootstrap_replicates,
        "slopes": slopes,
        "points": points,
        "counts": counts,
    }


def _grid(frame: pl.DataFrame, column: str, theory: Theory) -> Floats:
    """Return the values of a column by size and replicate, (m, R); nan where there are none."""
    values = np.full((theory.sizes, theory.replicates), np.nan)
    row = {size: place for place, size in enumerate(theory.grid())}
    kept = frame.drop_nulls(column)
    places = [row[size] for size in kept["n"].to_list()]
    values[places, kept["replicate"].to_numpy()] = kept[column].to_numpy()
    return values


def _slopes(
    sizes: Floats, values: Floats, head: dict[str, Any], theory: Theory
) -> list[dict[str, Any]]:
    found = []
    for statistic in STATISTICS:
        slope = slope_with_interval(
            sizes,
            values,
            statistic,
            replicates=theory.bootstrap_replicates,
            seed=theory.seed,
        )
        empty = dict.fromkeys(("constant", "slope", "low", "high", "deviation"))
        missing: dict[str, Any] = {**empty, "fits": int(np.isfinite(values).sum()), "sizes": []}
        described = {**head, "replicates": values.shape[1], "statistic": statistic}
        found.append({**described, **(slope or missing)})
    return found


def _points(sizes: Floats, values: Floats, head: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            **head,
            "n": int(size),
            "mean": float(row.mean()),
            "sd": float(row.std(ddof=1)),
            "median": float(np.median(row)),
            "lower_quartile": float(np.quantile(row, 0.25)),
            "upper_quartile": float(np.quantile(row, 0.75)),
            "replicates": len(row),
        }
        for size, row in zip(sizes, values, strict=True)
    ]


def _counts(fits: pl.DataFrame, cells: pl.DataFrame) -> dict[str, Any]:
    gain = fits["value"] - fits["value_of_truth"]
    sizes = cells.group_by("n", "replicate").agg(pl.col("fitted").sort(descending=True))
    patterns = sizes["fitted"].list.eval(pl.element().cast(pl.String)).list.join("+")
    return {
        "fits": len(fits),
        "not_converged": int((~fits["converged"]).sum()),
        "starts": int(fits["starts"].sum()),
        "starts_not_converged": int(fits["starts_not_converged"].sum()),
        "em_not_converged": int(fits["em_not_converged"].sum()),
        "at_edge": int((fits["at_edge"] > 0).sum()),
        "less_likely_than_truth": int((gain < 0).sum()),
        "other_start_won": int((fits["start"] > 0).sum()),
        "cells": {str(name): count for name, count in sorted(patterns.value_counts().rows())},
        "most_evaluations": int(fits["evaluations"].max()),  # type: ignore[arg-type]
        "most_em_iterations": int(fits["em_iterations"].max()),  # type: ignore[arg-type]
    }
