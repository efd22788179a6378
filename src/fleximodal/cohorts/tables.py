"""Read the canonical tables: a missing file or column is said plainly."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fleximodal.errors import FleximodalError


@dataclass(frozen=True)
class Modality:
    """One entry of `modalities.json`.

    `columns` are the channels of a series (values of `channel` in `events.parquet`) or the features
    of an items modality (columns of `table`).
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    table: str


def scan_table(path: Path, columns: Sequence[str]) -> pl.LazyFrame:
    """Return the named columns of a Parquet file, not yet read.

    Raises
    ------
    FleximodalError
        If the file or one of the columns is absent.
    """
    if not path.is_file():
        raise FleximodalError(f"{path} does not exist; build that table first.")
    table = pl.scan_parquet(path)
    absent = sorted(set(columns) - set(table.collect_schema().names()))
    if absent:
        raise FleximodalError(f"{path} has no column {', '.join(absent)}; rebuild that table.")
    return table.select(columns)


def read_modalities(canonical: Path) -> list[Modality]:
    """Return the modalities of a source, in the source's order.

    Raises
    ------
    FleximodalError
        If `modalities.json` is absent or names a kind other than `series` and `items`.
    """
    path = canonical / "modalities.json"
    if not path.is_file():
        raise FleximodalError(f"{path} does not exist; build the canonical tables first.")
    modalities = []
    for entry in json.loads(path.read_text(encoding="utf-8")):
        if entry["kind"] == "series":
            columns, table = entry["channels"], "events.parquet"
        elif entry["kind"] == "items":
            columns, table = entry["features"], entry["table"]
        else:
            raise FleximodalError(
                f"{path}: modality {entry['name']} has kind {entry['kind']!r}; "
                "use 'series' or 'items'."
            )
        modalities.append(Modality(entry["name"], entry["kind"], tuple(columns), table))
    return modalities
