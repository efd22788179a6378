"""Files of weights are read without running what they may ask for."""

import os
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from fleximodal.encoders.weights import read_weights
from fleximodal.errors import FleximodalError

# A network of classes that are not to be had where the weights are read.
FOREIGN = """
import torch
from torch import nn

class Node(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop_rate = 0
        self.thresholds = [0.5, None]

def build(weights, buffers):
    root = Node()
    for name, value in weights.items():
        *parents, leaf = name.split(".")
        node = root
        for parent in parents:
            if parent not in node._modules:
                node.add_module(parent, Node())
            node = node._modules[parent]
        if name in buffers:
            node.register_buffer(leaf, value)
        else:
            node.register_parameter(leaf, nn.Parameter(value))
    root.add_module("pool", nn.Sequential(nn.ReLU(inplace=True), nn.AvgPool2d(2)))
    return root
"""


@pytest.fixture
def weights() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {
        "features.conv0.weight": torch.randn(4, 1, 3, 3),
        "features.norm0.weight": torch.randn(4),
        "features.norm0.running_mean": torch.randn(4),
        "features.norm0.num_batches_tracked": torch.tensor(7),
        "classifier.weight": torch.randn(2, 8).T,  # not contiguous
    }


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    package = tmp_path / "library" / "torchxrayvision"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "models.py").write_text(FOREIGN)
    monkeypatch.syspath_prepend(package.parent)
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if "torchxray" in name}
    yield __import__("torchxrayvision.models").models
    for name in [name for name in sys.modules if "torchxray" in name]:
        del sys.modules[name]
    sys.modules.update(before)


def equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    return found.keys() == expected.keys() and all(
        torch.equal(value, expected[name]) for name, value in found.items()
    )


@pytest.mark.parametrize("new_format", [True, False])
@pytest.mark.filterwarnings("ignore:Couldn't retrieve source")
def test_a_whole_network_of_unknown_classes(
    tmp_path: Path,
    weights: dict[str, Tensor],
    foreign: object,
    new_format: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = foreign.build(weights, {n for n in weights if "running" in n or "num" in n})  # type: ignore[attr-defined]
    path = tmp_path / "network.pt"
    torch.save(network, path, _use_new_zipfile_serialization=new_format)
    assert b"torchxrayvision.models" in path.read_bytes()
    # As where the library is absent: its name leads to something that must not be imported.
    monkeypatch.setitem(sys.modules, "torchxrayvision", None)
    monkeypatch.setitem(sys.modules, "torchxrayvision.models", None)
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    assert equal(read_weights(path), weights)
    assert set(tmp_path.iterdir()) == before


def test_dictionaries_and_safetensors(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    torch.save(weights, tmp_path / "plain.pt")
    torch.save(weights, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3, "state_dict": weights}, tmp_path / "nested.pt")
    torch.save(nn.Linear(2, 3).state_dict(), tmp_path / "ordered.pt")
    save_file({n: v.contiguous() for n, v in weights.items()}, tmp_path / "w.safetensors")
    for name in ("plain.pt", "old.pt", "nested.pt", "w.safetensors"):
        assert equal(read_weights(tmp_path / name), weights), name
    assert read_weights(tmp_path / "ordered.pt").keys() == {"weight", "bias"}


class Command:
    """Asks its reader to run a command."""

    def __init__(self, function: object, *args: object) -> None:
        self.call = (function, args)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize("new_format", [True, False])
def test_code_in_a_file_is_not_run(tmp_path: Path, new_format: bool) -> None:
    mark = tmp_path / "mark"
    content = {"w": torch.ones(2), "bad": Command(os.system, f"touch {mark}")}
    path = tmp_path / "bad.pt"
    torch.save(content, path, _use_new_zipfile_serialization=new_format)
    with pytest.raises(FleximodalError, match=r"asks for Python's \w+\.system, which weights have"):
        read_weights(path)
    assert not mark.exists()
    torch.load(path, weights_only=False)
    assert mark.exists()  # the file does what it was made for


def test_functions_of_the_allowed_packages_are_not_run_either(tmp_path: Path) -> None:
    victim = tmp_path / "victim.pt"
    content = {"w": torch.ones(2), "bad": Command(torch.save, [1], str(victim))}
    torch.save(content, tmp_path / "bad.pt")
    assert equal(read_weights(tmp_path / "bad.pt"), {"w": torch.ones(2)})
    assert not victim.exists()


@pytest.mark.parametrize(
    "name", ["ctorch._utils\n_rebuild_tensor_v2\n", "ctorch.nn.modules.linear\nLinear\n"]
)
def test_attributes_of_classes_and_functions_cannot_be_set(tmp_path: Path, name: str) -> None:
    # GLOBAL name; BUILD with (None, {"dump_patches": True}).
    build = name.encode() + pickle.dumps((None, {"dump_patches": True}), 2)[2:-1] + b"b."
    stream = b"".join(
        pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
    )
    (tmp_path / "bad.pt").write_bytes(stream + b"\x80\x02" + build + pickle.dumps([], 2))
    with pytest.raises(FleximodalError, match="was not loaded|cannot be read as weights"):
        read_weights(tmp_path / "bad.pt")
    assert not hasattr(torch._utils._rebuild_tensor_v2, "dump_patches")
    from fleximodal.encoders.weights import _Shell

    assert _Shell.dump_patches is False


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_damaged_empty_and_absent_files(
    tmp_path: Path, weights: dict[str, Tensor], name: str
) -> None:
    path = tmp_path / name
    with pytest.raises(FleximodalError, match="does not exist"):
        read_weights(path)
    for content in (b"", b"nonsense", b"PK\x03\x04" + bytes(40)):
        path.write_bytes(content)
        with pytest.raises(FleximodalError, match="cannot be read as weights"):
            read_weights(path)
    torch.save(weights, tmp_path / "whole.pt")
    whole = (tmp_path / "whole.pt").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FleximodalError, match="cannot be read as weights"):
        read_weights(path)
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(FleximodalError, match="holds no tensors by name"):
        read_weights(tmp_path / "list.pt")
