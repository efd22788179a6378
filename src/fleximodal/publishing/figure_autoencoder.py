"""Figure 5: the layers of the ECG autoencoder, and what it makes of ECGs it never saw."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fleximodal.publishing.drawing import mark_synthetic
from fleximodal.publishing.figure_declaration import FigureDeclaration
from fleximodal.publishing.figure_inputs import FigureInputs
from fleximodal.publishing.figure_parts import BESIDE, OURS, entitle
from fleximodal.publishing.numbers import percent, rounded
from fleximodal.publishing.views import data_words

COLUMNS = [
    *("figure", "data", "source", "panel", "place", "layer", "kind", "kernel", "dropout"),
    *("parameters", "given_channels", "given_length", "channels", "length"),
    *("lead", "record", "x", "signal", "reconstruction", "mse", "variance"),
    *("records", "patients", "validation_mse", "validation_variance"),
]
COLOURS = {"convolution": "#56B4E9", "linear": "#E69F00", "dropout": "#BBBBBB", "conv1d": "#009E73"}
WORDS = {
    "convolution": "convolution, batch norm, ReLU, dropout",
    "linear": "dense",
    "dropout": "dropout",
    "conv1d": "linear 1x1 convolution",
}


def numbers(declaration: FigureDeclaration, inputs: FigureInputs) -> pd.DataFrame:
    """Return the numbers of all panels, one under another.

    `panel` layers: a row per layer as it ran, with the channels and length that it was given and
    returned (a vector has one channel); leads: error and variance in mV^2; spectrum: x in Hz,
    power in mV^2/Hz; example (generated ECGs only): x in s, mV.
    """
    traced = inputs.whole
    quality = {name: traced["quality"][name] for name in ("validation_mse", "validation_variance")}
    head = {
        "figure": declaration.name,
        "data": declaration.data,
        "source": declaration.source,
        "records": traced["records"],
        "patients": traced["patients"],
        **quality,
    }
    rows: list[dict[str, Any]] = []
    for place, layer in enumerate(traced["layers"]):
        given, returned = _channels(layer["given"]), _channels(layer["returned"])
        rows.append(
            {
                **head,
                "panel": "layers",
                "place": place,
                "layer": layer["name"],
                **{name: layer[name] for name in ("kind", "kernel", "dropout", "parameters")},
                "given_channels": given[0],
                "given_length": given[1],
                "channels": returned[0],
                "length": returned[1],
            }
        )
    rows += [{**head, "panel": "leads", **lead} for lead in traced["leads"] or ()]
    if traced["spectrum"]:
        names = ("hertz", "signal", "reconstruction")
        points = zip(*(traced["spectrum"][name] for name in names), strict=True)
        rows += [
            {**head, "panel": "spectrum", "x": x, "signal": signal, "reconstruction": rebuilt}
            for x, signal, rebuilt in points
        ]
    for example in traced["examples"]:
        pairs = zip(example["signal"], example["reconstruction"], strict=True)
        rows += [
            {
                **head,
                "panel": "example",
                "lead": example["lead"],
                "record": example["number"],
                "x": number / example["hertz"],
                "signal": signal,
                "reconstruction": rebuilt,
            }
            for number, (signal, rebuilt) in enumerate(pairs)
        ]
    whole = ["place", "kernel", "parameters", "given_channels", "given_length", "channels"]
    whole += ["length", "record", "records", "patients"]
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(whole, "Int64"))


def draw(numbers: pd.DataFrame, declaration: FigureDeclaration) -> Figure:
    """Return the figure: layers above; below, examples or means over many records."""
    examples = numbers[numbers["panel"] == "example"]
    figure = Figure(figsize=(13.0, 8.4 if len(examples) else 7.0))
    figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.08)
    upper, lower = figure.subfigures(2, 1, squeeze=False)[:, 0]
    _draw_layers(upper.subplots(), numbers[numbers["panel"] == "layers"])
    leads = numbers[numbers["panel"] == "leads"]
    if len(examples):
        records = list(dict.fromkeys(examples["record"]))
        names = list(dict.fromkeys(examples["lead"]))
        grid = lower.subplots(len(names), len(records) + 1, sharex="col", squeeze=False)
        for row, lead in zip(grid, names, strict=True):
            for axis, record in zip(row, records, strict=False):
                found = examples[(examples["lead"] == lead) & (examples["record"] == record)]
                _draw_example(axis, found, lead, record)
        for axis in grid[:, -1]:
            axis.remove()
        _draw_leads(lower.add_subplot(grid[0, -1].get_gridspec()[:, -1]), leads)
        for axis in grid[-1, :-1]:
            axis.set_xlabel("Time (s)")
        handles, words = grid[0, 0].get_legend_handles_labels()
        lower.legend(handles, words, loc="outside lower center", ncols=2, frameon=False)
    elif len(leads):
        left, right = lower.subplots(1, 2)
        _draw_spectrum(left, numbers[numbers["panel"] == "spectrum"])
        _draw_leads(right, leads)
    else:
        axis = lower.subplots()
        axis.axis("off")
        axis.text(0.5, 0.5, "too few patients whom the autoencoder never saw", ha="center")
    entitle(figure, declaration, _subtitle(numbers))
    return figure


def _channels(shape: list[int]) -> tuple[int, int]:
    """Return channels and length of what a layer was given; a vector has one channel."""
    return (shape[0], shape[1]) if len(shape) == 2 else (1, shape[0])


def _subtitle(numbers: pd.DataFrame) -> list[str]:
    first = numbers.iloc[0]
    ratio = first["validation_mse"] / first["validation_variance"]
    return [
        f"{data_words(first['source'])}; {rounded(float(numbers['parameters'].sum()), 0)} "
        f"parameters; validation error {rounded(first['validation_mse'], 4)} mV², "
        f"{percent(ratio)} % of the variance",
        f"below: {first['records']} records of {first['patients']} patients it was not fitted to",
    ]


def _draw_layers(axis: Axes, rows: pd.DataFrame) -> None:
    """Draw each layer as a box: its height is the length that it returns, on a log scale."""
    named: set[str] = set()
    before: int | None = None
    for row in rows.to_dict("records"):
        x, length = row["place"], int(row["length"])
        # What lies between two layers changes the length alone, so that the numbers tell by what.
        given = int(row["given_length"]) * int(row["given_channels"])
        if before is not None and given != before:
            words = f"÷{before // given}" if given < before else f"×{given // before}"
            axis.text(x - 0.5, np.log2(4096) / 2 + 0.9, words, ha="center", fontsize=8,
                      color=BESIDE)  # fmt: skip
        height = np.log2(length)
        kind = row["kind"]
        axis.add_patch(
            Rectangle(
                (x - 0.36, -height / 2),
                0.72,
                height,
                facecolor=COLOURS.get(kind, "#EEEEEE"),
                edgecolor="#333333",
                linewidth=0.7,
                label=None if kind in named else WORDS.get(kind, kind),
            )
        )
        named.add(kind)
        shape = f"{length}" if row["channels"] == 1 else f"{length} × {row['channels']}"
        details = [] if pd.isna(row["kernel"]) else [f"width {row['kernel']}"]
        details += [] if pd.isna(row["dropout"]) else [f"dropout {row['dropout']:g}"]
        words = "\n".join([shape, ", ".join(details)]).strip()
        axis.text(x, 0, words, rotation=90, ha="center", va="center", fontsize=7)
        before = length * int(row["channels"])
    axis.set(xlim=(-0.8, len(rows) - 0.2), ylim=(-6.6, 7.9))
    axis.axis("off")
    axis.set_title(
        "Layers in the order in which they run: what each returns (length × channels); "
        "÷ maximum pooling, × repetition before the next layer",
        fontsize=9,
    )
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, -0.06), ncols=4, frameon=False)


def _draw_example(axis: Axes, rows: pd.DataFrame, lead: str, record: int) -> None:
    axis.plot(rows["x"], rows["signal"], color="#000000", linewidth=0.9, label="generated ECG")
    axis.plot(rows["x"], rows["reconstruction"], color=BESIDE, linewidth=1.1,
              label="reconstruction")  # fmt: skip
    axis.set_title(f"record {record}, lead {lead}", fontsize=8)
    axis.set_ylabel("mV")
    mark_synthetic(axis, 9)


def _draw_leads(axis: Axes, rows: pd.DataFrame) -> None:
    places = np.arange(len(rows))
    axis.bar(places - 0.2, rows["variance"], 0.38, color=OURS, label="variance")
    axis.bar(places + 0.2, rows["mse"], 0.38, color=BESIDE, label="error")
    axis.set_xticks(places, rows["lead"], fontsize=7)
    axis.grid(axis="x", visible=False)
    axis.set(ylabel="mV²", title="Mean squared error per lead")
    axis.legend(frameon=False, fontsize=8, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.06))
    if (rows["data"] == "synthetic").any():
        mark_synthetic(axis, 12)


def _draw_spectrum(axis: Axes, rows: pd.DataFrame) -> None:
    axis.plot(rows["x"], rows["signal"], color="#000000", label="ECGs")
    axis.plot(rows["x"], rows["reconstruction"], color=BESIDE, linestyle="--",
              label="reconstructions")  # fmt: skip
    axis.set(
        yscale="log",
        xlabel="Frequency (Hz)",
        ylabel="Power (mV²/Hz)",
        title="Mean spectrum over records and leads",
    )
    axis.legend(frameon=False, fontsize=8)
    if (rows["data"] == "synthetic").any():
        mark_synthetic(axis, 12)
