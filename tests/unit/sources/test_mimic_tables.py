"""Scans of tables: what is accepted, and one sentence for whatever is wrong."""

import csv
import gzip
import io
import random
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from fleximodal.errors import FleximodalError
from fleximodal.sources.mimic.tables import collect, find_table, scan_table, sink, sink_counting

COLUMNS = {
    "time": pl.Datetime("us"),
    "number": pl.Float64,
    "id": pl.Int64,
    "text": pl.String,
}
HEADER = "ID,other,Text,number,time\n"
SECRET = "731947"
N_ROWS = 3000


def _row(row: int, **fields: str) -> str:
    values = {
        "id": str(row),
        "other": "x",
        "text": "plain",
        "number": "0.5",
        "time": "2150-01-02 03:04:05",
    } | fields
    return ",".join(values.values()) + "\n"


def _table(**fields: str) -> str:
    """Return a table one of whose rows, 2,000 rows down, has other fields."""
    return HEADER + "".join(_row(n, **(fields if n == 2000 else {})) for n in range(N_ROWS))


def _write(folder: Path, content: str | bytes, *, compressed: bool) -> Path:
    data = content.encode() if isinstance(content, str) else content
    path = folder / ("table.csv.gz" if compressed else "table.csv")
    path.write_bytes(gzip.compress(data, mtime=0) if compressed else data)
    return path


def _error(path: Path, *, every_field: bool = False) -> str:
    with pytest.raises(FleximodalError) as caught:
        scan = scan_table(path, COLUMNS, every_field=every_field)
        sink_counting(scan.filter(pl.col("id") >= 0), scan, path.parent / "out.parquet", path)
    message = str(caught.value)
    assert path.name in message
    assert message.endswith(".") and "\n" not in message
    assert SECRET not in message
    return message


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_good_tables_are_read_by_name_and_type(
    tmp_path: Path, compressed: bool, mark: bytes, line_end: str
) -> None:
    text = HEADER + _row(1) + _row(2, id="", text='"a ""b"", c"', number="", time="") + _row(3)
    content = mark + text.replace("\n", line_end).encode()
    path = _write(tmp_path, content, compressed=compressed)
    frame = collect(scan_table(path, COLUMNS), path)
    when = datetime(2150, 1, 2, 3, 4, 5)
    assert frame.schema == pl.Schema(COLUMNS)
    assert frame.rows() == [
        (when, 0.5, 1, "plain"),
        (None, None, None, 'a "b", c'),
        (when, 0.5, 3, "plain"),
    ]


def test_dates_are_dates_and_nul_stays(tmp_path: Path) -> None:
    path = _write(tmp_path, "d,t\n2150-02-28,a\0b\n,c\n", compressed=True)
    frame = collect(scan_table(path, {"d": pl.Date, "t": pl.String}), path)
    assert frame.rows() == [(date(2150, 2, 28), "a\0b"), (None, "c")]


def test_last_line_needs_no_end(tmp_path: Path) -> None:
    path = _write(tmp_path, (HEADER + _row(1))[:-1], compressed=False)
    assert collect(scan_table(path, COLUMNS), path).height == 1


def test_multi_line_fields_equal_those_of_the_csv_module(tmp_path: Path) -> None:
    rng = random.Random(0)
    pieces = ["\n", '"', ",", "word ", "\r\n", "\t", "2150", "é", "\n\n", '","', " "]
    rows = [
        (n, "".join(rng.choices(pieces, k=rng.randrange(60))), rng.random()) for n in range(30_000)
    ]
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([("id", "text", "number"), *rows])
    path = _write(tmp_path, buffer.getvalue(), compressed=True)
    columns = {"id": pl.Int64, "text": pl.String, "number": pl.Float64}
    scan = scan_table(path, columns)
    assert sink_counting(scan, scan, tmp_path / "out.parquet", path) == len(rows)
    expected = [(n, text or None, number) for n, text, number in rows]
    assert pl.read_parquet(tmp_path / "out.parquet").rows() == expected


