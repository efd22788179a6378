"""The store: right vectors in the right rows, whatever happened on the way."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file, save_file

from fleximodal.encoders.encoder import Encoded
from fleximodal.encoders.items import FrameItems, TableItems
from fleximodal.encoders.store import encode_items
from fleximodal.errors import FleximodalError
from tests.unit.encoders.small_items import (
    DigestEncoder,
    folder_bytes,
    texts,
    vector_of,
    write_items,
)

ROOT = Path(__file__).resolve().parents[3]


def run(table: Path, output: Path, encoder: DigestEncoder, **options: object) -> np.ndarray:
    source = TableItems(table, ["text"], options.get("keep"))  # type: ignore[arg-type]
    encode_items(source, encoder, output, state=output.parent / "state", encoded="notes")
    vectors: np.ndarray = load_file(output / "vectors.safetensors")["vectors"]
    return vectors


def test_each_row_has_the_vector_of_its_own_item(tmp_path: Path) -> None:
    table = write_items(tmp_path / "notes.parquet", text=texts(301))
    vectors = run(table, tmp_path / "out", DigestEncoder())
    rows = pl.read_parquet(table)
    np.testing.assert_array_equal(vectors, np.stack([vector_of(text) for text in rows["text"]]))
    keys = pl.read_parquet(tmp_path / "out" / "items.parquet")
    assert keys.equals(rows.select(keys.columns))
    assert keys.columns == ["stay_id", "patient_id", "item_id", "hours"]
    assert keys.schema["hours"] == pl.Float32
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["rows"] == {"items.parquet": 301, "vectors.safetensors": 301}
    assert manifest["settings"]["features"] == 8
    assert manifest["settings"]["counts"] == {"texts": 301}
    assert "item-0007" not in (tmp_path / "out" / "manifest.json").read_text()
    assert not (tmp_path / "state").exists()


def test_vectors_file_is_what_the_library_writes(tmp_path: Path) -> None:
    vectors = run(
        write_items(tmp_path / "notes.parquet", text=texts(37)), tmp_path / "out", DigestEncoder()
    )
    save_file({"vectors": vectors}, tmp_path / "own.safetensors")
    own = (tmp_path / "own.safetensors").read_bytes()
    assert own == (tmp_path / "out" / "vectors.safetensors").read_bytes()


def test_batches_are_full_and_hold_items_of_similar_length(tmp_path: Path) -> None:
    table = write_items(tmp_path / "notes.parquet", text=texts(128))
    encoder = DigestEncoder(batch_size=4)
    run(table, tmp_path / "out", encoder)
    assert sorted(row for batch in encoder.batches for row in batch) == list(range(1, 129))
    assert {len(batch) for batch in encoder.batches} == {4}
    lengths = pl.read_parquet(table)["text"].str.len_bytes().to_numpy()
    spread = [np.ptp(lengths[np.array(batch) - 1]) for batch in encoder.batches]
    assert np.mean(spread) < 0.1 * np.ptp(lengths)


def test_windows_are_bounded(tmp_path: Path) -> None:
    table = write_items(tmp_path / "notes.parquet", text=texts(1000))
    windows = list(TableItems(table, ["text"]).windows(64))
    assert max(window.height for window in windows) <= 64
    assert pl.concat(windows)["row"].to_list() == list(range(1, 1001))


def test_no_items(tmp_path: Path) -> None:
    table = write_items(tmp_path / "notes.parquet", text=pl.Series([], dtype=pl.String))
    assert run(table, tmp_path / "out", DigestEncoder()).shape == (0, 8)
    assert pl.read_parquet(tmp_path / "out" / "items.parquet").height == 0


def test_rows_left_out_keep_the_others_numbers(tmp_path: Path) -> None:
    texts_ = texts(50)
    table = write_items(tmp_path / "notes.parquet", text=texts_)
    encoder = DigestEncoder()
    vectors = run(table, tmp_path / "out", encoder, keep=pl.col("stay_id") % 2 == 1)
    kept = [row for row in range(1, 51) if (1000 + (row - 1) // 2) % 2]
    assert sorted(row for batch in encoder.batches for row in batch) == kept
    np.testing.assert_array_equal(vectors, np.stack([vector_of(texts_[r - 1]) for r in kept]))
    assert len(pl.read_parquet(tmp_path / "out" / "items.parquet")) == len(kept)


class Interrupted(DigestEncoder):
    """Fails at a row, as if the run had been stopped there."""

    def __init__(self, at_row: int) -> None:
        super().__init__()
        self.at_row = at_row

    def encode(self, batch: pl.DataFrame) -> Encoded:
        if self.at_row in batch["row"]:
            raise KeyboardInterrupt
        return super().encode(batch)


def interrupt(table: Path, output: Path, at_row: int) -> Interrupted:
    encoder = Interrupted(at_row)
    with pytest.raises(KeyboardInterrupt):
        run(table, output, encoder)
    assert encoder.batches
    assert not output.exists()
    return encoder


def test_finished_batches_are_not_computed_again(tmp_path: Path) -> None:
    table = write_items(tmp_path / "notes.parquet", text=texts(301))
    run(table, tmp_path / "whole", DigestEncoder())
    done = interrupt(table, tmp_path / "out", at_row=200).batches
    rest = DigestEncoder()
    run(table, tmp_path / "out", rest)
    assert len(done) + len(rest.batches) == 76
    assert not {tuple(batch) for batch in done} & {tuple(batch) for batch in rest.batches}
    assert folder_bytes(tmp_path / "out") == folder_bytes(tmp_path / "whole")
    assert not (tmp_path / "state").exists()


def test_a_changed_text_and_a_damaged_batch_are_computed_again(tmp_path: Path) -> None:
    old = texts(301)
    table = write_items(tmp_path / "notes.parquet", text=old)
    interrupt(table, tmp_path / "out", at_row=300)
    shards = sorted((tmp_path / "state" / "batches").iterdir())
    shards[0].write_bytes(shards[0].read_bytes()[:-5])
    new = ["changed" if index == 10 else text for index, text in enumerate(old)]
    write_items(table, text=new)
    again = DigestEncoder()
    vectors = run(table, tmp_path / "out", again)
    np.testing.assert_array_equal(vectors, np.stack([vector_of(text) for text in new]))
    assert any(11 in batch for batch in again.batches)
    assert len(again.batches) < 76


def test_another_encoder_does_not_find_the_batches(tmp_path: Path) -> None:
    table = write_items(tmp_path / "notes.parquet", text=texts(100))
    interrupt(table, tmp_path / "out", at_row=100)
    other = DigestEncoder(name="other")
    run(table, tmp_path / "out", other)
    assert sum(map(len, other.batches)) == 100


KILLED = """
import sys, time
from pathlib import Path
from fleximodal.encoders.items import TableItems
from fleximodal.encoders.store import encode_items
from tests.unit.encoders.small_items import DigestEncoder

