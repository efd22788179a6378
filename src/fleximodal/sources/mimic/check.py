"""Checks of small tables against themselves and against the published numbers of rows."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from fleximodal.errors import FleximodalError


def line_of(row: int) -> int:
    """Return the line of the file that holds row `row` (from 0) of a table without line ends."""
    return row + 2


def refuse_rows(table: pl.DataFrame, wrong: pl.Expr, path: Path, what: str, remedy: str) -> None:
    """Raise a FleximodalError naming the first line of `path` for which `wrong` holds.

    Parameters
    ----------
    table
        All rows of the file in its order, none left out.
    wrong
        Boolean expression; null counts as False.
    path, what, remedy
        The sentence reads "{path}, line {n} {what}; {remedy}."
    """
    mask = table.select(wrong.fill_null(False).alias("wrong"))["wrong"]
    if mask.any():
        raise FleximodalError(f"{path}, line {line_of(int(mask.arg_max() or 0))} {what}; {remedy}.")


def check_unique(table: pl.DataFrame, column: str, path: Path) -> None:
    """Raise a FleximodalError if an id in `column` is null or occurs twice in the file."""
    refuse_rows(table, pl.col(column).is_null(), path, f"has no {column}", "mend the row")
    repeated = ~pl.col(column).is_first_distinct()
    refuse_rows(
        table, repeated, path, f"repeats the {column} of an earlier line", "remove one of the two"
    )


def check_known(
    table: pl.DataFrame, column: str, known: pl.Series, path: Path, other: Path
) -> None:
    """Raise a FleximodalError if an id in `column` of `path` is not among those of `other`."""
    refuse_rows(
        table,
        ~pl.col(column).is_in(known.implode()),
        path,
        f"has {'an' if column[0] in 'aeiou' else 'a'} {column} that {other.name} lacks",
        "fetch both files again",
    )


def check_stays(stays: pl.DataFrame, path: Path) -> tuple[pl.DataFrame, dict[str, int]]:
    """Check the rows of the table of ICU stays and leave out those without a time.

    Parameters
    ----------
    stays
        All rows in the file's order: stay_id, patient_id, admission_id, intime, outtime, ...
    path
        The file, for messages.

    Returns
    -------
    tuple
        The stays that have both times, and counts: `stays`, `without_intime`, `without_outtime`
        (left out), `kept`.

    Raises
    ------
    FleximodalError
        If an id is null, a stay_id occurs twice or a stay ends before it begins.
    """
    check_unique(stays, "stay_id", path)
    for column in ("patient_id", "admission_id"):
        refuse_rows(stays, pl.col(column).is_null(), path, f"has no {column}", "mend the row")
    refuse_rows(
        stays,
        pl.col("outtime") < pl.col("intime"),
        path,
        "is a stay that ends before it begins",
        "mend its times",
    )
    whole = stays.filter(pl.col("intime").is_not_null() & pl.col("outtime").is_not_null())
    return whole, {
        "stays": stays.height,
        "without_intime": stays["intime"].null_count(),
        "without_outtime": stays["outtime"].null_count(),
        "kept": whole.height,
    }


def check_rows(release: str, published: Mapping[str, int], read: Mapping[str, int]) -> None:
    """Raise a FleximodalError if a table has other than the published number of rows.

    Parameters
    ----------
    release
        Name of the release that was detected, for the message.
    published, read
        Rows by name of the table; tables that only one of the two names are not compared.
    """
    for name, rows in read.items():
        if published.get(name, rows) != rows:
            raise FleximodalError(
                f"{name} has {rows:,} rows, but {release} has {published[name]:,}; fetch the table "
                "again, or give the tables of one release."
            )
