"""Streaming scans of the tables of a release, whose every failure is one sentence.

A table is `name.csv.gz` or `name.csv`: comma-separated, UTF-8, one header line. Columns are found
by name. Time stamps and dates are parsed only for the rows that a query keeps, which is what makes
a filtered scan of the large tables fast; so put filters on other columns before anything else.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from polars.datatypes import DataTypeClass

from fleximodal.errors import FleximodalError
from fleximodal.io.disk_full import says_full
from fleximodal.sources.mimic.header import check_ending, is_intact, read_header

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
DATE_FORMAT = "%Y-%m-%d"

# What polars raises for bad content; anything else is a fault of the program.
_CONTENT_ERRORS = (
    pl.exceptions.ComputeError,
    pl.exceptions.InvalidOperationError,
    pl.exceptions.NoDataError,
    OSError,
)
_IN_CSV = re.compile(r"as dtype `([^`]+)` at column '([^']*)' \(column number \d+\)")
_IN_CAST = re.compile(r"conversion from `[^`]+` to `([^`]+)` failed in column '([^']*)'")
_PARSED_DTYPES = {
    "i8": pl.Int8,
    "i32": pl.Int32,
    "i64": pl.Int64,
    "f32": pl.Float32,
    "f64": pl.Float64,
}
_KINDS = {"i": "a whole number", "f": "a number", "datetime": "a time stamp", "date": "a date"}


def find_table(folder: Path, name: str) -> Path | None:
    """Return the path of `name.csv.gz`, else `name.csv`, in `folder` whatever the case, or None."""
    if not folder.is_dir():
        return None
    by_name = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_file()}
    return by_name.get(f"{name}.csv.gz".lower()) or by_name.get(f"{name}.csv".lower())


def scan_table(
    path: Path,
    columns: Mapping[str, pl.DataType | DataTypeClass],
    *,
    every_field: bool = False,
) -> pl.LazyFrame:
    """Scan the named columns of a table, lazily and in the order of the file.

    Parameters
    ----------
    path
        `.csv.gz` or `.csv`; a byte order mark and CRLF are accepted, strings may be quoted and
        hold line ends, an empty field is null.
    columns
        Type by name. Names are found without regard to case, in whatever order; the result's
        columns bear the names given here. Datetime must look like 2150-01-31 23:59:59, Date like
        2150-01-31.
    every_field
        Parse every column, so that a row with more fields than the header is refused. This takes
        half as long again, so leave it off for the large tables.

    Raises
    ------
    FleximodalError
        If the file can't be opened, is empty, lacks a column or has it twice, or if the fields of
        the first rows are not as many as the names of the header. What is wrong further down shows
        when the scan is run by `collect` or `sink`.
    """
    path = Path(path)
    names = read_header(path)
    check_ending(path, len(names))
    found = {key: _find_column(path, names, key) for key in columns}
    as_text = {key for key, dtype in columns.items() if dtype.is_temporal()}
    scan = pl.scan_csv(
        path,
        infer_schema=False,
        schema_overrides={found[key]: columns[key] for key in columns if key not in as_text},
        glob=False,
    )
    if every_field:
        scan = scan.map_batches(lambda batch: batch, projection_pushdown=False, streamable=True)
    return scan.select(pl.col(found[key]).alias(key) for key in columns).with_columns(
        _parse(key, columns[key]) for key in as_text
    )


def collect(lazy: pl.LazyFrame, path: Path) -> pl.DataFrame:
    """Run a query over the table at `path` in the streaming engine; see `sink` for the errors."""
    with _explained(path):
        return lazy.collect(engine="streaming")


def sink(lazy: pl.LazyFrame, target: Path, path: Path) -> None:
    """Run a query over the table at `path`, writing Parquet to `target` in bounded memory.

    The order of the query's rows is kept.

    Raises
    ------
    FleximodalError
        For a file that is truncated, damaged or not UTF-8, a row with too many fields, a quotation
        mark that is not closed, a field that is not of its column's type; naming the file, the
        column and where possible the row, never the field's content.
    """
    with _explained(path):
        lazy.sink_parquet(target, engine="streaming", compression="lz4")


def sink_counting(lazy: pl.LazyFrame, scan: pl.LazyFrame, target: Path, path: Path) -> int:
    """Like `sink`; return the number of all rows of `scan`, counted while the file is read once.

    `lazy` must be built by filters alone on `scan`, which is what `scan_table` returned for `path`.
    """
    return int(sink_with(lazy, scan.select(pl.len()), target, path).item())


def sink_with(lazy: pl.LazyFrame, other: pl.LazyFrame, target: Path, path: Path) -> pl.DataFrame:
    """Like `sink`; return the result of a second query, for which the file is not read again.

    Both queries must be built on one scan, and what they share must be followed by no join in one
    of them only: the engine would keep the shared rows until the join is ready. `other` must be
    small, such as a table of counts.
    """
    written = lazy.sink_parquet(target, compression="lz4", lazy=True)
    with _explained(path):
        _, result = pl.collect_all([written, other], engine="streaming")
    return result


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Tell errors over the table at `path` in a sentence; a full disk is no fault of the table."""
    try:
        yield
    except _CONTENT_ERRORS as error:
        if says_full(error):
            raise
        raise explain(error, path) from None


