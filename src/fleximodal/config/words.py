"""Types and values of keys as a reader of YAML would say them."""

import json
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

_NAMES: dict[Any, tuple[str, str]] = {
    str: ("text", "texts"),
    int: ("whole number", "whole numbers"),
    float: ("number", "numbers"),
    bool: ("true or false", "true or false"),
    NoneType: ("null", "null"),
    Any: ("anything", "anything"),
}
_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def type_in_words(field: FieldInfo) -> str:
    """Return what a key takes, such as "whole number, at least 1, or null"."""
    return _named(field.annotation, field.metadata)


def value_in_words(value: Any) -> str:
    """Return a value as it would stand in YAML."""
    return json.dumps(value, ensure_ascii=False)


def _named(kind: Any, metadata: Any = (), *, many: bool = False) -> str:
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _named(parts[0], _constraints(parts[1:]), many=many)
    if origin is Literal:
        return " or ".join(f"`{value_in_words(value)}`" for value in parts)
    if origin in (Union, UnionType):
        words = [_named(part, metadata if part is not NoneType else ()) for part in parts]
        return ", or ".join(words) if "," in words[0] else " or ".join(words)
    if origin is list:
        return f"{'lists' if many else 'list'} of {_named(parts[0], many=True)}"
    if origin is tuple:
        return f"{len(parts)} {_named(parts[0], many=True)}"
    if origin is dict:
        key = "name" if parts[0] is str else _named(parts[0])
        return f"{'mappings' if many else 'mapping'} from {key} to {_named(parts[1])}"
    return ", ".join([_NAMES[kind][many], *_bounds(metadata)])


def _constraints(metadata: tuple[Any, ...]) -> list[Any]:
    """Flatten the constraints of a pydantic `Field` inside an annotation."""
    return [part for one in metadata for part in getattr(one, "metadata", [one])]


def _bounds(metadata: Any) -> list[str]:
    return [
        f"{words} {getattr(one, name):,}"
        for one in metadata
        for name, words in _BOUNDS.items()
        if getattr(one, name, None) is not None
    ]
