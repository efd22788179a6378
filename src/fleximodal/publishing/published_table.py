"""A table that a paper printed: a row per value, measured beside printed."""

import json
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from fleximodal.config.cell import Cell
from fleximodal.publishing.claims import (
    ABSENT,
    INCOMPARABLE,
    INCONCLUSIVE,
    NO_TARGET,
    Claim,
)
from fleximodal.publishing.equivalence import Comparison, Rule, Sample, compare
from fleximodal.publishing.printed_declaration import PrintedTable
from fleximodal.publishing.published_values import Printed
from fleximodal.publishing.table import MEASURED

PERCENT = 100
COLUMNS = (
    *("table", "dataset", "modalities", "task", "metric", "method", "published_mean"),
    *("published_sd", "published_n", "mean", "sd", "low", "high", "n_runs", "n_stays"),
    *("n_patients", "prevalence", "bootstrap_replicates", "source", "data", "protocol", "cases"),
    *("variant", "measured_modalities", "measured_method", "measured_metric", "status"),
    *("extension", "difference", "difference_low", "difference_high", "margin", "p", "verdict"),
    "reference",
)
COUNTS = ("n_runs", "n_stays", "n_patients")
INTEGERS = ("published_n", *COUNTS, "bootstrap_replicates")
_KEY = ("modalities", "task", "metric", "method")
_COMPARED = ("difference", "difference_low", "difference_high", "margin", "p")


def build_published(
    table: PrintedTable,
    cells: Sequence[Mapping[str, Any]],
    printed: Mapping[tuple[str, str, str, str], Printed],
    rule: Rule,
) -> pd.DataFrame:
    """Gather the rows of a table: modality sets, tasks, metrics, methods.

    Parameters
    ----------
    table
        The declaration.
    cells
        In the order of its cells: "cell" and "metrics" (metrics.json, None where data are absent).
    printed
        What `read_printed` returned, or more.
    rule
        Margins and level, from the configuration.

    Returns
    -------
    pandas.DataFrame
        Printed values and measured metrics in percent, `prevalence` as a fraction. A value that
        the paper computed in another way than ours stands in a row of its own, with `measured` of
        the declaration as `measured_metric`; the row of our metric then has no printed value. Rows
        of an extension have none either.
    """
    stored = {Cell(**entry["cell"]): entry["metrics"] for entry in cells}
    rows = []
    for modalities, task, metric in product(table.modalities, table.tasks, table.metrics):
        late = []
        for method, registered in table.columns().items():
            cell = table.cell(task, table.modalities[modalities], registered)
            metrics = stored[cell]
            key = (modalities, task, metric, method)
            head = {
                **dict(zip(("modalities", "task", "metric", "method"), key, strict=True)),
                "table": table.name,
                "source": cell.source,
                "data": table.data,
                **{name: getattr(cell, name) for name in ("protocol", "cases", "variant")},
                "measured_modalities": cell.modalities,
                "measured_method": registered,
                "extension": method not in table.methods,
            }
            other = table.measured_otherwise(head)
            value = printed.get(key)
            ours = table.metrics[metric]
            rows.append(_row(table, head, metrics, ours, None if other else value, rule))
            if other:
                late.append(_row(table, head, metrics, other, value, rule))
        rows += late
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype(dict.fromkeys(INTEGERS, "Int64"))


def published_claims(table: PrintedTable, frame: pd.DataFrame) -> list[Claim]:
    """Return one claim per printed value of a table's frame."""
    return [
        Claim(
            claim="-".join((table.name, *(row[name] for name in _KEY))),
            paper=table.paper,
            table=table.name,
            **{name: row[name] for name in ("dataset", *_KEY, "variant")},
            published_mean=row["published_mean"],
            **{name: _number(row[name]) for name in ("published_sd", "published_n")},
            measured=_number(row["mean"]),
            **{name: _number(row[name]) for name in ("sd", "low", "high")},
            n=_number(row["n_runs"]),
            **{name: row[name] for name in ("source", "protocol", "cases", "data")},
            **{name: _number(row[name]) for name in _COMPARED},
            verdict=row["verdict"],
        )
        for row in frame[frame["published_mean"].notna()].to_dict("records")
    ]


def _row(
    table: PrintedTable,
    head: Mapping[str, Any],
    metrics: str | None,
    metric: str,
    value: Printed | None,
    rule: Rule,
) -> dict[str, Any]:
    row: dict[str, Any] = {**head, "measured_metric": metric}
    measured: dict[str, float | None] = {}
    if metrics is None:
        row["status"] = ABSENT
    else:
        told = json.loads(Path(metrics).read_text(encoding="utf-8"))
        summary = told["summary"][metric]
        measured = {
            name: None if summary[name] is None else summary[name] * PERCENT
            for name in ("mean", "sd", "low", "high")
        }
        row |= {**measured, **{name: told[name] for name in (*COUNTS, "prevalence")}}
        row |= {
            "status": MEASURED,
            "bootstrap_replicates": told["bootstrap"]["replicates"],
        }
    if value is None:
        return row
    margin = rule.margin[table.metrics[head["metric"]]] * PERCENT
    row |= {
        "dataset": value.dataset,
        "published_mean": value.mean,
        "published_sd": value.sd,
        "published_n": table.runs,
        "margin": margin,
        "reference": value.reference,
    }
    compared = _compare(table, row, margin, rule.level)
    if compared is not None:
        row |= {
            "difference": compared.difference,
            "difference_low": compared.low,
            "difference_high": compared.high,
            "p": compared.p,
        }
    return {**row, "verdict": _verdict(table, row, compared)}


def _compare(
    table: PrintedTable, row: Mapping[str, Any], margin: float, level: float
) -> Comparison | None:
    if row.get("mean") is None:
        return None
    return compare(
        _published(table, row["published_mean"], row["published_sd"]),
        Sample(row["mean"], row["sd"], row["n_runs"]),
        margin=margin,
        level=level,
        interval=(row["low"], row["high"]),
    )


def _published(table: PrintedTable, mean: float, sd: float | None) -> Sample:
    """Return a printed value as the sample that measured runs are tested against.

    A deviation that divides by the number of runs is turned into one that divides by one less. A
    value without a deviation is taken as a constant: with no spread on its side, Welch's tests are
    the one-sample tests of the measured runs (whatever number of runs stands beside it).
    """
    if sd is None:
        return Sample(mean, 0.0, max(table.runs, 2))
    if table.deviation == "population" and table.runs > 1:
        sd *= (table.runs / (table.runs - 1)) ** 0.5
    return Sample(mean, sd, table.runs)


def _verdict(table: PrintedTable, row: Mapping[str, Any], compared: Comparison | None) -> str:
    reason = table.reason(row)
    if reason is not None:
        return f"{NO_TARGET}{reason}"
    if row["status"] == ABSENT:
        return ABSENT
    if table.data in INCOMPARABLE:
        return INCOMPARABLE[table.data]
    return INCONCLUSIVE if compared is None else compared.verdict


def _number(value: Any) -> Any:
    return None if pd.isna(value) else value
