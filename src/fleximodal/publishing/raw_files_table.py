"""Shapes and gaps of raw files as a paper printed them, beside those of the files that were read.

A raw folder is read into canonical tables, whose counts.json tells under `raw` of each file its
`rows`, its `columns` and the fraction of its cells that is `missing`, and of images their `shape`;
of a file that is not there it may tell the rows alone, under `rows`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pandas as pd

from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import nearest
from fleximodal.publishing.claims import Claim, judge_number, write_claims
from fleximodal.publishing.facts_declaration import RawFilesTable
from fleximodal.publishing.formats import write_page
from fleximodal.publishing.numbers import NONE, rounded
from fleximodal.publishing.page import Page
from fleximodal.publishing.views import data_words

PRINTED_COLUMNS = ("dataset", "modality", "file", "quantity", "value", "source")
COLUMNS = (
    *("table", "dataset", "modality", "file", "quantity", "published", "unit_of_last_digit"),
    *("measured_file", "measured", "difference", "source", "data", "verdict", "reference"),
)
PERCENT = 100


@dataclass(frozen=True)
class Quantity:
    """A printed quantity: its words, and how ours is read from what counts.json tells of a file."""

    words: str
    value: Callable[[Mapping[str, Any]], float | None]


def _axis(number: int) -> Callable[[Mapping[str, Any]], float | None]:
    def value(told: Mapping[str, Any]) -> float | None:
        shape = told.get("shape")
        return None if shape is None else shape[number]

    return value


def _missing(told: Mapping[str, Any]) -> float | None:
    missing = told.get("missing")
    return None if missing is None else missing * PERCENT


QUANTITIES = {
    "n_scans": Quantity("scans", lambda told: told.get("rows")),
    "n_rows": Quantity("rows", lambda told: told.get("rows")),
    "n_columns": Quantity("columns", lambda told: told.get("columns")),
    "missing_percent": Quantity("missing (%)", _missing),
    **{
        f"voxels_axis{place}": Quantity(f"voxels, axis {place}", _axis(place)) for place in range(3)
    },
}


def write_raw_files_table(
    table: RawFilesTable,
    published: Path | str,
    counts: Path | str | None,
    folder: Path | str,
    claims: Path | str,
) -> None:
    """Write the table in four formats, and its claims.

    Parameters
    ----------
    table
        The declaration.
    published
        CSV with the columns dataset, modality, file, quantity, value, source.
    counts
        counts.json of the canonical tables of the table's source; None if its data are absent.
    folder, claims
        Folder of tables, and the CSV of the claims.

    Raises
    ------
    FleximodalError
        If a file cannot be read, if `published` lacks a column or has an unknown or repeated file
        or quantity or a value that is no number, or if several raw files fit one printed one.
    """
    frame = build_raw_files(table, published, counts)
    write_page(frame, raw_files_page(frame, table), folder)
    write_claims(raw_files_claims(frame, table), claims)


def build_raw_files(
    table: RawFilesTable, published: Path | str, counts: Path | str | None
) -> pd.DataFrame:
    """Return one row per printed number; parameters and errors as `write_raw_files_table`.

    `measured` is equivalent to `published` if they differ by no more than half a unit of the last
    printed digit.
    """
    printed = _read_printed(table, published)
    told = _read_counts(table, counts)
    rows = []
    for row in printed:
        name, of_file = told.get(table.files[row["file"]], (None, {}))
        measured = QUANTITIES[row["quantity"]].value(of_file)
        value, unit = float(row["number"]), float(_unit(row["number"]))
        rows.append(
            {
                "table": table.name,
                **{key: row[key] for key in ("dataset", "modality", "file", "quantity")},
                "published": value,
                "unit_of_last_digit": unit,
                "measured_file": name,
                "measured": measured,
                "difference": None if measured is None else measured - value,
                "source": table.source,
                "data": table.data,
                "verdict": judge_number(value, measured, unit / 2, table.data),
                "reference": row["source"],
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def raw_files_page(frame: pd.DataFrame, table: RawFilesTable) -> Page:
    """Return the page: a row per printed number."""
    places = [max(0, -Decimal(str(unit)).adjusted()) for unit in frame["unit_of_last_digit"]]

    def shown(name: str) -> list[str]:
        values = zip(frame[name], places, strict=True)
        return [NONE if pd.isna(value) else rounded(value, place) for value, place in values]

    view = pd.DataFrame(
        {
            "Modality": frame["modality"],
            "Printed file": frame["file"],
            "Our file": frame["measured_file"].fillna(NONE),
            "Quantity": [QUANTITIES[name].words for name in frame["quantity"]],
            "Published": shown("published"),
            "Ours": shown("measured"),
            "Verdict": frame["verdict"],
        }
    )
    caption = (
        f"{table.caption.strip()} Ours: {data_words(table.source)}. Published: {table.paper}. A "
        f"{NONE} stands for what was not counted."
    )
    return Page(name=table.name, title=table.title, view=view, caption=caption)


def raw_files_claims(frame: pd.DataFrame, table: RawFilesTable) -> list[Claim]:
    """Return one claim per printed number."""
    return [
        Claim(
            claim="-".join((table.name, row["file"], row["quantity"])),
            paper=table.paper,
            table=table.name,
            dataset=row["dataset"],
            modalities=row["modality"],
            task="",
            metric=row["quantity"],
            method=row["file"],
            variant="",
            published_mean=row["published"],
            measured=None if pd.isna(row["measured"]) else row["measured"],
            source=row["source"],
            data=row["data"],
            difference=None if pd.isna(row["difference"]) else row["difference"],
            margin=row["unit_of_last_digit"] / 2,
            verdict=row["verdict"],
        )
        for row in frame.to_dict("records")
    ]


def _read_printed(table: RawFilesTable, path: Path | str) -> list[dict[str, Any]]:
    """Return the printed rows in the order of the declared files, with `number` as decimal."""
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise FleximodalError(f"{path}: cannot be read as CSV ({error})") from None
    absent = [name for name in PRINTED_COLUMNS if name not in frame]
    if absent:
        raise FleximodalError(f"{path}: column {absent[0]!r} is missing; add it")
    rows: list[dict[str, Any]] = []
    seen = set()
    for number, row in enumerate(frame.to_dict("records"), start=1):
        for key, known in (("file", table.files), ("quantity", QUANTITIES)):
            if row[key] not in known:
                raise FleximodalError(
                    f"{path}: row {number}: unknown {key} {row[key]!r}{nearest(row[key], known)}"
                )
        place = (row["file"], row["quantity"])
        if place in seen:
            raise FleximodalError(f"{path}: row {number}: {' '.join(place)} is there twice")
        seen.add(place)
        try:
            value = Decimal(row["value"])
        except InvalidOperation:
            raise FleximodalError(
                f"{path}: row {number}: value {row['value']!r} is no number"
            ) from None
        rows.append({**{name: row[name] for name in PRINTED_COLUMNS}, "number": value})
    order = list(table.files)
    return sorted(rows, key=lambda row: order.index(row["file"]))


def _unit(number: Decimal) -> Decimal:
    """Return one unit of the last digit of a number as it is written."""
    exponent = number.as_tuple().exponent
    return Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)


def _read_counts(
    table: RawFilesTable, path: Path | str | None
) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return what is told of our files by the names that the declaration gives them."""
    if path is None:
        return {}
    try:
        told = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FleximodalError(
            f"{path}: cannot be read ({error}); extract the source again"
        ) from None
    raw = {file: {"rows": rows} for file, rows in told.get("rows", {}).items()}
    raw |= told.get("raw", {})
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for name in table.files.values():
        fitting = [file for file in raw if file == name or file.startswith(f"{name}_")]
        if name in fitting:
            fitting = [name]
        if len(fitting) > 1:
            raise FleximodalError(
                f"{path}: raw: {' and '.join(fitting)} both fit {name!r} of table {table.name}; "
                "keep one of these files"
            )
        if fitting:
            found[name] = (fitting[0], raw[fitting[0]])
    return found
