"""Flex-MoE, figure 2: subjects with each modality, and with each exact combination of them."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fleximodal.combination_names import combinations_of, letters_of
from fleximodal.publishing.claims import Claim, judge_number
from fleximodal.publishing.figure_claims import DATASETS
from fleximodal.publishing.figure_declaration import FigureDeclaration
from fleximodal.publishing.figure_inputs import MEASURED, PUBLISHED, FigureInputs
from fleximodal.publishing.figure_parts import OURS, PUBLISHED_COLOUR, entitle, mark, panels
from fleximodal.publishing.numbers import count
from fleximodal.publishing.published_table import Rule
from fleximodal.publishing.views import data_words

PANELS = {"with": "subjects with the modality", "exactly": "subjects with exactly these"}
COLUMNS = (
    *("figure", "origin", "data", "source", "task", "label", "quantity", "subjects"),
    *("tolerance", "reference"),
)
BAR = 0.38


def numbers(declaration: FigureDeclaration, inputs: FigureInputs) -> pd.DataFrame:
    """Return a row per task, quantity and set of modalities, published and measured.

    `quantity` is "with" (all subjects that have a modality) or "exactly" (those that have these
    modalities and no other); `label` holds the initials. Ours are told by flow.json of the cohort;
    a combination that it does not list has no subject.
    """
    rows = [_printed(declaration, row) for row in inputs.digitised.to_dict("records")]
    for task in declaration.tasks if inputs.whole else ():
        rows += [
            {
                "figure": declaration.name,
                "origin": MEASURED,
                "data": declaration.data,
                "source": declaration.source,
                "task": task,
                **{"label": label, "quantity": quantity, "subjects": subjects},
            }
            for (quantity, label), subjects in _counted(inputs.whole).items()
        ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"subjects": "Int64"})


def draw(numbers: pd.DataFrame, declaration: FigureDeclaration) -> Figure:
    """Return the figure: modalities, then combinations, published beside ours."""
    figure, axes = panels(declaration, len(PANELS), size=(10.5, 4.2))
    letters = letters_of((declaration.modalities or "").split("+"))
    order = {"with": list(letters), "exactly": combinations_of(letters)}
    for axis, (quantity, words) in zip(axes, PANELS.items(), strict=True):
        rows = numbers[numbers["quantity"] == quantity]
        _bars(axis, rows, [label for label in order[quantity] if _occurs(rows, label)])
        axis.set_title(words)
        mark(axis, rows)
    axes[0].set_ylabel("Subjects")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, frameon=False)
    entitle(figure, declaration, [_measured_words(numbers, declaration)])
    return figure


def claims(declaration: FigureDeclaration, numbers: pd.DataFrame, rule: Rule) -> list[Claim]:
    """Return a claim per printed count; counts have no spread, so each has its tolerance."""
    key = ["task", "quantity", "label"]
    measured = numbers[numbers["origin"] == MEASURED].set_index(key)["subjects"].to_dict()
    found = []
    for row in numbers[numbers["origin"] == PUBLISHED].to_dict("records"):
        ours = measured.get(tuple(row[name] for name in key), 0 if measured else None)
        found.append(
            Claim(
                claim="-".join((declaration.name, row["quantity"], row["label"])),
                paper=declaration.paper,
                table=declaration.name,
                dataset=DATASETS[declaration.release],
                modalities=row["label"],
                task=row["task"],
                metric=f"subjects {row['quantity']}",
                method="",
                variant="",
                published_mean=int(row["subjects"]),
                measured=ours,
                source=declaration.source,
                data=declaration.data,
                difference=None if ours is None else ours - int(row["subjects"]),
                margin=row["tolerance"],
                verdict=judge_number(
                    int(row["subjects"]), ours, row["tolerance"], declaration.data
                ),
            )
        )
    return found


def _printed(declaration: FigureDeclaration, row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "figure": declaration.name,
        "origin": PUBLISHED,
        "data": "real",
        "source": declaration.release,
        **{name: row[name] for name in ("task", "label", "quantity", "tolerance")},
        "subjects": int(row["value"]),
        "reference": row["source"],
    }


def _counted(flow: Mapping[str, Any]) -> dict[tuple[str, str], int]:
    """Return the counts of flow.json by quantity and initials."""
    single = {("with", letters_of([one["modality"]])): one["stays"] for one in flow["availability"]}
    exact = {
        ("exactly", letters_of(names.split("+"))): stays
        for names, stays in flow["combinations"].items()
        if names
    }
    return single | exact


def _occurs(rows: pd.DataFrame, label: str) -> bool:
    return bool((rows.loc[rows["label"] == label, "subjects"] > 0).any())


def _bars(axis: Axes, rows: pd.DataFrame, labels: list[str]) -> None:
    for number, (origin, colour) in enumerate(((PUBLISHED, PUBLISHED_COLOUR), (MEASURED, OURS))):
        found = rows[rows["origin"] == origin].set_index("label")["subjects"].to_dict()
        values = [int(found.get(label, 0)) for label in labels]
        places = [place + (number - 0.5) * BAR for place in range(len(labels))]
        bars = axis.bar(
            places, values, BAR, color=colour, label="published" if origin == PUBLISHED else "ours"
        )
        if found:
            axis.bar_label(bars, [count(value) for value in values], fontsize=7)
    axis.set_xticks(range(len(labels)), labels)
    axis.grid(axis="x", visible=False)


def _measured_words(numbers: pd.DataFrame, declaration: FigureDeclaration) -> str:
    if (numbers["origin"] == MEASURED).any():
        return f"ours: {data_words(declaration.source, declaration.found)}"
    return "published values alone; ours were not run: data absent"
