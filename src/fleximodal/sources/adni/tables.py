"""Reading a table of ADNI as text, and telling whose its rows are."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from fleximodal.errors import FleximodalError
from fleximodal.sources.mimic.header import read_header
from fleximodal.sources.mimic.tables import collect, scan_table

#: What an empty cell looks like once it has been through a program.
MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>", "#N/A")

_PTID = r"^\d{3}_S_(\d{4,})$"
_TIMES = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M")
_DATES = ("%Y-%m-%d", "%m/%d/%Y")


def read_table(path: Path, required: Sequence[str]) -> pl.DataFrame:
    """Read every cell as text, null where missing; names in upper case, COLPROT called PHASE.

    Raises
    ------
    FleximodalError
        If the file can't be read, lacks a required column, has one twice or has no row.
    """
    names = [name.strip().upper() for name in read_header(path)]
    rows = collect(scan_table(path, dict.fromkeys(names, pl.String), every_field=True), path)
    if "PHASE" not in names and "COLPROT" in names:
        rows = rows.rename({"COLPROT": "PHASE"})
    if absent := [name for name in required if name not in rows.columns]:
        raise FleximodalError(
            f"{path} lacks the column {', '.join(absent)}; give the file as ADNI ships it."
        )
    if not rows.height:
        raise FleximodalError(f"{path} has a header but no row; fetch it again.")
    stripped = pl.all().str.strip_chars()
    return rows.select(pl.when(stripped.is_in(MISSING).not_()).then(stripped).name.keep())


def subjects(rows: pl.DataFrame, path: Path) -> pl.Series:
    """Return `stay_id` i64 of each row, the RID: the last part of PTID.

    Raises
    ------
    FleximodalError
        If a PTID is not of the form 001_S_0001, or differs from the column RID.
    """
    stay_id = rids_of(rows["PTID"])
    refuse(path, stay_id.is_null(), "has a PTID that is not of the form 001_S_0001; mend it")
    if "RID" in rows.columns:
        differs = numbers(rows["RID"]) != stay_id
        refuse(path, differs.fill_null(False), "has a RID other than its PTID's; mend the row")
    return stay_id


def rids_of(ptid: pl.Series) -> pl.Series:
    """Return the RID (i64) in each PTID, null where it has not the form 001_S_0001."""
    return ptid.str.extract(_PTID).cast(pl.Int64).alias("stay_id")


def refuse(path: Path, wrong: pl.Series, what: str) -> None:
    """Raise a FleximodalError that names the first row of `path` for which `wrong` holds."""
    if wrong.any():
        row = int(wrong.arg_max() or 0) + 1
        raise FleximodalError(f"{path}, row {row} below the header, {what}.")


def numbers(text: pl.Series) -> pl.Series:
    """Return finite numbers as f64, null where the text is none."""
    value = text.cast(pl.Float64, strict=False)
    return value.set(~value.is_finite(), None)


def times(text: pl.Series) -> pl.Series:
    """Return time stamps or dates as datetimes (microseconds), null where the text is none."""
    parsed = [text.str.to_datetime(form, time_unit="us", strict=False) for form in _TIMES]
    parsed += [text.str.to_date(form, strict=False).cast(pl.Datetime("us")) for form in _DATES]
    return pl.select(pl.coalesce(*parsed).alias(text.name)).to_series()