def explain(error: Exception, path: Path) -> FleximodalError:
    """Return the sentence for an error that polars raised over the table at `path`."""
    text = str(error)
    if not path.is_file():
        return FleximodalError(f"{path} does not exist any more; fetch it again.")
    if isinstance(error, PermissionError):
        return FleximodalError(f"{path} may not be read; give yourself the right to read it.")
    if isinstance(error, OSError) or not is_intact(path):
        return FleximodalError(f"{path} is truncated or damaged; remove it and fetch it again.")
    if "utf-8" in text.lower():
        return FleximodalError(f"{path} is not in UTF-8; fetch it again or convert it.")
    if "more fields" in text:
        return FleximodalError(
            f"{path} has a row with more fields than the header has names; fetch it again or quote "
            "the field that holds a comma."
        )
    match = _last(_IN_CSV, text) or _last(_IN_CAST, text)
    if match is None:
        return FleximodalError(f"{path} can't be parsed as a table; remove it and fetch it again.")
    dtype, column = match
    if dtype == "str":
        return FleximodalError(
            f"{path}, column {column}: a quotation mark is not closed; fetch the file again."
        )
    kind = next((kind for start, kind in _KINDS.items() if dtype.startswith(start)), "valid")
    if dtype == "date":
        kind = "a date"
    return FleximodalError(
        f"{path}, column {column}{_row_of(path, column, dtype)}: a field is not {kind}; fetch the "
        "file again or mend the field."
    )


def _parse(key: str, dtype: pl.DataType | DataTypeClass) -> pl.Expr:
    text = pl.col(key).str
    if dtype == pl.Date:
        return text.to_date(DATE_FORMAT, strict=True)
    return text.to_datetime(TIME_FORMAT, time_unit="us", strict=True)


def _find_column(path: Path, names: list[str], key: str) -> str:
    by_lower: dict[str, list[str]] = {}
    for name in names:
        by_lower.setdefault(name.strip().lower(), []).append(name)
    found = by_lower.get(key.lower(), [])
    if len(found) == 1:
        return found[0]
    if found:
        raise FleximodalError(f"{path} has the column {key} twice; remove one of the two.")
    nearest = difflib.get_close_matches(key.lower(), by_lower, n=1)
    instead = f"; the nearest name there is {by_lower[nearest[0]][0]!r}" if nearest else ""
    raise FleximodalError(
        f"{path} lacks the column {key}{instead}; give the file of the release unchanged."
    )


def _row_of(path: Path, column: str, dtype: str) -> str:
    """Return ", row N below the header" for the first field that is no `dtype`, or nothing."""
    names = {name.strip().lower(): name for name in read_header(path)}
    text = pl.col(names.get(column.lower(), column))
    if dtype.startswith("datetime"):
        parsed = text.str.to_datetime(TIME_FORMAT, strict=False)
    elif dtype == "date":
        parsed = text.str.to_date(DATE_FORMAT, strict=False)
    elif dtype in _PARSED_DTYPES:
        parsed = text.cast(_PARSED_DTYPES[dtype], strict=False)
    else:
        return ""
    scan = pl.scan_csv(path, infer_schema=False, row_index_name="__row", glob=False)
    wrong = scan.filter(text.is_not_null() & parsed.is_null()).select("__row").head(1)
    try:
        row = wrong.collect(engine="streaming")
    except _CONTENT_ERRORS:
        return ""
    return f", row {row.item() + 1} below the header" if row.height else ""


def _last(pattern: re.Pattern[str], text: str) -> tuple[str, str] | None:
    """Return the last match: what comes before may be a field's content."""
    matches = pattern.findall(text)
    return matches[-1] if matches else None
