"""What a reader sees of a table that a paper printed: its layout, measured above printed."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fleximodal.publishing.claims import NO_TARGET
from fleximodal.publishing.equivalence import Rule
from fleximodal.publishing.numbers import LABELS, NONE, extent, positives, rounded
from fleximodal.publishing.page import Page
from fleximodal.publishing.published_declaration import PublishedTable
from fleximodal.publishing.published_table import PERCENT
from fleximodal.publishing.table import MEASURED
from fleximodal.publishing.views import data_words

OURS, PRINTED = "ours", "published"
EXTENSION = "our extension"
VERDICTS = "Verdict on each published value"


def published_page(frame: pd.DataFrame, table: PublishedTable, rule: Rule) -> Page:
    """Return the page of `build_published`'s frame."""
    verdicts = _verdict_view(frame)
    return Page(
        name=table.name,
        title=table.title,
        view=_view(frame, table),
        caption=_caption(frame, table, rule),
        more=((VERDICTS, verdicts),) if len(verdicts) else (),
    )


def _view(frame: pd.DataFrame, table: PublishedTable) -> pd.DataFrame:
    """Return two rows per task and metric, one column per method."""
    labels = _labels(frame)
    rows: list[dict[str, str]] = []
    frame = frame.assign(label=[_metric(row, table) for row in frame.to_dict("records")])
    for (modalities, task, label), group in frame.groupby(
        ["modalities", "task", "label"], sort=False
    ):
        head = {"Modalities": str(modalities), "Task": str(task), "Metric": str(label)}
        by_method = {row["method"]: row for row in group.to_dict("records")}
        rows += [
            {**head, "Value": value, **{labels[m]: show(by_method.get(m)) for m in labels}}
            for value, show in ((OURS, measured_text), (PRINTED, printed_text))
        ]
    view = pd.DataFrame(rows)
    return view if len(table.modalities) > 1 else view.drop(columns="Modalities")


def _labels(frame: pd.DataFrame) -> dict[str, str]:
    methods = frame.drop_duplicates("method")
    return {
        method: f"{method} ({EXTENSION})" if extension else method
        for method, extension in zip(methods["method"], methods["extension"], strict=True)
    }


def _metric(row: Mapping[Any, Any], table: PublishedTable) -> str:
    metric = row["measured_metric"]
    if metric in table.metrics.values():
        return f"{row['metric']} (%)"
    return LABELS[metric]


def measured_text(row: Mapping[Any, Any] | None) -> str:
    """Return "mean ± sd [low, high]" of a row in percent, without what is missing."""
    if row is None or pd.isna(row["mean"]):
        return NONE
    spread = "" if pd.isna(row["sd"]) else f" ± {rounded(row['sd'], 2)}"
    low, high = row["low"], row["high"]
    interval = "" if pd.isna(low) else f" [{rounded(low, 2)}, {rounded(high, 2)}]"
    return rounded(row["mean"], 2) + spread + interval


def printed_text(row: Mapping[Any, Any] | None) -> str:
    """Return the printed "mean ± sd" of a row."""
    if row is None or pd.isna(row["published_mean"]):
        return NONE
    sd = row["published_sd"]
    return rounded(row["published_mean"], 2) + ("" if pd.isna(sd) else f" ± {rounded(sd, 2)}")


def _verdict_view(frame: pd.DataFrame) -> pd.DataFrame:
    """Return how many values of each task and metric got which verdict."""
    judged = frame[frame["published_mean"].notna()]
    counted = judged.groupby(["modalities", "task", "metric", "verdict"], sort=False).size()
    view = counted.rename("Values").reset_index().astype({"Values": str})
    return view.rename(columns=str.capitalize)


def _caption(frame: pd.DataFrame, table: PublishedTable, rule: Rule) -> str:
    measured = frame[frame["status"] == MEASURED]
    words = [
        table.caption.strip(),
        f"Ours: {data_words(table.source, table.found)}, protocol {table.protocol}, variant "
        f"{table.variant}.",
    ]
    if len(measured):
        sizes = "; ".join(
            f"{task} {extent(rows['n_stays'])} of {extent(rows['n_patients'])} patients"
            f"{positives(rows['prevalence'])}"
            for task, rows in measured.groupby("task", sort=False)
        )
        words.append(
            f"Stays of the test part: {sizes}. Mean ± sample standard deviation over "
            f"{extent(measured['n_runs'])} run(s), the deviation left out for one run; in brackets "
            "the 95 % interval of the mean from "
            f"{extent(measured['bootstrap_replicates'])} bootstrap resamples of patients."
        )
    margins = ", ".join(
        f"{rounded(rule.margin[ours], 1, PERCENT)} points of {metric}"
        for metric, ours in table.metrics.items()
    )
    words.append(
        f"Published: {table.paper}, {_spread(frame, table)} A value counts as equivalent within a "
        f"margin of {margins} (two one-sided Welch tests at level {rule.level:g}); docs/claims.md "
        "says how."
    )
    if table.otherwise:
        told = "; ".join(
            f"{o.metric} of {o.method} on {o.task} as {LABELS[o.measured].removesuffix(' (%)')}"
            for o in table.otherwise
        )
        words.append(
            f"The paper computed {told}; it stands beside ours computed alike, in a row of its own."
        )
    words += [f"{value.words()}: {NO_TARGET}{value.reason}." for value in table.not_targets]
    if table.extensions:
        words.append(f"{', '.join(table.extensions)}: {EXTENSION}, nothing is published of it.")
    words.append(f"A {NONE} stands for what was not run, not published or is undefined.")
    return " ".join(words)


def _spread(frame: pd.DataFrame, table: PublishedTable) -> str:
    """Return what is printed of the spread over runs, and how it enters the tests."""
    printed = frame.loc[frame["published_mean"].notna(), "published_sd"]
    if printed.isna().all():
        return (
            f"mean over {table.runs} runs without a deviation, so that it is taken as a constant."
        )
    words = f"mean ± deviation over {table.runs} runs as printed."
    if table.deviation == "population":
        words += (
            f" The deviations divide by {table.runs} and are multiplied by the square root of "
            f"{table.runs}/{table.runs - 1} for the tests (H-37)."
        )
    return words
