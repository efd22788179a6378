"""The cohort-flow figure: how the stays of each task were chosen, and what is known of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from textwrap import wrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from fleximodal.publishing.cohort_entries import CohortEntry
from fleximodal.publishing.drawing import SYNTHETIC_WORDS, write_figure
from fleximodal.publishing.flow_numbers import COMPLETE, MODALITY, STEP, flow_numbers
from fleximodal.publishing.numbers import count, percent

NAME = "cohort_flow"
TITLE = "Selection of the cohorts and availability of modalities"
# Everything in inches: a panel is drawn at the size at which it is printed.
WIDTH, GUTTER, TITLE_HEIGHT = 3.6, 0.25, 0.42
LINE, PADDING, GAP = 0.115, 0.05, 0.17
BOX_LEFT, BOX_RIGHT, SIDE_LEFT = 0.03, 2.3, 2.5
BAR, BAR_LEFT, BAR_RIGHT = 0.14, 1.14, 2.5
HEAD_HEIGHT, BOTTOM = 0.42, 0.05
CHARACTERS = 47  # that fit into the width of a box
LONGEST_NAME = 22  # characters of a modality set that fit beside its bar
STYLE: dict[str, Any] = {"font.size": 6.6, "savefig.dpi": 200}
SYNTHETIC_TAG: dict[str, Any] = {
    "color": "white",
    "fontweight": "bold",
    "bbox": {"boxstyle": "square,pad=0.25", "facecolor": "#444444", "edgecolor": "none"},
}
BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#EBEBEB"


@dataclass(frozen=True)
class Box:
    """A step of selection as it is drawn: its text, and what it left out."""

    lines: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def height(self) -> float:
        """Height in inches."""
        return LINE * len(self.lines) + 2 * PADDING


def write_cohort_flow(entries: Sequence[CohortEntry], folder: Path | str, note: str = "") -> None:
    """Write cohort_flow.png, .svg, .pdf and the numbers, cohort_flow.csv, into `folder`.

    One panel per cohort, in up to three columns; `note` is added to the title.

    Raises
    ------
    FleximodalError
        If there is no cohort, or a file of one is absent.
    """
    numbers = flow_numbers(entries)
    title = f"{TITLE} ({note})" if note else TITLE
    write_figure(NAME, numbers, lambda: draw(numbers, title), folder, **STYLE)


def draw(numbers: pd.DataFrame, title: str = TITLE) -> Figure:
    """Return the figure of these numbers, drawn for text of the size in `STYLE`."""
    panels = [rows for _, rows in numbers.groupby(["source", "task"], sort=False)]
    tall = [_height(rows) + GUTTER for rows in panels]
    number = 1 if len(panels) == 1 else 2 if len(panels) <= 4 else 3
    columns = columns_of(tall, number)
    width = number * WIDTH + (number + 1) * GUTTER
    height = TITLE_HEIGHT + max(sum(tall[place] for place in column) for column in columns)
    figure = Figure(figsize=(width, height))
    figure.text(0.5, 1 - 0.2 / height, title, ha="center", va="center", fontsize=9.5)
    for order, column in enumerate(columns):
        left, top = GUTTER + order * (WIDTH + GUTTER), height - TITLE_HEIGHT
        for place in column:
            inner = tall[place] - GUTTER
            box = (left / width, (top - inner) / height, WIDTH / width, inner / height)
            axis = figure.add_axes(box)
            axis.set(xlim=(0, WIDTH), ylim=(inner, 0))
            axis.set_axis_off()
            _draw_panel(axis, panels[place])
            top -= tall[place]
    return figure


def columns_of(heights: Sequence[float], number: int) -> list[list[int]]:
    """Divide panels, in order, into `number` columns whose tallest is as short as can be."""
    places = range(len(heights))
    divisions = (
        [list(places[start:end]) for start, end in pairwise((0, *cuts, len(heights)))]
        for cuts in combinations(range(1, len(heights)), number - 1)
    )
    return min(
        divisions,
        key=lambda columns: max(sum(heights[one] for one in column) for column in columns),
    )


def _boxes(rows: pd.DataFrame) -> list[Box]:
    """Return the boxes of a panel from its first step to its last, which names the positives."""
    steps = rows[rows["kind"] == STEP]
    boxes = []
    for number, (_, step) in enumerate(steps.iterrows(), 1):
        unit = step["unit"]
        text = [
            *wrap(str(step["name"]), CHARACTERS),
            f"{_counted(step['stays'], unit)} of {_counted(step['patients'], 'patients')}",
        ]
        if number == len(steps) and pd.notna(step["labels"]):
            text.append(_positive_words(step))
        if pd.isna(step["excluded_stays"]):
            left_out: tuple[str, ...] = ()
        elif step["excluded_stays"] == 0:
            left_out = ("none left out",)
        else:
            left_out = (
                f"left out: {_counted(step['excluded_stays'], unit)},",
                _counted(step["excluded_patients"], "patients"),
            )
        boxes.append(Box(tuple(text), left_out))
    return boxes


def _counted(number: int, things: str) -> str:
    return f"{count(number)} {things.removesuffix('s') if number == 1 else things}"


def _positive_words(step: "pd.Series[Any]") -> str:
    rate = f"{percent(step['prevalence'])} %" if pd.notna(step["prevalence"]) else "none"
    if step["labels"] == 1:
        return f"{count(step['positives_most'])} positive ({rate})"
    return f"{step['labels']} labels, {rate} positive on average"


def _bars(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are drawn as bars: each modality, then the first two, three, ... ."""
    single = rows[rows["kind"] == MODALITY]
    names = single["name"].tolist()
    nested = ["+".join(names[:size]) for size in range(2, len(names) + 1)]
    nested = [name for name in nested if len(name) <= LONGEST_NAME or name == nested[-1]]
    sets = rows[(rows["kind"] == COMPLETE) & rows["name"].isin(nested)]
    return pd.concat([single, sets])


