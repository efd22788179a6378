"""Printed values of a table: the CSV files of `config/published/` that declarations name."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fleximodal.errors import FleximodalError
from fleximodal.publishing.published_declaration import PublishedTable

COLUMNS = ("dataset", "modalities", "task", "metric", "method", "mean", "std", "source")


@dataclass(frozen=True)
class Printed:
    """One printed value: mean and deviation over runs in percent, on which data set."""

    mean: float
    sd: float
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
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise FleximodalError(f"{path}: cannot be read as CSV ({error})") from None
    absent = [name for name in COLUMNS if name not in frame]
    if absent:
        raise FleximodalError(f"{path}: column {absent[0]!r} is missing; add it")
    for name in ("mean", "std"):
        numbers = pd.to_numeric(frame[name], errors="coerce")
        faulty = ~numbers.between(0, 100)
        if faulty.any():
            place = int(faulty.to_numpy().argmax())
            raise FleximodalError(
                f"{path}: row {place + 1}: {name} {frame[name].iloc[place]!r} is not a percentage"
            )
        frame[name] = numbers
    found: dict[Key, Printed] = {}
    for number, row in enumerate(frame.to_dict("records"), start=1):
        key = (row["modalities"], row["task"], row["metric"], row["method"])
        if key in found:
            raise FleximodalError(f"{path}: row {number}: {' '.join(key)} is there twice")
        found[key] = Printed(row["mean"], row["std"], row["dataset"], row["source"])
    wanted = {
        (modalities, task, metric, method)
        for modalities in table.modalities
        for task in table.tasks
        for metric in table.metrics
        for method in table.methods
    }
    for keys, words in (
        (wanted - set(found), "is missing, but table {} declares it"),
        (set(found) - wanted, "is there, but table {} does not declare it"),
    ):
        if keys:
            raise FleximodalError(f"{path}: {' '.join(min(keys))} {words.format(table.name)}")
    return found
