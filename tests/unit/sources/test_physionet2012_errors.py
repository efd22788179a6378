"""Damaged releases: one clear sentence each, and nothing half written."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from fleximodal.errors import FleximodalError
from fleximodal.sources.physionet2012.canonical import write_canonical
from tests.unit.sources.small_releases import OUTCOME_HEADER, record_text, tar_bytes, write_set

GOOD = record_text(1, ["01:00,HR,70"])


def error_of(release: Path, sets: str = "a") -> str:
    output = release.parent / "canonical"
    with pytest.raises(FleximodalError) as caught:
        write_canonical(release, output, source="test", sets=sets)
    assert not output.exists()
    assert not list(release.parent.glob(".*"))
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("01:00,HR,seventy", "value that is not a number"),
        ("01:00,HR,", "value that is not a number"),
        ("01:00,HR,nan", "value that is not a number"),
        ("01:00,HR,inf", "value that is not a number"),
        ("01:00,,x", "value that is not a number"),
        ("1:00,HR,70", "not HH:MM between 00:00 and 48:00"),
        ("01:60,HR,70", "not HH:MM between 00:00 and 48:00"),
        ("48:01,HR,70", "not HH:MM between 00:00 and 48:00"),
        ("-1:00,HR,70", "not HH:MM between 00:00 and 48:00"),
        ("-01:00,HR,70", "not HH:MM between 00:00 and 48:00"),
        (",HR,70", "not HH:MM between 00:00 and 48:00"),
        ("01:00,Pulse,70", "unknown parameter name"),
        ("01:00,hr,70", "unknown parameter name"),
        ("01:00,HR", "three fields"),
        ("01:00,HR,70,5", "three fields"),
        ("", "three fields"),
    ],
)
def test_wrong_row_is_named_with_file_line_and_text(
    one_record: Callable[..., Path], row: str, reason: str
) -> None:
    # 1 header + 6 descriptors + 1 good row come before.
    message = error_of(one_record("00:30,HR,70", row, "02:00,HR,71"))
    assert f"set-a.tar.gz: 1.txt, line 9 ({row!r})" in message
    assert reason in message


def test_wrong_row_is_located_in_a_later_record(tmp_path: Path) -> None:
    records = {
        3: record_text(3, ["01:00,HR,70"]),
        12: record_text(12, ["01:00,HR,70", "01:00,HR,x"]),
        7: record_text(7),
    }
    message = error_of(write_set(tmp_path / "release", records, unpacked=True))
    assert "set-a: 12.txt, line 9 ('01:00,HR,x')" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1.txt is empty"),
        ("\n", "1.txt is empty"),
        (GOOD.replace("Time,", "time,"), "line 1 is 'time,Parameter,Value' instead of"),
        (GOOD.replace("\n", "\r\n"), r"line 1 is 'Time,Parameter,Value\r' instead of"),
        (GOOD.replace("HR", "H\N{LATIN SMALL LETTER O WITH DIAERESIS}"), "is not plain text"),
        (GOOD.replace("RecordID,1", "RecordID,2"), "1.txt says RecordID 2"),
        (GOOD.replace("00:00,RecordID,1\n", ""), "1.txt has no RecordID row"),
        ("Time,Parameter,Value\n", "1.txt has no RecordID row"),
    ],
)
def test_wrong_record_file(one_record: Callable[..., Path], text: str, expected: str) -> None:
    assert expected in error_of(one_record(text=text))


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (f"{OUTCOME_HEADER}\n1,6,1,5,-1,0\n", "Outcomes-a.txt lacks record 2, of which"),
        (
            f"{OUTCOME_HEADER}\n1,6,1,5,-1,0\n2,6,1,5,-1,0\n1,6,1,5,-1,0\n",
            "Outcomes-a.txt, line 4: record 1 occurs twice",
        ),
        (
            f"{OUTCOME_HEADER}\n1,6,1,5,-1,0\n2,6,1,5,-1,0\n8,6,1,5,-1,0\n9,6,1,5,-1,0\n",
            "set-a.tar.gz lacks the file of record 8 (and 1 more), which",
        ),
        ("RecordID,SAPS-I,SOFA,Length_of_stay\n1,6,1,5\n", "Survival"),
        ("", "lacks the column RecordID"),
        (f"{OUTCOME_HEADER}\n1,6,1,5,-1,0\n2,6,x,5,-1,0\n", "line 3: SOFA is 'x'"),
        (f"{OUTCOME_HEADER}\n1,6,1,5,-1,0\n2,6,1,5,-1\n", "line 3: In-hospital_death is ''"),
        (f"{OUTCOME_HEADER}\n1,6,1,5,-1,0\n2,6,1,5,-1,2\n", "line 3: In-hospital_death is 2"),
    ],
)
def test_wrong_outcomes_file(tmp_path: Path, outcomes: str, expected: str) -> None:
    records = {1: record_text(1), 2: record_text(2)}
    assert expected in error_of(write_set(tmp_path / "release", records, outcomes=outcomes))


def test_missing_outcomes_file(one_record: Callable[..., Path]) -> None:
    release = one_record()
    (release / "Outcomes-a.txt").unlink()
    assert "Outcomes-a.txt does not exist" in error_of(release)


def test_missing_death_column_is_named(tmp_path: Path) -> None:
    outcomes = "RecordID,SAPS-I,SOFA,Length_of_stay,Survival\n1,6,1,5,-1\n"
    release = write_set(tmp_path / "release", {1: GOOD}, outcomes=outcomes)
    assert "lacks the column In-hospital_death" in error_of(release)


def test_folder_that_does_not_exist(tmp_path: Path) -> None:
    assert f"{tmp_path / 'release'} does not exist" in error_of(tmp_path / "release")


def test_folder_without_any_set(tmp_path: Path) -> None:
    (tmp_path / "release").mkdir()
    message = error_of(tmp_path / "release", "abc")
    assert "holds none of the sets a, b, c" in message
    assert "set-a.tar.gz or set-a/" in message


def test_all_three_sets_are_required_by_default(one_record: Callable[..., Path]) -> None:
    release = one_record()
    message = error_of(release, "abc")
    assert "only some" in message
    assert "set-b.tar.gz or set-b/, set-c.tar.gz or set-c/" in message


@pytest.mark.parametrize("keep", [0.0, 0.01, 0.5, 0.999])
def test_truncated_gzip(tmp_path: Path, keep: float) -> None:
    records = {i: record_text(i, [f"01:00,HR,{i}"]) for i in range(50, 100)}
    release = write_set(tmp_path / "release", records)
    tar = release / "set-a.tar.gz"
    data = tar.read_bytes()
    tar.write_bytes(data[: int(keep * len(data))])
    assert f"{tar} is truncated or damaged" in error_of(release)


def test_truncated_tar_within_a_whole_gzip(tmp_path: Path) -> None:
    records = {i: record_text(i, [f"01:00,HR,{i}"]) for i in range(50, 100)}
    release = write_set(tmp_path / "release", records)
    tar = release / "set-a.tar.gz"
    unpacked = gzip.decompress(tar.read_bytes())
    tar.write_bytes(gzip.compress(unpacked[:10_800]))  # within the eleventh file's content
    assert f"{tar} is truncated or damaged" in error_of(release)
    for length in (10_240, 10_300):  # between two files, within the header of the eleventh
        tar.write_bytes(gzip.compress(unpacked[:length]))
        assert "lacks the file of record 60" in error_of(release)


@pytest.mark.parametrize("place", [0, 40, -6])
def test_damaged_byte(tmp_path: Path, place: int) -> None:
    release = write_set(tmp_path / "release", {1: GOOD})
    tar = release / "set-a.tar.gz"
    data = bytearray(tar.read_bytes())
    data[place] ^= 0xFF
    tar.write_bytes(data)
    assert f"{tar} is truncated or damaged" in error_of(release)


def test_record_twice_in_one_container(one_record: Callable[..., Path]) -> None:
    release = one_record()
    members = {"set-a/1.txt": GOOD.encode(), "again/1.txt": GOOD.encode()}
    (release / "set-a.tar.gz").write_bytes(tar_bytes(members))
    assert "holds record 1 twice" in error_of(release)


def test_container_without_records(one_record: Callable[..., Path]) -> None:
    release = one_record()
    (release / "set-a.tar.gz").write_bytes(tar_bytes({"set-a/README.txt": b"nothing"}))
    assert "holds no record file" in error_of(release)


def test_record_in_two_sets(tmp_path: Path) -> None:
    for name in "ab":
        write_set(tmp_path / "release", {1: GOOD}, name=name)
    assert "record 1 is in the sets a and b" in error_of(tmp_path / "release", "ab")
