"""The page of claims: what was reproduced, what differs, what was not run and why."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from fleximodal.publishing.claims import (
    ABSENT,
    CONFIRMED,
    CONTRADICTED,
    DIFFERENT,
    EQUIVALENT,
    INCOMPARABLE,
    INCONCLUSIVE,
    NO_TARGET,
    UNDECIDED,
)
from fleximodal.publishing.numbers import NONE, rounded
from fleximodal.publishing.report.document import Document, begin
from fleximodal.publishing.report.facts import read_facts

MEANING = {
    EQUIVALENT: "the measured interval lies within the margin of the published value",
    DIFFERENT: "the measured interval leaves the published value out",
    INCONCLUSIVE: "the interval is too wide to tell",
    **dict.fromkeys(INCOMPARABLE.values(), "measured, but not on the data that the paper used"),
    ABSENT: "the data are not there",
    NO_TARGET.strip(": "): "the published value is no aim, for the reason given beside it",
    CONFIRMED: "paired comparisons show the printed order",
    CONTRADICTED: "paired comparisons show the reverse order",
    UNDECIDED: "paired comparisons show neither",
}


def write_claims_page(
    facts: Path | str,
    output: Path | str,
    *,
    claims: Path | str | None,
    rankings: Path | str | None,
) -> None:
    """Write the page.

    Parameters
    ----------
    facts, output
        The facts of the run, and the page.
    claims, rankings
        claims.csv and rankings.csv; None where no configured table or figure has published values.

    Raises
    ------
    FleximodalError
        If the facts cannot be read.
    """
    told = read_facts(facts)
    document = begin("Claims: published values beside measured ones", told)
    if told.absent:
        document.heading("Not run")
        document.text(ABSENT[0].upper() + ABSENT[1:] + ":")
        document.points(
            [
                f"{number} cell(s) of source {source}: give its folder under sources.{source} in "
                "the configuration"
                for source, number in told.absent.items()
            ]
        )
    if claims is None or rankings is None:
        document.text("No table or figure of this configuration holds published values.")
    else:
        _values(document, _read(claims))
        _orders(document, _read(rankings))
    document.write(output)


def _read(path: Path | str) -> pd.DataFrame:
    frame = pd.read_csv(path)
    frame["kind"] = [
        NO_TARGET.strip(": ") if verdict.startswith(NO_TARGET) else verdict
        for verdict in frame["verdict"]
    ]
    return frame


def _values(document: Document, frame: pd.DataFrame) -> None:
    document.heading(f"Values: verdicts by table ({len(frame)} published values)")
    _tally(document, frame, "Verdicts on published values")
    for verdict, title in ((EQUIVALENT, "Reproduced"), (DIFFERENT, "Different")):
        rows = frame[frame["kind"] == verdict]
        document.heading(f"{title} ({len(rows)})")
        document.table(_claim_view(rows), title, f"No published value is {verdict}.")
    document.heading("Every published value")
    document.table(_claim_view(frame), "Every published value", "None.")


def _orders(document: Document, frame: pd.DataFrame) -> None:
    document.heading(f"Orders of methods ({len(frame)})")
    _tally(document, frame, "Verdicts on orders of methods")
    document.table(
        pd.DataFrame(
            [
                {
                    "Table": f"{row['paper']} {row['table']}",
                    "Modalities": row["modalities"],
                    "Task": row["task"],
                    "Metric": row["metric"],
                    "Printed": f"{row['printed_first']} ahead of {row['printed_second']}",
                    "Measured difference": _interval(row, "difference", "low", "high"),
                    "Verdict": row["verdict"],
                }
                for row in frame.to_dict("records")
            ]
        ),
        "Orders of methods",
        "No order of methods is printed in the configured tables.",
    )


def _tally(document: Document, frame: pd.DataFrame, name: str) -> None:
    """Add a row per table with the number of each verdict, and what the verdicts mean."""
    if frame.empty:
        return
    numbers = pd.crosstab([frame["paper"], frame["table"]], frame["kind"])
    kinds = [kind for kind in MEANING if kind in numbers]
    view = numbers[kinds].map(str).reset_index()
    view = view.rename(columns={"paper": "Paper", "table": "Table"})
    total = {"Paper": "all", "Table": "all", **{k: str(numbers[k].sum()) for k in kinds}}
    document.table(pd.concat([view, pd.DataFrame([total])]), name, "")
    document.points([f"{kind}: {MEANING[kind]}" for kind in kinds])


def _claim_view(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Table": f"{row['paper']} {row['table']}",
                "Modalities": _text(row["modalities"]),
                "Task": _text(row["task"]),
                "Metric": row["metric"],
                "Method": row["method"],
                "Published": _with_sd(row, "published_mean", "published_sd"),
                "Measured": _interval(row, "measured", "low", "high"),
                "Difference": _number(row["difference"]),
                "Data": row["data"],
                "Verdict": row["verdict"],
            }
            for row in frame.to_dict("records")
        ]
    )


def _text(value: Any) -> str:
    return NONE if pd.isna(value) else str(value)


def _number(value: float) -> str:
    return NONE if pd.isna(value) else rounded(value, 2)


def _with_sd(row: Mapping[Any, Any], mean: str, sd: str) -> str:
    spread = "" if pd.isna(row[sd]) else f" ± {rounded(row[sd], 2)}"
    return _number(row[mean]) + spread


def _interval(row: Mapping[Any, Any], mean: str, low: str, high: str) -> str:
    known = not (pd.isna(row[low]) or pd.isna(row[high]))
    return _number(row[mean]) + (
        f" [{rounded(row[low], 2)}, {rounded(row[high], 2)}]" if known else ""
    )
