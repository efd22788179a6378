"""What all figures share: colours, style, the mark of generated data, and the files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.style
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fleximodal.io.atomic import atomic_path, write_text

# Okabe and Ito's palette without its yellow, which is too pale for a line on white.
COLOURS = ("#000000", "#E69F00", "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
MARKERS = "osD^vP"
SYNTHETIC_WORDS = "synthetic (generated) data"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#EBEBEB",
    "lines.linewidth": 1.4,
    "savefig.dpi": 160,
}
# No dates and no names of programs, so that equal numbers give equal files.
METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def write_figure(
    name: str,
    numbers: pd.DataFrame,
    draw: Callable[[], Figure],
    folder: Path | str,
    **style: Any,
) -> None:
    """Write NAME.png, NAME.svg, NAME.pdf and the numbers, NAME.csv, into `folder`.

    `draw` is called in the common style, changed by `style`.
    """
    stem = Path(folder) / name
    write_text(stem.with_suffix(".csv"), numbers.to_csv(index=False, lineterminator="\n"))
    with matplotlib.style.context(["default", STYLE | style]):
        figure = draw()
        for suffix, metadata in METADATA.items():
            # The salt makes the names of elements in an SVG the same every time.
            with (
                matplotlib.rc_context({"svg.hashsalt": name}),
                atomic_path(stem.with_suffix(f".{suffix}")) as path,
            ):
                figure.savefig(path, format=suffix, metadata=metadata)


def mark_synthetic(axis: Axes, size: float = 15) -> None:
    """Write across a panel that its data are generated."""
    axis.text(
        0.5,
        0.5,
        SYNTHETIC_WORDS,
        transform=axis.transAxes,
        rotation=30,
        ha="center",
        va="center",
        fontsize=size,
        alpha=0.13,
        zorder=0,
        in_layout=False,
    )
