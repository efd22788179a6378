"""The page of discrepancies: the register, with what a run measured of each switch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fleximodal.publishing.comparison import COLUMNS as COMPARED
from fleximodal.publishing.numbers import LABELS, NONE, PERCENT, percent, rounded
from fleximodal.publishing.report.document import begin
from fleximodal.publishing.report.facts import read_facts
from fleximodal.publishing.report.register import read_register


def write_discrepancies(
    facts: Path | str,
    output: Path | str,
    *,
    register: Path | str,
    comparisons: Sequence[Path | str],
) -> None:
    """Write the page.

    Parameters
    ----------
    facts, output
        The facts of the run, and the page.
    register
        The register in Markdown.
    comparisons
        CSVs of the run's comparisons of variants.

    Raises
    ------
    FleximodalError
        If the facts or the register cannot be read.
    """
    entries, measured = read_register(register), _measured(comparisons)
    document = begin("Discrepancies between texts and released code", read_facts(facts))
    seen = sum(entry.number in measured for entry in entries)
    document.text(
        f"{len(entries)} known differences. This run measures the effect of {seen} of them: the "
        "difference of metrics between a method and the same with the switch turned, on the same "
        "test stays, with a 95 % interval."
    )
    view = pd.DataFrame(
        [
            {
                "Number": entry.number,
                "Part": entry.part,
                # Of raw data there is no text beside a code, only what is to be known.
                "Text": entry.cells.get("text") or entry.cells.get("what") or NONE,
                **{
                    column.capitalize(): entry.cells.get(column) or NONE
                    for column in ("released code", "effect", "here", "switch")
                },
                "Measured in this run": measured.get(entry.number, NONE),
            }
            for entry in entries
        ]
    )
    document.table(view, "Register of discrepancies", "")
    document.write(output)


def _measured(comparisons: Sequence[Path | str]) -> dict[str, str]:
    """Return what comparisons say of each switch, one line per cell and metric."""
    lines: dict[str, list[str]] = {}
    for path in comparisons:
        frame = pd.read_csv(path).reindex(columns=list(COMPARED))
        for row in frame[frame["difference"].notna()].to_dict("records"):
            # A variant is "paper+K-3" or "released+K-3": one switch turned.
            switches = set(row["variant"].split("+")[1:]) - set(
                str(row["against_variant"]).split("+")[1:]
            )
            if len(switches) == 1:
                lines.setdefault(switches.pop(), []).append(_line(row))
    return {number: "\n".join(dict.fromkeys(found)) for number, found in lines.items()}


def _line(row: Mapping[Any, Any]) -> str:
    metric = str(row["metric"])
    values = [float(row[name]) for name in ("difference", "difference_low", "difference_high")]
    shown = [percent(v) if PERCENT[metric] else rounded(v, 2) for v in values]
    unit = " points" if PERCENT[metric] else ""
    label = LABELS[metric].removesuffix(" (%)")
    synthetic = " (synthetic data)" if row["data"] == "synthetic" else ""
    return (
        f"{row['table']}, {row['task']}, {row['method']}: {label} {shown[0]} "
        f"[{shown[1]}, {shown[2]}]{unit}{synthetic}"
    )
