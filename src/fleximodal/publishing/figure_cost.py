"""Figure 3(a): time and memory of a training run, and parameters, of each method and task."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from fleximodal.publishing.claims import Claim
from fleximodal.publishing.drawing import COLOURS, mark_synthetic
from fleximodal.publishing.figure_claims import unjudged
from fleximodal.publishing.figure_declaration import FigureDeclaration
from fleximodal.publishing.figure_inputs import MEASURED, PUBLISHED, FigureInputs, published_head
from fleximodal.publishing.figure_parts import ABSENT_WORDS, entitle, measured_words, panels
from fleximodal.publishing.published_table import Rule

TASK_MARKERS = "osD^"
QUANTITIES = ("seconds", "memory_mib")
REASON = (
    "time and memory depend on the machine, and the printed memory is not that of the printed "
    "configuration"
)


def numbers(declaration: FigureDeclaration, inputs: FigureInputs) -> pd.DataFrame:
    """Return a row per task and method, measured and published.

    `seconds` of one run (mean over runs), `memory_mib` at its highest: of the GPU where `device`
    is cuda, of the process where it is cpu.
    """
    rows: list[dict[str, Any]] = []
    for result in inputs.results:
        if result.stored is None:
            continue
        cost = result.stored
        seconds = [run["wall_seconds"] for run in cost["runs"]]
        rows.append(
            {
                "figure": declaration.name,
                **result.head,
                "n_runs": len(seconds),
                "device": cost["device"],
                "threads": cost["threads"],
                "seconds": sum(seconds) / len(seconds),
                "seconds_per_epoch": cost["seconds_per_epoch"],
                "memory_mib": cost["peak_memory_mb"],
                "parameters": cost["parameters"],
            }
        )
    for _, values in inputs.digitised.groupby(["task", "label"], sort=False):
        found = values.set_index("quantity")["value"]
        rows.append(
            {
                "figure": declaration.name,
                **published_head(values.iloc[0].to_dict()),
                "device": "cuda",
                **{name: found[name] for name in QUANTITIES},
            }
        )
    columns = ["figure", "origin", "data", "source", "task", "label", "protocol", "cases"]
    columns += ["modalities", "method", "variant", "n_runs", "device", "threads", "seconds"]
    columns += ["seconds_per_epoch", "memory_mib", "parameters"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype(dict.fromkeys(("n_runs", "threads", "parameters"), "Int64"))


def draw(numbers: pd.DataFrame, declaration: FigureDeclaration) -> Figure:
    """Return the figure: published, measured, parameters."""
    figure, (theirs, ours, sizes) = panels(declaration, 3, size=(12.0, 4.6))
    published = numbers[numbers["origin"] == PUBLISHED]
    measured = numbers[numbers["origin"] == MEASURED]
    _scatter(theirs, published, declaration, "Maximum GPU memory (MiB)")
    theirs.set_title("published (digitised), authors' GPU")
    _scatter(ours, measured, declaration, _memory_words(measured))
    devices = " and ".join(dict.fromkeys(measured["device"])) or "none"
    ours.set_title(f"measured, device: {devices}")
    _parameters(sizes, measured, declaration)
    if measured.empty:
        for axis in (ours, sizes):
            axis.text(0.5, 0.5, ABSENT_WORDS, transform=axis.transAxes, ha="center")
    elif (measured["data"] == "synthetic").any():
        mark_synthetic(ours)
        mark_synthetic(sizes)
    figure.legend(handles=_handles(declaration), loc="outside lower center", ncols=8, frameon=False)
    entitle(figure, declaration, [measured_words(declaration, numbers)])
    return figure


def claims(declaration: FigureDeclaration, numbers: pd.DataFrame, rule: Rule) -> list[Claim]:
    """Return a claim per digitised time and memory; nothing is held against them."""
    return [
        claim
        for quantity in QUANTITIES
        for claim in unjudged(declaration, numbers, "label", quantity, REASON)
    ]


def _scatter(axis: Axes, rows: pd.DataFrame, declaration: FigureDeclaration, label: str) -> None:
    for task, marker in zip(declaration.tasks, TASK_MARKERS, strict=False):
        methods = zip(declaration.methods, COLOURS, strict=False)
        for number, (method, colour) in enumerate(methods, start=1):
            point = rows[(rows["task"] == task) & (rows["label"] == method)]
            places = point[["memory_mib", "seconds"]].astype(float)
            axis.plot(
                places["memory_mib"],
                places["seconds"],
                linestyle="none",
                marker=marker,
                markersize=8,
                color=colour,
                markeredgecolor="white",
            )
            # Who cannot tell the colours apart reads the number.
            for place in places.itertuples(index=False):
                axis.annotate(str(number), place, (5, 4), textcoords="offset points", fontsize=7)
    axis.margins(0.12)
    axis.set(xlabel=label, ylabel="Time of a run (s)")


def _memory_words(rows: pd.DataFrame) -> str:
    device = set(rows["device"])
    if device == {"cuda"}:
        return "Maximum GPU memory (MiB)"
    return "Maximum memory of the process (MiB)" if device == {"cpu"} else "Maximum memory (MiB)"


def _parameters(axis: Axes, rows: pd.DataFrame, declaration: FigureDeclaration) -> None:
    methods = list(declaration.methods)
    tasks = [task for task in declaration.tasks if task in set(rows["task"])]
    height = 0.8 / max(1, len(tasks))
    for number, task in enumerate(tasks):
        found = rows[rows["task"] == task].set_index("label")["parameters"]
        names = [name for name in methods if name in found.index]
        places = [methods.index(name) + (number + 0.5) * height - 0.4 for name in names]
        values = [float(found[name]) for name in names]
        colours = [COLOURS[methods.index(name)] for name in names]
        axis.barh(places, values, height * 0.9, color=colours, alpha=1 - 0.45 * number)
    if tasks:
        axis.set_xscale("log")
        axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_yticks(range(len(methods)), methods)
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    pale = f" (pale: {tasks[1]})" if len(tasks) > 1 else ""
    axis.set(xlabel="Parameters", title=f"measured, parameters{pale}")


def _handles(declaration: FigureDeclaration) -> list[Line2D]:
    tasks = [
        Line2D([], [], color="#555555", marker=marker, linestyle="none", markersize=8, label=task)
        for task, marker in zip(declaration.tasks, TASK_MARKERS, strict=False)
    ]
    methods = [
        Line2D([], [], color=colour, linewidth=6, label=f"{number} {method}")
        for number, (method, colour) in enumerate(
            zip(declaration.methods, COLOURS, strict=False), start=1
        )
    ]
    return tasks + methods
