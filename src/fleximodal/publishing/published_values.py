"""Printed values of a table: the CSV files of `config/published/` that declarations name."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pandas as pd

from fleximodal.errors import FleximodalError
from fleximodal.publishing.printed_declaration import PrintedTable
from fleximodal.publishing.published_declaration import PublishedTable

COLUMNS = ("dataset", "modalities", "task", "metric", "method", "mean", "std", "source")


@dataclass(frozen=True)
class Printed:
    """One printed value: mean and deviation over runs, on which data set.

    Metrics are in percent, other quantities in the unit that their name says; `sd` is None where
    no deviation is printed.
    """

    mean: float
    sd: float | None
    dataset: str
    reference: str


Key = tuple[str, str, str, str]  # modalities, task, metric, method, as printed


def read_printed(path: Path | str, table: PublishedTable) -> dict[Key, Printed]:
    """Return the printed values of a table by modalities, task, metric and method.

    Raises
    ------
    FleximodalError
        If the file cannot be read, lacks a column, holds a value that is no percentage or is there
        twice, or if the table and the file do not have the same values.
    """
    return read_values(path, table, percentages=table.metrics)


def read_values(
    path: Path | str,
    table: PrintedTable,
    *,
    percentages: Collection[str],
    quantities: Collection[str] = (),
) -> dict[Key, Printed]:
    """Return printed values by modalities, task, metric and method.

    Parameters
    ----------
    path, table
        The file and the declaration.
    percentages, quantities
        The metrics that the table has: those in percent, and others, which only are not negative.

    Raises
    ------
    FleximodalError
        As `read_printed`.
    """
    found: dict[Key, Printed] = {}
    for number, row in enumerate(_rows(path).to_dict("records"), start=1):
        key = (row["modalities"], row["task"], row["metric"], row["method"])
        most = float("inf") if row["metric"] in quantities else 100
        mean = _number(path, number, "mean", row["mean"], most)
        sd = _number(path, number, "std", row["std"], most) if row["std"] else None
        if key in found:
            raise FleximodalError(f"{path}: row {number}: {' '.join(key)} is there twice")
        found[key] = Printed(mean, sd, row["dataset"], row["source"])
    metrics = (*percentages, *quantities)
    wanted = set(product(table.modalities, table.tasks, metrics, table.methods))
    for keys, words in (
        (wanted - set(found), "is missing, but table {} declares it"),
        (set(found) - wanted, "is there, but table {} does not declare it"),
    ):
        if keys:
            raise FleximodalError(f"{path}: {' '.join(min(keys))} {words.format(table.name)}")
    return found


def _rows(path: Path | str) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise FleximodalError(f"{path}: cannot be read as CSV ({error})") from None
    absent = [name for name in COLUMNS if name not in frame]
    if absent:
        raise FleximodalError(f"{path}: column {absent[0]!r} is missing; add it")
    return frame


def _number(path: Path | str, row: int, name: str, text: str, most: float) -> float:
    number = float(pd.to_numeric(text, errors="coerce"))
    if not 0 <= number <= most:
        what = "a percentage" if most == 100 else "a number of zero or more"
        raise FleximodalError(f"{path}: row {row}: {name} {text!r} is not {what}")
    return number