def test_sink_keeps_the_order_and_counts_all_rows(tmp_path: Path) -> None:
    path = _write(tmp_path, _table(), compressed=True)
    scan = scan_table(path, {"id": pl.Int64})
    target = tmp_path / "out.parquet"
    kept = scan.filter(pl.col("id") % 3 == 1)
    assert sink_counting(kept, scan, target, path) == N_ROWS
    assert pl.read_parquet(target)["id"].to_list() == list(range(1, N_ROWS, 3))
    sink(kept, target, path)
    assert pl.read_parquet(target)["id"].to_list() == list(range(1, N_ROWS, 3))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"id": SECRET + "x"}, "column id, row 2001 below the header: a field is not a whole"),
        ({"id": SECRET + ".0"}, "column id, row 2001 below the header: a field is not a whole"),
        ({"id": SECRET + "\0"}, "column id, row 2001 below the header: a field is not a whole"),
        ({"number": SECRET + "mg"}, "column number, row 2001 below the header: a field is not a"),
        ({"time": f"2150-13-02 {SECRET}"}, "column time, row 2001 below the header: a field is"),
        ({"time": "2150-01-02"}, "column time, row 2001 below the header: a field is not a time"),
        ({"time": "02/01/2150 03:04:05"}, "column time, row 2001 below the header"),
        ({"text": f'"{SECRET}'}, "quotation mark"),
    ],
)
@pytest.mark.parametrize("compressed", [True, False])
def test_a_wrong_field_is_named_by_column_and_row_never_by_content(
    tmp_path: Path, fields: dict[str, str], expected: str, compressed: bool
) -> None:
    assert expected in _error(_write(tmp_path, _table(**fields), compressed=compressed)).replace(
        "column ID", "column id"
    )


def test_a_row_with_more_fields_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, _table(time=f"2150-01-02 03:04:05,{SECRET}"), compressed=True)
    assert "more fields than the header" in _error(path, every_field=True)
    first = _write(tmp_path, HEADER + _row(1, time=f",{SECRET}") + _row(2), compressed=False)
    assert "5 names in its header but a row with 6 fields" in _error(first)


def test_a_shifted_header_is_refused(tmp_path: Path) -> None:
    body = "".join(_row(n) for n in range(9))
    lost = _write(tmp_path, "ID,Text,number,time\n" + body, compressed=True)
    assert "4 names in its header but a row with 5 fields" in _error(lost)
    moved = _write(tmp_path, "time,ID,other,Text,number\n" + body, compressed=True)
    assert "row 1 below the header" in _error(moved)
    absent = _write(tmp_path, body, compressed=True)
    assert "lacks the column time" in _error(absent)


@pytest.mark.parametrize("keep", [-1, -4, -8, -9, -60, 5, 1])
def test_a_truncated_gzip_file_is_always_noticed(tmp_path: Path, keep: int) -> None:
    path = _write(tmp_path, _table(), compressed=True)
    path.write_bytes(path.read_bytes()[:keep])
    message = _error(path)
    # A file of one byte is no gzip file any more.
    assert "truncated or damaged" in message or keep == 1


def test_a_large_truncated_gzip_file_is_noticed(tmp_path: Path) -> None:
    rng = random.Random(0)
    body = "".join(_row(n, number=str(rng.random())) for n in range(300_000))
    path = _write(tmp_path, HEADER + body, compressed=True)
    whole = path.read_bytes()
    for share in (0.3, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert "truncated or damaged" in _error(path)


def test_a_second_gzip_member_is_read_and_its_truncation_noticed(tmp_path: Path) -> None:
    path = _write(tmp_path, HEADER + _row(1), compressed=True)
    path.write_bytes(path.read_bytes() + gzip.compress(_row(2).encode()))
    assert collect(scan_table(path, COLUMNS), path)["id"].to_list() == [1, 2]
    path.write_bytes(path.read_bytes()[:-3])
    assert "truncated or damaged" in _error(path)


def test_a_damaged_gzip_file_is_noticed(tmp_path: Path) -> None:
    path = _write(tmp_path, _table(), compressed=True)
    data = bytearray(path.read_bytes())
    for place in (-6, len(data) // 2):
        damaged = data.copy()
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        assert "truncated or damaged" in _error(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        (_table()[:-25], "cut off"),
        (_table().encode().replace(b"plain", b"pl\xffin", 1), "not in UTF-8"),
        (_table(text=SECRET).encode().replace(SECRET.encode(), b"\xff"), "not in UTF-8"),
        (_table().replace("Text,", "Txt,"), "lacks the column text; the nearest name there is"),
        (_table().replace("other,", "TEXT,"), "has the column text twice"),
    ],
)
def test_other_faults_of_a_plain_table(tmp_path: Path, content: str | bytes, expected: str) -> None:
    assert expected in _error(_write(tmp_path, content, compressed=False))


def test_a_table_is_found_whatever_its_case(tmp_path: Path) -> None:
    assert find_table(tmp_path / "absent", "TABLE") is None
    assert find_table(tmp_path, "table") is None
    plain = tmp_path / "TABLE.csv"
    plain.touch()
    assert find_table(tmp_path, "table") == plain
    compressed = tmp_path / "Table.CSV.gz"
    compressed.touch()
    assert find_table(tmp_path, "TABLE") == compressed


def test_a_table_that_does_not_exist(tmp_path: Path) -> None:
    assert "can't be read" in _error(tmp_path / "table.csv.gz")
