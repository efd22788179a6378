"""Record files to one long table, every row checked and every error located."""

import numpy as np
import polars as pl

from fleximodal.errors import FleximodalError
from fleximodal.sources.physionet2012.channels import CHANNEL_NAMES, DESCRIPTORS
from fleximodal.sources.physionet2012.files import RecordFiles

LAST_MINUTE = 48 * 60

PARAMETERS = pl.Enum(
    ["", *sorted({*CHANNEL_NAMES, "RecordID", *(descriptor.name for descriptor in DESCRIPTORS)})]
)

_HEADER = "Time,Parameter,Value"


def parse_records(files: RecordFiles) -> pl.DataFrame:
    """Parse all record files of one set.

    The bodies are joined and parsed as one block; the record of a row follows from the number of
    lines of each file.

    Returns
    -------
    polars.DataFrame
        Columns stay_id i64, minutes i16 (since admission, 0 to 2880), parameter (`PARAMETERS`,
        empty for a nameless row), value f64; rows in the order of record id and line.

    Raises
    ------
    FleximodalError
        Naming file, line and text: a wrong header, a row without three fields, a time that is not
        HH:MM within 00:00 to 48:00, an unknown parameter, a value that is no number, a RecordID
        row that is absent or differs from the file's name.
    """
    bodies = [_body(files, record) for record in files.contents]
    lengths = np.array([body.count("\n") for body in bodies])
    starts = np.cumsum(lengths) - lengths
    lines = "".join(bodies).split("\n")
    lines.pop()  # after the last line end
    fields = pl.DataFrame({"line": lines}, schema={"line": pl.String}).select(
        pl.col("line")
        .str.split_exact(",", 3)
        .struct.rename_fields(["time", "name", "text", "rest"])
        .struct.unnest()
    )
    del lines
    hours_and_minutes = pl.col("time").str.extract_groups(r"^(\d\d):([0-5]\d)$")
    rows = fields.select(
        stay_id=pl.Series(np.repeat(np.array(list(files.contents)), lengths)),
        minutes=hours_and_minutes.struct[0].cast(pl.Int16) * 60
        + hours_and_minutes.struct[1].cast(pl.Int16),
        parameter=pl.col("name").cast(PARAMETERS, strict=False),
        value=pl.col("text").cast(pl.Float64, strict=False),
    )
    wrong = {
        "does not have the three fields Time, Parameter and Value": (
            fields["text"].is_null() | fields["rest"].is_not_null()
        ),
        "has a time that is not HH:MM between 00:00 and 48:00": (
            rows["minutes"].is_null() | (rows["minutes"] > LAST_MINUTE)
        ),
        "has an unknown parameter name": rows["parameter"].is_null(),
        "has a value that is not a number": ~rows["value"].is_finite().fill_null(False),
    }
    for what, mask in wrong.items():
        if mask.any():
            row = int(mask.arg_max() or 0)
            record = int(rows["stay_id"][row])
            first = starts[np.searchsorted(list(files.contents), record)]
            text = ",".join(field for field in fields.row(row) if field is not None)
            raise FleximodalError(
                f"{files.name(record)}, line {row - first + 2} ({text!r}) {what}; "
                "mend the line or fetch the file again."
            )
    _check_record_ids(files, rows)
    return rows


def _body(files: RecordFiles, record: int) -> str:
    """Return the lines below the header, each with its line end."""
    data = files.contents[record]
    if not data.strip():
        raise FleximodalError(f"{files.name(record)} is empty; fetch the set again.")
    if not data.isascii():
        raise FleximodalError(f"{files.name(record)} is not plain text; fetch the set again.")
    header, _, body = data.decode("ascii").partition("\n")
    if header != _HEADER:
        raise FleximodalError(
            f"{files.name(record)}, line 1 is {header[:80]!r} instead of {_HEADER!r}; "
            "fetch the set again."
        )
    return body if body.endswith("\n") or not body else body + "\n"


def _check_record_ids(files: RecordFiles, rows: pl.DataFrame) -> None:
    identities = rows.filter(pl.col("parameter") == "RecordID")
    wrong = identities.filter(pl.col("value") != pl.col("stay_id"))
    if wrong.height:
        record, value = wrong.select("stay_id", "value").row(0)
        raise FleximodalError(
            f"{files.name(record)} says RecordID {value:.0f}, which differs from the file's name; "
            "restore the file's name or content."
        )
    without = sorted(set(files.contents) - set(identities["stay_id"]))
    if without:
        raise FleximodalError(f"{files.name(without[0])} has no RecordID row; fetch the set again.")