class Slow(DigestEncoder):
    def encode(self, batch):
        time.sleep(0.02)
        return super().encode(batch)

table, output = map(Path, sys.argv[1:])
state = output.parent / "state"
encode_items(TableItems(table, ["text"]), Slow(), output, state=state, encoded="n")
"""


def test_killed_run_goes_on_and_ends_in_the_same_bytes(tmp_path: Path) -> None:
    table = write_items(tmp_path / "notes.parquet", text=texts(301))
    source = TableItems(table, ["text"])
    encode_items(source, DigestEncoder(), tmp_path / "whole", state=tmp_path / "other", encoded="n")
    command = [sys.executable, "-c", KILLED, str(table), str(tmp_path / "out")]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    process = subprocess.Popen(command, env=environment)
    batches = tmp_path / "state" / "batches"
    deadline = time.monotonic() + 30
    while len(list(batches.glob("[0-9a-f]*.safetensors"))) < 5:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    there = len(list(batches.glob("[0-9a-f]*.safetensors")))
    assert 5 <= there < 76
    assert not (tmp_path / "out").exists()
    rest = DigestEncoder()
    encode_items(source, rest, tmp_path / "out", state=tmp_path / "state", encoded="n")
    assert len(rest.batches) == 76 - there
    assert folder_bytes(tmp_path / "out") == folder_bytes(tmp_path / "whole")
    assert not (tmp_path / "state").exists()


def test_a_vector_that_is_not_finite_is_refused_by_row(tmp_path: Path) -> None:
    class Bad(DigestEncoder):
        def encode(self, batch: pl.DataFrame) -> Encoded:
            result = super().encode(batch)
            result.vectors[[text == "bad" for text in batch["text"]], 2] = np.nan
            return result

    table = write_items(tmp_path / "notes.parquet", text=["a", "b", "bad", "c", "d"])
    with pytest.raises(FleximodalError, match=r"row 3 of notes\.parquet is not finite"):
        run(table, tmp_path / "out", Bad())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.reverse(), r"^Row 2 of notes\.parquet is not in the order"),
        (
            lambda frame: frame.with_columns(item_id=pl.lit("x"), hours=pl.lit(0.0)),
            r"^Row 2 of notes\.parquet repeats",
        ),
        (
            lambda frame: frame.with_columns(
                hours=pl.when(pl.col("text") == "c").then(None).otherwise("hours")
            ),
            r"^Row 3 of notes\.parquet has an empty key",
        ),
        (lambda frame: frame.drop("text"), "has no column text;"),
    ],
)
def test_tables_out_of_shape(tmp_path: Path, change, message: str) -> None:  # type: ignore[no-untyped-def]
    table = write_items(tmp_path / "notes.parquet", text=list("abcd"))
    change(pl.read_parquet(table)).write_parquet(table)
    with pytest.raises(FleximodalError, match=message) as error:
        run(table, tmp_path / "out", DigestEncoder())
    assert "item-" not in str(error.value)


def test_absent_and_foreign_tables(tmp_path: Path) -> None:
    with pytest.raises(FleximodalError, match="does not exist"):
        run(tmp_path / "notes.parquet", tmp_path / "out", DigestEncoder())
    (tmp_path / "notes.parquet").write_text("no table")
    with pytest.raises(FleximodalError, match="is not a Parquet table"):
        run(tmp_path / "notes.parquet", tmp_path / "out", DigestEncoder())


def test_frame_and_table_agree(tmp_path: Path) -> None:
    table = write_items(tmp_path / "notes.parquet", text=texts(90))
    run(table, tmp_path / "a", DigestEncoder())
    frame = FrameItems("notes.parquet", pl.read_parquet(table))
    encode_items(frame, DigestEncoder(), tmp_path / "b", state=tmp_path / "s", encoded="notes")
    assert folder_bytes(tmp_path / "a") == folder_bytes(tmp_path / "b")
