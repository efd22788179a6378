"""What an interrupted encoding left is taken up only if not one byte of it was changed."""

import logging
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleximodal.encoders.ecg_cache import ECGCache
from fleximodal.encoders.encoder import Encoded
from fleximodal.encoders.shards import Shards
from fleximodal.encoders.training_state import Progress, TrainingState
from fleximodal.errors import FleximodalError
from tests.unit.encoders.small_items import DigestEncoder, write_records

WITH_FOLDER = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)


def flip(path: Path, data: st.DataObject) -> None:
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)


@WITH_FOLDER
@given(data=st.data())
def test_any_flipped_byte_of_a_batch_is_found(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, data: st.DataObject
) -> None:
    encoder = DigestEncoder()
    shards = Shards(tmp_path, encoder)
    vectors = np.arange(2 * encoder.features, dtype=np.float32).reshape(2, -1)
    shards.save("ab", Encoded(vectors, {"truncated": 1}))
    assert shards.holds("ab", 2)
    assert shards.load("ab").vectors.tolist() == vectors.tolist()
    path = tmp_path / "batches" / "ab.safetensors"
    flip(path, data)
    caplog.clear()
    with caplog.at_level(logging.WARNING, "fleximodal.encoders"):
        held = shards.holds("ab", 2)
    if held:
        # Blanks that fill up the header say nothing.
        assert shards.load("ab").vectors.tolist() == vectors.tolist()
        assert shards.load("ab").counts == {"truncated": 1}
        return
    assert f"{path} is damaged" in caplog.text
    with pytest.raises(FleximodalError, match=r"ab\.safetensors was damaged"):
        shards.load("ab")


@WITH_FOLDER
@given(data=st.data())
def test_any_flipped_byte_of_the_autoencoder_s_state_is_found(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, data: st.DataObject
) -> None:
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    state = TrainingState(tmp_path, "key")
    progress = Progress([{"epoch": 1, "validation_mse": 0.5}], 0, 0.1, 0)
    state.save(progress, model, optimizer, model.state_dict())
    found = state.load(model, optimizer)
    assert found is not None and found[0] == progress
    flip(tmp_path / "epoch.safetensors", data)
    caplog.clear()
    with caplog.at_level(logging.WARNING, "fleximodal.encoders"):
        found = state.load(model, optimizer)
    if found is None:
        assert "epoch.safetensors is damaged; training begins anew" in caplog.text
    else:
        assert found[0] == progress


@pytest.fixture
def records(tmp_path: Path) -> pl.DataFrame:
    return write_records(tmp_path, [1, 2, 3])


def cache(folder: Path, records: pl.DataFrame) -> ECGCache:
    paths = records["path"].to_list()
    # Room for two of three records of 98,304 bytes.
    return ECGCache(folder / "cache", folder, paths, [1, 2, 3], table="t", bytes_at_most=2 * 98_304)


@pytest.mark.parametrize(("name", "place"), [("samples.f2", 98_304 + 7), ("read.u4", 13)])
def test_a_damaged_record_is_read_again(
    tmp_path: Path,
    records: pl.DataFrame,
    caplog: pytest.LogCaptureFixture,
    name: str,
    place: int,
) -> None:
    whole = cache(tmp_path, records).read(np.arange(3))
    missing = cache(tmp_path, records).missing_samples
    file = tmp_path / "cache" / "2-of-3" / name
    content = bytearray(file.read_bytes())
    content[place] ^= 64
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING, "fleximodal.encoders"):
        found = cache(tmp_path, records)
        assert found.missing_samples == missing
        np.testing.assert_array_equal(found.read(np.arange(3)), whole)
    assert name in caplog.text and "1 is damaged; reading it again" in caplog.text


def test_an_undamaged_cache_is_not_read_again(tmp_path: Path, records: pl.DataFrame) -> None:
    whole = cache(tmp_path, records).read(np.arange(3))
    for path in records["path"].to_list()[:2]:
        for file in tmp_path.glob(f"{path}.*"):
            file.unlink()
    np.testing.assert_array_equal(cache(tmp_path, records).read(np.arange(3)), whole)
