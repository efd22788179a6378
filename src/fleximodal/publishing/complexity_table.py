"""Sizes and costs that a paper printed, beside those of our networks."""

import json
import math
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from fleximodal.config.cell import Cell
from fleximodal.publishing.claims import NO_TARGET, write_claims
from fleximodal.publishing.complexity_declaration import ComplexityTable
from fleximodal.publishing.equivalence import Rule
from fleximodal.publishing.formats import write_page
from fleximodal.publishing.numbers import NONE, extent, rounded
from fleximodal.publishing.page import Page
from fleximodal.publishing.published_page import OURS, PRINTED, measured_text, printed_text
from fleximodal.publishing.published_table import COLUMNS as PUBLISHED_COLUMNS
from fleximodal.publishing.published_table import INTEGERS, build_published, published_claims
from fleximodal.publishing.published_values import Key, Printed, read_values
from fleximodal.publishing.table import ABSENT, MEASURED
from fleximodal.publishing.views import data_words

CONDITIONS = ("batch_size", "device", "threads")
COLUMNS = (*PUBLISHED_COLUMNS, *CONDITIONS)
PLACES = {"seconds_per_iteration": 3, "forward_gflops_per_stay": 2, "parameters": 0}


def write_complexity_table(
    table: ComplexityTable,
    cells: Sequence[Mapping[str, Any]],
    complexity: Path | str | None,
    published: Path | str,
    rule: Rule,
    folder: Path | str,
    claims: Path | str,
) -> None:
    """Write the table in four formats, and its claims.

    Parameters
    ----------
    table
        The declaration.
    cells
        In the order of its cells: "cell" and "metrics" (metrics.json), None where data are absent.
    complexity
        What `measure_complexity` wrote, None where data are absent.
    published
        CSV of the printed values.
    rule
        Margins and level.
    folder, claims
        Folder of tables, and the CSV of the claims.

    Raises
    ------
    FleximodalError
        If `published` is faulty or does not have the declared values.
    """
    printed = read_values(published, table, percentages=table.metrics, quantities=table.quantities)
    frame = build_complexity(table, cells, read_costs(complexity), printed, rule)
    write_page(frame, complexity_page(frame, table), folder)
    write_claims(published_claims(table, frame), claims)


def read_costs(path: Path | str | None) -> dict[Cell, dict[str, Any]]:
    """Return the measured entry of each cell; none where there is no file."""
    entries = json.loads(Path(path).read_text(encoding="utf-8")) if path else []
    return {Cell(**entry["cell"]): entry for entry in entries}


def build_complexity(
    table: ComplexityTable,
    cells: Sequence[Mapping[str, Any]],
    costs: Mapping[Cell, Mapping[str, Any]],
    printed: Mapping[Key, Printed],
    rule: Rule,
) -> pd.DataFrame:
    """Return the rows of a table: modality sets, tasks, quantities and metrics, methods.

    Returns
    -------
    pandas.DataFrame
        Metrics in percent, as `build_published` returns them. Quantities (`mean`) are those of
        `costs`: parameters, 1e9 operations of a forward pass per stay, and the median
        seconds of a training step, under the conditions `batch_size`, `device` and `threads`; they
        have no deviation and no test, and the verdict says why.
    """
    rows = []
    keys = product(table.modalities, table.tasks, table.quantities, table.methods)
    for modalities, task, metric, method in keys:
        cell = table.cell(task, table.modalities[modalities], table.methods[method])
        value = printed[modalities, task, metric, method]
        ours = table.quantities[metric]
        told = costs.get(cell, {})
        mean = told.get(ours)
        rows.append(
            {
                "table": table.name,
                "dataset": value.dataset,
                **{"modalities": modalities, "task": task, "metric": metric, "method": method},
                "published_mean": value.mean,
                "published_sd": value.sd,
                "mean": mean,
                "source": cell.source,
                "data": table.data,
                **{name: getattr(cell, name) for name in ("protocol", "cases", "variant")},
                "measured_modalities": cell.modalities,
                "measured_method": cell.method,
                "measured_metric": ours,
                "status": ABSENT if mean is None else MEASURED,
                "extension": False,
                "difference": None if mean is None else mean - value.mean,
                "verdict": f"{NO_TARGET}{table.no_target}",
                "reference": value.reference,
                **{name: told.get(name) for name in CONDITIONS},
            }
        )
    quantities = pd.DataFrame(rows, columns=list(COLUMNS))
    metrics = build_published(table, cells, printed, rule)
    records = [*quantities.to_dict("records"), *metrics.to_dict("records")]
    order = [*table.quantities, *table.metrics]
    records.sort(
        key=lambda row: (
            list(table.modalities).index(row["modalities"]),
            table.tasks.index(row["task"]),
            order.index(row["metric"]),
        )
    )
    frame = pd.DataFrame(records, columns=list(COLUMNS))
    return frame.astype(dict.fromkeys((*INTEGERS, "batch_size", "threads"), "Int64"))


def complexity_page(frame: pd.DataFrame, table: ComplexityTable) -> Page:
    """Return the page: two rows per modality set and quantity, a column per method."""
    rows = []
    for (modalities, task, metric), group in frame.groupby(
        ["modalities", "task", "metric"], sort=False
    ):
        head = {"Modalities": str(modalities), "Task": str(task), "Quantity": str(metric)}
        values = {row["method"]: row for row in group.to_dict("records")}
        rows += [
            {**head, "Value": words, **{method: show(row) for method, row in values.items()}}
            for words, show in ((OURS, _ours), (PRINTED, _printed))
        ]
    return Page(
        name=table.name,
        title=table.title,
        view=pd.DataFrame(rows),
        caption=_caption(frame, table),
    )


def _ours(row: Mapping[Any, Any]) -> str:
    places = PLACES.get(row["measured_metric"])
    if places is None:
        return measured_text(row)
    if pd.isna(row["mean"]):
        return NONE
    # Small networks would show as zero: two digits that count, at least.
    digits = 1 - math.floor(math.log10(row["mean"])) if row["mean"] > 0 and places else 0
    return rounded(row["mean"], max(places, digits))


def _printed(row: Mapping[Any, Any]) -> str:
    if row["measured_metric"] == "parameters":
        return rounded(row["published_mean"], 0)
    return printed_text(row)


def _caption(frame: pd.DataFrame, table: ComplexityTable) -> str:
    words = [
        table.caption.strip(),
        f"Ours: {data_words(table.source, table.found)}, protocol {table.protocol}, variant "
        f"{table.variant}.",
    ]
    counted = frame[frame["device"].notna()]
    if len(counted):
        words.append(
            f"Device {' and '.join(dict.fromkeys(counted['device']))}, "
            f"{extent(counted['threads'])} thread(s), batches of {extent(counted['batch_size'])}."
        )
    words.append(f"Published: {table.paper}; its quantities are {NO_TARGET}{table.no_target}.")
    words += [f"{value.words()}: {NO_TARGET}{value.reason}." for value in table.not_targets]
    words.append(f"A {NONE} stands for what was not run or is undefined.")
    return " ".join(words)
