"""The list of methods: built in, or registered by others through an entry point."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from fleximodal.errors import FleximodalError
from fleximodal.methods.settings import MethodSettings

ENTRY_POINT_GROUP = "fleximodal.methods"


@dataclass(frozen=True)
class Method:
    """One row of a table: a name, settings that define it, and a sentence for the reader."""

    name: str
    settings: MethodSettings
    summary: str


def _loaded(group: str) -> Iterable[Method]:
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        try:
            value = point.load()
        except (ImportError, AttributeError) as error:
            raise FleximodalError(
                f"method package: entry point {point.name!r} ({point.value}) of group {group!r} "
                f"cannot be loaded ({error}); mend or uninstall the package that registers it"
            ) from error
        methods = value if isinstance(value, list | tuple) else [value]
        for method in methods:
            if not isinstance(method, Method):
                raise FleximodalError(
                    f"entry point {point.name!r} of group {group!r} gives {method!r}; "
                    "it must give a fleximodal.methods.registry.Method or a list of them"
                )
            yield method


@cache
def known_methods() -> Mapping[str, Method]:
    """Return all methods by name, built-in ones first.

    Raises
    ------
    FleximodalError
        If two methods have the same name.
    """
    from fleximodal.methods.builtin import BUILTIN

    methods: dict[str, Method] = {}
    for method in [*BUILTIN, *_loaded(ENTRY_POINT_GROUP)]:
        if method.name in methods:
            raise FleximodalError(f"method {method.name!r} is registered twice; rename one")
        methods[method.name] = method
    return methods


def nearest(name: str, names: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the most similar of `names`, or an empty string."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def find_method(name: str) -> Method:
    """Return the method called `name`.

    Raises
    ------
    FleximodalError
        If there is none; the message names the most similar one.
    """
    methods = known_methods()
    if name not in methods:
        raise FleximodalError(f"unknown method {name!r}{nearest(name, methods)}")
    return methods[name]


def settings_of(method: str, values: Mapping[str, Any]) -> MethodSettings:
    """Return the validated settings of a method from a plain mapping (as stored in a run)."""
    return type(find_method(method).settings).model_validate(dict(values))
