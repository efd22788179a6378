"""The hashing encoder against its definition, written out."""

import math
import zlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file

from fleximodal.encoders.notes import HashingNotes
from fleximodal.encoders.run import encode
from fleximodal.encoders.settings import NotesEncoder
from tests.unit.encoders.small_items import folder_bytes, texts, write_items


def vectors(*notes: str | None, seed: int = 0) -> np.ndarray:
    encoder = HashingNotes(NotesEncoder(seed=seed))
    return encoder.encode(pl.DataFrame({"text": notes}, schema={"text": pl.String})).vectors


def test_definition() -> None:
    table = np.random.default_rng(0).standard_normal((2**14, 768), dtype=np.float32)
    rows = [table[zlib.crc32(word) % 2**14] for word in (b"no", b"acute", b"no", b"change2")]
    expected = [math.tanh(sum(float(row[k]) for row in rows) / 4) for k in range(768)]
    np.testing.assert_allclose(vectors("No acute,\nNO change2.")[0], expected, rtol=2e-5, atol=1e-6)


def test_a_note_without_words_is_zero_and_counted() -> None:
    assert not vectors("", " .;\n", None).any()
    encoder = HashingNotes(NotesEncoder())
    counts = encoder.encode(pl.DataFrame({"text": ["", "a", "?"]})).counts
    assert counts == {"notes without a word": 2}


def test_same_words_are_closer_than_other_words() -> None:
    one, two, other, turned = vectors(
        "small pleural effusion on the left side",
        "small pleural effusion on the right side",
        "normal heart size without any congestion",
        "side left the on effusion pleural small",
    )
    assert np.linalg.norm(one - two) < 0.6 * np.linalg.norm(one - other)
    np.testing.assert_allclose(one, turned, atol=1e-6)
    assert not np.allclose(one, vectors("small pleural effusion on the left side", seed=1)[0])


@pytest.mark.parametrize("encoded", ["notes", "discharge"])
def test_encode_writes_the_folder_whatever_the_batch(tmp_path: Path, encoded: str) -> None:
    name = {"notes": "notes.parquet", "discharge": "discharge_notes.parquet"}[encoded]
    notes = texts(40)
    write_items(tmp_path / name, text=notes)
    found = []
    for size in (1, 7, 64):
        encode(
            encoded,  # type: ignore[arg-type]
            tmp_path,
            tmp_path / f"out{size}",
            settings={"kind": "hashing", "batch_size": size},
            state=tmp_path / "state",
        )
        found.append(load_file(tmp_path / f"out{size}" / "vectors.safetensors")["vectors"])
    np.testing.assert_array_equal(found[0], vectors(*notes))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    text = folder_bytes(tmp_path / "out1")["manifest.json"].decode()
    assert '"random, seed 0, not trained"' in text
    assert '"notes without a word": 1' in text
