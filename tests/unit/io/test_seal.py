"""A seal tells whether one byte of an output was changed."""

import json
import subprocess
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import write_json
from fleximodal.io.job_record import record_path
from fleximodal.io.seal import check, digest_of, read_seal, seal, seal_path

VALUES = np.random.default_rng(0).normal(size=(40, 3))
WRITERS = {
    "table.parquet": lambda path: pl.DataFrame(VALUES).write_parquet(path),
    "weights.safetensors": lambda path: save_file({"weight": VALUES}, path),
    "metrics.json": lambda path: write_json(path, {"auroc": VALUES.tolist()}),
}


def sealed(folder: Path, name: str = "metrics.json") -> Path:
    """Write an output and its seal; return the output."""
    path = folder / name
    WRITERS[name](path)
    record = record_path(path)
    record.touch()
    seal(path, record)
    return path


@pytest.mark.parametrize("name", WRITERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_any_flipped_byte_is_found(tmp_path: Path, name: str, data: st.DataObject) -> None:
    path = sealed(tmp_path, name)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    assert check(path) is not None
    path.write_bytes(content)
    with pytest.raises(FleximodalError, match=f"{name} is not what its job wrote"):
        check(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(data=st.data())
def test_any_flipped_byte_of_a_seal_is_found(tmp_path: Path, data: st.DataObject) -> None:
    path = sealed(tmp_path)
    whole = read_seal(path)
    content = bytearray(seal_path(path).read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    seal_path(path).write_bytes(content)
    try:
        # Another white space between the entries says the same.
        assert check(path) == whole
    except FleximodalError as error:
        assert ".metrics.json.seal.json" in str(error)


@pytest.mark.parametrize(
    "content", [b"", b"[1]", b"{}", b"\xff", b'{"sha256": "a", "bytes": 1, "job": 2}'], ids=str
)
def test_a_seal_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    path = sealed(tmp_path)
    seal_path(path).write_bytes(content)
    with pytest.raises(FleximodalError, match=r"\.metrics\.json\.seal\.json is damaged"):
        check(path)


def test_a_longer_a_shorter_and_an_absent_file(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    content = path.read_bytes()
    for other in (content + b" ", content[:-1], b""):
        path.write_bytes(other)
        with pytest.raises(FleximodalError, match="is not what its job wrote"):
            check(path)
    path.unlink()
    with pytest.raises(FleximodalError, match=r"metrics\.json is gone"):
        check(path)


def test_the_sentence_says_what_to_remove(tmp_path: Path) -> None:
    """Snakemake knows only declared outputs, and each seal leads to the first of them."""
    first, other = tmp_path / "run.json", tmp_path / "checkpoints" / "a.safetensors"
    other.parent.mkdir()
    other.write_bytes(b"weights")
    record_path(first).touch()
    seal(other, record_path(first))
    other.write_bytes(b"Weights")
    with pytest.raises(FleximodalError, match=f"remove {other} and {first} and run snakemake"):
        check(other)


def test_what_has_no_seal_is_not_checked(tmp_path: Path) -> None:
    path = tmp_path / "raw.csv"
    path.write_text("a,b\n")
    assert read_seal(path) is None
    assert check(path) is None


def test_a_seal_without_its_record(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    record_path(path).unlink()
    with pytest.raises(FleximodalError, match="names no record of a job"):
        check(path)


def test_a_folder_is_sealed_as_its_listing_by_sha256sum(tmp_path: Path) -> None:
    folder = tmp_path / "raw data"
    for name in ("b.csv", "A/ö.csv", "A/a.csv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    shell = "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
    by_hand = subprocess.run(
        ["sh", "-c", shell], cwd=folder, capture_output=True, text=True, check=True
    )
    assert digest_of(folder) == by_hand.stdout.split()[0]

    made = seal(folder, tmp_path / "other" / ".x.job.json")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / ".x.job.json").touch()
    assert made.job == "other/.x.job.json"
    assert check(folder) == made
    (folder / ".snakemake_timestamp").touch()
    assert check(folder) == made
    (folder / "A" / "ö.csv").rename(folder / "A" / "o.csv")
    with pytest.raises(FleximodalError, match="raw data is not what its job wrote"):
        check(folder)


def test_equal_outputs_have_equal_seals(tmp_path: Path) -> None:
    texts = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        texts.append(seal_path(sealed(tmp_path / name)).read_text())
    assert texts[0] == texts[1]
    assert set(json.loads(texts[0])) == {"sha256", "bytes", "job"}
