"""What docs/determinism.md guarantees, for one method of each family."""

from pathlib import Path
from typing import Any

import pytest

from fleximodal.methods.registry import find_method
from fleximodal.training import network
from fleximodal.training.cell import train_cell
from tests.unit.training.toy import cohort, describe, write_inputs

SAME = ("predictions.parquet", "history.csv", "routing.csv", "run.json")
SMALL: dict[str, Any] = {
    "width": 8,
    "heads": 2,
    "layers": 1,
    "time_width": 8,
    "time_heads": 2,
    "grid_steps": 8,
    "experts": 8,
    "top_k": 2,
    "expert_hidden": 8,
}
METHODS = ("HAIM", "Concat", "FuseMoE-Laplace", "Flex-MoE")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_inputs(tmp_path_factory.mktemp("inputs"), cohort(), ("seed0", "seed1"))


def train(folder: Path, inputs: dict[str, Path], method: str) -> Path:
    settings = find_method(method).settings
    sizes = {name: value for name, value in SMALL.items() if name in type(settings).model_fields}
    chosen = {"grid": "off"} if method == "HAIM" else sizes
    description = describe(method, settings.model_dump(mode="json") | chosen)
    output = folder / "cell"
    train_cell(description, **inputs, output=output, state=folder / "state", threads=1)
    return output


def assert_same(first: Path, second: Path) -> None:
    for name in SAME:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


@pytest.mark.parametrize("method", METHODS)
def test_equal_cells_give_equal_bytes(tmp_path: Path, inputs: dict[str, Path], method: str) -> None:
    assert_same(*(train(tmp_path / name, inputs, method) for name in ("one", "other")))


@pytest.mark.parametrize("method", METHODS[1:])
def test_going_on_in_the_middle_of_a_run_gives_equal_bytes(
    tmp_path: Path, inputs: dict[str, Path], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(tmp_path / "whole", inputs, method)
    epochs = iter(range(5))

    def cut(*args: Any, **kwargs: Any) -> Any:
        if next(epochs, None) is None:
            raise KeyboardInterrupt
        return train_epoch(*args, **kwargs)

    train_epoch = network.train_epoch
    with monkeypatch.context() as patched:
        patched.setattr(network, "train_epoch", cut)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "cut", inputs, method)
    assert list((tmp_path / "cut" / "state").rglob("last-*.safetensors"))
    assert_same(whole, train(tmp_path / "cut", inputs, method))
