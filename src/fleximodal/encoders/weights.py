"""Reading a file of weights without running what a pickle may ask for.

Three forms are read: safetensors; a dictionary of tensors saved by torch; and a whole network saved
by torch, which is what torchxrayvision publishes. The last names Python classes to be built, so it
is read with an unpickler that knows tensors and plain containers only: any other class of torch,
torchvision, torchxrayvision or numpy becomes an inert shell that merely keeps its attributes, and
a name from anywhere else is refused.
"""

import pickle
import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from fleximodal.errors import FleximodalError

_SHELLS = ("torch", "torchvision", "torchxrayvision", "numpy")
_MAX_DEPTH = 32


class ForbiddenName(pickle.UnpicklingError):
    """A pickle asked for a Python name that a file of weights has no use for."""


class _Constant(type):
    """Classes whose attributes a pickle cannot set."""

    def __setattr__(cls, name: str, value: object) -> None:
        raise ForbiddenName(f"{cls.__name__}.{name}")


class _Shell(metaclass=_Constant):
    """In the place of an unknown class: takes any arguments and does nothing with them."""

    dump_patches = False

    def __new__(cls, *args: object, **kwargs: object) -> "_Shell":
        return super().__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            vars(self).update(state)


class _Allowed:
    """A function that may be called, but whose attributes a pickle cannot set."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        object.__setattr__(self, "_function", function)

    def __setattr__(self, name: str, value: object) -> None:
        raise ForbiddenName(name)

    def __call__(self, *args: object) -> object:
        return self._function(*args)  # type: ignore[attr-defined]


def _parameter(data: Tensor, *_: object) -> Tensor:
    return data


_KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("builtins", "set"): set,
    ("__builtin__", "set"): set,
    ("torch", "Size"): _Allowed(torch.Size),
    ("torch._utils", "_rebuild_tensor_v2"): _Allowed(torch._utils._rebuild_tensor_v2),
    ("torch._utils", "_rebuild_parameter"): _Allowed(_parameter),
}


class _Unpickler(pickle.Unpickler):
    """Find tensors, plain containers and inert shells; nothing else exists."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for `module.name`."""
        known = _KNOWN.get((module, name))
        if known is not None:
            return known
        if module.split(".")[0] in _SHELLS:
            return _Shell
        raise ForbiddenName(f"{module}.{name}")


def _load(file: IO[bytes], **options: Any) -> Any:
    return _Unpickler(file, **options).load()


# What torch.load wants of a pickle module.
_RESTRICTED = SimpleNamespace(__name__="restricted", Unpickler=_Unpickler, load=_load)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name, on the CPU.

    Raises
    ------
    FleximodalError
        If the file is absent or damaged, holds no tensors, or asks for Python code to be run.
    """
    if not path.is_file():
        raise FleximodalError(f"{path} does not exist; fetch the weights or correct the path.")
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        content = _read_torch(path)
    except ForbiddenName as error:
        raise FleximodalError(
            f"{path} asks for Python's {error}, which weights have no use for; it was not loaded, "
            "fetch the weights from their publisher."
        ) from None
    except (
        SafetensorError,
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        UnicodeDecodeError,
        AssertionError,
        MemoryError,
        OverflowError,
    ) as error:
        raise FleximodalError(
            f"{path} cannot be read as weights ({type(error).__name__}); fetch it again."
        ) from None
    tensors = _tensors(content)
    if not tensors:
        raise FleximodalError(f"{path} holds no tensors by name; it is not a file of weights.")
    return tensors


def _read_torch(path: Path) -> Any:
    with warnings.catch_warnings():
        # Old files carry the source of their classes, which torch compares with the shells'.
        warnings.simplefilter("ignore")
        return torch.load(path, map_location="cpu", pickle_module=_RESTRICTED, weights_only=False)


def _tensors(content: Any) -> dict[str, Tensor]:
    """Return the tensors of a dictionary, of one under "state_dict", or of a shelled network."""
    if isinstance(content, _Shell):
        return _network_tensors(content)
    if isinstance(content, dict):
        inner = content.get("state_dict", content)
        if isinstance(inner, dict):
            return {
                name: value
                for name, value in inner.items()
                if isinstance(name, str) and isinstance(value, Tensor)
            }
    return {}


def _network_tensors(shell: _Shell, prefix: str = "", depth: int = 0) -> dict[str, Tensor]:
    """Collect parameters and buffers the way torch names them in a state dictionary."""
    if depth > _MAX_DEPTH:
        return {}
    found: dict[str, Tensor] = {}
    for kind in ("_parameters", "_buffers"):
        own = vars(shell).get(kind)
        if isinstance(own, dict):
            found |= {f"{prefix}{n}": v for n, v in own.items() if isinstance(v, Tensor)}
    children = vars(shell).get("_modules")
    if isinstance(children, dict):
        for name, child in children.items():
            if isinstance(child, _Shell):
                found |= _network_tensors(child, f"{prefix}{name}.", depth + 1)
    return found
