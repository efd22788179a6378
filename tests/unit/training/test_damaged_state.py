"""What an interrupted cell left is taken up only if not one byte of it was changed."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from fleximodal.errors import FleximodalError
from fleximodal.io.job_record import record_path
from fleximodal.io.seal import seal
from fleximodal.training.adam import Adam
from fleximodal.training.checkpoint import Progress, TrainingState
from fleximodal.training.finished import CellState
from fleximodal.training.member import Fitted
from fleximodal.training.stored import StoredCell
from tests.unit.training.toy import TRAINING, ToySettings, cohort, member


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    # In safetensors the tensors stand at the end.
    content[-4] ^= 1
    path.write_bytes(content)


def unfinished(folder: Path) -> TrainingState:
    """Return the state after the second epoch, of which the first was the better one."""
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    optimizer = Adam(model.parameters(), 0.01)
    kept = TrainingState(folder, "key")
    progress = Progress()
    for epoch in (1, 2):
        model(torch.ones(1, 3)).sum().backward()
        optimizer.step()
        progress.epoch, progress.best_epoch = epoch, 1
        progress.history.append({"epoch": epoch, "val_auroc": 1 / epoch})
        kept.save(progress, model, optimizer)
    return kept


def test_an_undamaged_state_is_taken_up(tmp_path: Path) -> None:
    progress = unfinished(tmp_path).load()
    assert (progress.epoch, progress.last, progress.best) == (
        2,
        "last-2.safetensors",
        "best-1.safetensors",
    )
    assert set(progress.digests) == {progress.last, progress.best}


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("last-2.safetensors", flip),
        ("best-1.safetensors", flip),
        ("progress.json", flip),
        ("last-2.safetensors", Path.unlink),
        ("best-1.safetensors", Path.unlink),
    ],
)
def test_a_damaged_state_is_named_and_not_taken_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, damage: Callable[[Path], None]
) -> None:
    kept = unfinished(tmp_path)
    damage(tmp_path / name)
    with caplog.at_level(logging.WARNING, "fleximodal.training"):
        assert kept.load() == Progress()
    assert f"{tmp_path / name} is damaged; training begins anew" in caplog.text


def test_any_changed_digit_of_the_progress_is_found(tmp_path: Path) -> None:
    kept = unfinished(tmp_path)
    path = tmp_path / "progress.json"
    text = path.read_text()
    for place in (place for place, letter in enumerate(text) if letter.isdigit()):
        digit = str((int(text[place]) + 1) % 10)
        path.write_text(text[:place] + digit + text[place + 1 :])
        assert kept.load() == Progress(), place


def finished(folder: Path) -> CellState:
    state = CellState(folder, "key")
    fitted = Fitted(
        scores={"test": np.array([0.25, 0.5])},
        history=[{"epoch": 1}],
        chosen={"epoch": 1},
        parameters=2,
        tensors={"weight": torch.ones(2)},
        routing=[],
    )
    state.save("official", 1, fitted, {"wall_seconds": 1.0})
    return state


@pytest.mark.parametrize(
    "name", ["scores.safetensors", "weights.safetensors", "run.json", "digests.json"]
)
def test_a_damaged_finished_run_is_trained_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    state = finished(tmp_path)
    folder = tmp_path / "finished" / "official-1"
    assert state.has("official", 1)
    flip(folder / name)
    with caplog.at_level(logging.WARNING, "fleximodal.training"):
        assert not state.has("official", 1)
    assert f"{folder} is damaged; the run is trained again" in caplog.text
    assert not folder.exists()


def test_a_damaged_key_discards_the_state(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    finished(tmp_path)
    assert CellState(tmp_path, "key").has("official", 1)
    flip(tmp_path / "key.json")
    with caplog.at_level(logging.WARNING, "fleximodal.training"):
        assert not CellState(tmp_path, "key").has("official", 1)
    assert "key.json is damaged; the cell is trained anew" in caplog.text


def test_a_damaged_checkpoint_is_not_given_out(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "official-1.safetensors"
    path.parent.mkdir()
    save_file({"weight": torch.ones(2)}, path)
    record_path(tmp_path / "predictions.parquet").touch()
    seal(path, record_path(tmp_path / "predictions.parquet"))
    run = member(cohort(), split="official", seed=1)
    stored = StoredCell({}, ToySettings(), TRAINING, [run], tmp_path)
    assert next(stored.runs())[1]["weight"].tolist() == [1, 1]
    flip(path)
    with pytest.raises(FleximodalError, match=r"official-1\.safetensors is not what its job wrote"):
        next(stored.runs())
