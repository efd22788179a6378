"""Writers of small hand-made releases."""

import gzip
import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

DESCRIPTORS = ["Age,54", "Gender,0", "Height,-1", "ICUType,4", "Weight,-1"]
OUTCOME_HEADER = "RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death"


def record_text(
    record: int, rows: Iterable[str] = (), descriptors: Iterable[str] = DESCRIPTORS
) -> str:
    lines = ["Time,Parameter,Value", f"00:00,RecordID,{record}"]
    lines += [f"00:00,{descriptor}" for descriptor in descriptors]
    return "\n".join([*lines, *rows]) + "\n"


def tar_bytes(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=0)


def write_set(
    folder: Path,
    records: dict[int, str],
    *,
    name: str = "a",
    outcomes: str | None = None,
    unpacked: bool = False,
) -> Path:
    """Write one set in the given order of records, by default with survivors only."""
    folder.mkdir(parents=True, exist_ok=True)
    if unpacked:
        (folder / f"set-{name}").mkdir()
        for record, text in records.items():
            (folder / f"set-{name}" / f"{record}.txt").write_text(text, newline="")
    else:
        members = {f"set-{name}/{record}.txt": text.encode() for record, text in records.items()}
        (folder / f"set-{name}.tar.gz").write_bytes(tar_bytes(members))
    if outcomes is None:
        rows = [f"{record},6,1,5,-1,0" for record in sorted(records)]
        outcomes = "\n".join([OUTCOME_HEADER, *rows]) + "\n"
    (folder / f"Outcomes-{name}.txt").write_text(outcomes)
    return folder
