"""The figure of convergence: loss against sample size, with the printed slopes drawn in."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fleximodal.errors import FleximodalError
from fleximodal.publishing.drawing import COLOURS, MARKERS, write_figure
from fleximodal.publishing.numbers import rounded
from fleximodal.publishing.theory_table import DATA, HEADLINE, read_printed, read_slopes

NAME = "convergence"
PANELS = {"exact": ("D1", "Exact-specified"), "over": ("D2", "Over-specified")}
DRAWS = {"identifiable": "identifiable truth", "published": "truth drawn as printed"}
LABELS = {"D1": "Loss $D_1$", "D2": "Loss $D_2$"}
COLUMNS = [
    *("data", "configuration", "gate", "setting", "quantity", "n", "replicates"),
    *("median", "lower_quartile", "upper_quartile", "mean", "sd"),
    *("constant", "slope", "low", "high", "printed_constant", "printed_slope"),
]


def write_convergence(
    slopes: Sequence[Path | str], printed: Path | str, folder: Path | str
) -> None:
    """Write convergence.png, .svg, .pdf and the numbers, convergence.csv, into `folder`.

    Parameters
    ----------
    slopes
        slopes.json of every configuration and gate.
    printed
        Published fits (config/published/fusemoe_convergence.csv).
    folder
        Where the four files go.

    Raises
    ------
    FleximodalError
        If no slopes are given or the published file is faulty.
    """
    if not slopes:
        raise FleximodalError(
            "figure convergence: nothing was simulated; name a configuration in "
            "theory.configurations"
        )
    fits = read_printed(printed)
    numbers = convergence_numbers([read_slopes(path) for path in slopes], fits)
    write_figure(NAME, numbers, lambda: draw(numbers), folder)


def convergence_numbers(
    summaries: Sequence[Mapping[str, Any]], printed: pd.DataFrame
) -> pd.DataFrame:
    """Return one row per configuration, gate, setting, quantity and sample size.

    `constant`, `slope`, `low` and `high` are those of the fit to the medians.
    """
    rows = []
    for summary in summaries:
        fits = {
            (entry["setting"], entry["quantity"]): entry
            for entry in summary["slopes"]
            if entry["fitted"] is None
            and entry["statistic"] == HEADLINE
            and entry["replicates"] == summary["replicates"]
        }
        for point in summary["points"]:
            fit = fits[point["setting"], point["quantity"]]
            match = printed[
                (printed["gate"] == summary["gate"])
                & (printed["setting"] == point["setting"])
                & (printed["quantity"] == point["quantity"])
            ]
            target = match.iloc[0] if len(match) else None
            rows.append(
                {
                    "data": DATA,
                    **{name: summary[name] for name in ("configuration", "gate")},
                    **point,
                    **{name: fit[name] for name in ("constant", "slope", "low", "high")},
                    "printed_constant": None if target is None else target["constant"],
                    "printed_slope": None if target is None else target["exponent"],
                }
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def draw(numbers: pd.DataFrame) -> Figure:
    """Return the figure of these numbers."""
    series = list(dict.fromkeys(zip(numbers["configuration"], numbers["gate"], strict=True)))
    figure = Figure(figsize=(11.0, 6.2))
    figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.08)
    axes = figure.subplots(1, len(PANELS), sharex=True)
    for axis, (setting, (loss, title)) in zip(axes, PANELS.items(), strict=True):
        panel = numbers[(numbers["setting"] == setting) & (numbers["quantity"] == loss)]
        for place, (configuration, gate) in enumerate(series):
            rows = panel[(panel["configuration"] == configuration) & (panel["gate"] == gate)]
            _draw_series(axis, rows, f"{gate}, {DRAWS[configuration]}", place)
        _draw_printed(axis, panel)
        axis.set(xscale="log", yscale="log", xlabel="Samples n", ylabel=LABELS[loss], title=title)
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False, fontsize=8)
    replicates = "/".join(str(count) for count in sorted(set(numbers["replicates"])))
    figure.suptitle(
        "Distance of the maximum-likelihood fit from the truth (simulation)\n"
        f"medians and quartiles over {replicates} replicates; compare slopes, not levels",
        fontsize=11,
    )
    return figure


def _draw_series(axis: Axes, rows: pd.DataFrame, name: str, place: int) -> None:
    colour = COLOURS[place % len(COLOURS)]
    middle = rows["median"].to_numpy()
    n = rows["n"].to_numpy()
    spread = np.stack(
        [middle - rows["lower_quartile"].to_numpy(), rows["upper_quartile"].to_numpy() - middle]
    )
    marker = MARKERS[place % len(MARKERS)]
    axis.errorbar(n, middle, spread, fmt=marker, color=colour, markersize=4, linewidth=0.8)
    fit = rows.iloc[0]
    if pd.notna(fit["slope"]):
        slope, low, high = (rounded(fit[key], 2) for key in ("slope", "low", "high"))
        line = fit["constant"] * n ** float(fit["slope"])
        label = f"{name}: slope {slope} [{low}, {high}]"
        axis.plot(n, line, color=colour, label=label)


def _draw_printed(axis: Axes, panel: pd.DataFrame) -> None:
    rows = panel[panel["printed_slope"].notna()]
    if rows.empty:
        return
    first = rows.iloc[0]
    n = np.sort(rows["n"].unique())
    constant, slope = float(first["printed_constant"]), float(first["printed_slope"])
    label = f"printed: {rounded(constant, 1)} n^{rounded(slope, 2)}"
    axis.plot(n, constant * n**slope, color="#777777", linestyle=(0, (5, 2)), label=label)