def _height(rows: pd.DataFrame) -> float:
    boxes = _boxes(rows)
    flow = sum(box.height for box in boxes) + GAP * (len(boxes) - 1)
    return HEAD_HEIGHT + flow + 0.34 + BAR * len(_bars(rows)) + BOTTOM


def _draw_panel(axis: Axes, rows: pd.DataFrame) -> None:
    head = rows.iloc[0]
    synthetic = head["data"] == "synthetic"
    name = f"{head['task']}, source {head['source']}"
    axis.text(0.03, 0.07, name, va="center", fontsize=8.5, fontweight="bold")
    release = f"release {head['release']}" if head["release"] == "unknown" else head["release"]
    axis.text(
        0.03 if not synthetic else 0.06,
        0.25,
        SYNTHETIC_WORDS if synthetic else f"real data, {release}",
        va="center",
        fontsize=7,
        **(SYNTHETIC_TAG if synthetic else {}),
    )
    axis.plot([0.03, WIDTH - 0.03], [0.34, 0.34], color="#999999", linewidth=0.6)
    bottom = _draw_boxes(axis, _boxes(rows), "--" if synthetic else "-")
    _draw_bars(axis, _bars(rows), head["unit"], bottom + 0.15)


def _draw_boxes(axis: Axes, boxes: Sequence[Box], stroke: str) -> float:
    """Draw the flow from `HEAD_HEIGHT` on; return where it ends."""
    middle, top = (BOX_LEFT + BOX_RIGHT) / 2, HEAD_HEIGHT
    for number, box in enumerate(boxes):
        if number:
            _draw_arrow(axis, (middle, top - GAP), (middle, top))
            heavy = box.left_out[0] != "none left out"
            if heavy:
                _draw_arrow(axis, (middle, top - GAP / 2), (SIDE_LEFT, top - GAP / 2))
            axis.text(
                SIDE_LEFT + 0.04 if heavy else middle + 0.08,
                top - GAP / 2,
                "\n".join(box.left_out),
                va="center",
                linespacing=1.15,
                color="#000000" if heavy else "#555555",
            )
        last = number == len(boxes) - 1
        axis.add_patch(
            FancyBboxPatch(
                (BOX_LEFT, top),
                BOX_RIGHT - BOX_LEFT,
                box.height,
                boxstyle="round,pad=0,rounding_size=0.04",
                facecolor="#E5F0F7" if last else "white",
                edgecolor="#000000",
                linestyle=stroke,
                linewidth=1.3 if last else 0.8,
            )
        )
        for place, line in enumerate(box.lines):
            axis.text(
                middle,
                top + PADDING + (place + 0.5) * LINE,
                line,
                ha="center",
                va="center_baseline",
            )
        top += box.height + GAP
    return top - GAP


def _draw_arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axis.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={
            "arrowstyle": "-|>,head_width=0.14,head_length=0.28",
            "shrinkA": 0,
            "shrinkB": 0,
            "linewidth": 0.8,
            "color": "#000000",
        },
    )


def _draw_bars(axis: Axes, bars: pd.DataFrame, unit: str, top: float) -> None:
    axis.text(
        BOX_LEFT,
        top,
        f"Of these {unit} have (hatched: all of a set)",
        va="center",
        fontweight="bold",
    )
    for number, (_, bar) in enumerate(bars.iterrows(), 1):
        middle = top + 0.02 + number * BAR
        whole = bar["kind"] == MODALITY
        fraction = 0.0 if pd.isna(bar["share_of_total"]) else float(bar["share_of_total"])
        width = BAR_RIGHT - BAR_LEFT
        axis.barh(middle, width, height=0.7 * BAR, left=BAR_LEFT, color=GREY)
        axis.barh(
            middle,
            fraction * width,
            height=0.7 * BAR,
            left=BAR_LEFT,
            color=BLUE if whole else ORANGE,
            hatch="" if whole else "/////",
            edgecolor="white",
            linewidth=0,
        )
        name = bar["name"] if len(bar["name"]) <= LONGEST_NAME else "all of these"
        axis.text(BAR_LEFT - 0.05, middle, name, ha="right", va="center_baseline")
        share = f" ({percent(fraction)} %)" if pd.notna(bar["share_of_total"]) else ""
        axis.text(BAR_RIGHT + 0.05, middle, f"{count(bar['stays'])}{share}", va="center_baseline")
