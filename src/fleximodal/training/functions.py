"""Finding a function that settings name as "module:function"."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from fleximodal.errors import FleximodalError


def load_function(address: str, purpose: str) -> Callable[..., Any]:
    """Return the function at `address`, which is "module:function".

    Parameters
    ----------
    address
        For example "fleximodal.training.network:fit_network".
    purpose
        What the function is for, such as "trainer of method 'HAIM'"; goes into messages.

    Raises
    ------
    FleximodalError
        If the address is malformed, the module cannot be imported or has no such function.
    """
    module_name, _, function_name = address.partition(":")
    if not module_name or not function_name:
        raise FleximodalError(f"{purpose}: {address!r} is not of the form 'module:function'")
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise FleximodalError(
            f"{purpose}: module {module_name!r} cannot be imported ({error}); install it or correct"
            f" {address!r}"
        ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise FleximodalError(
            f"{purpose}: module {module_name!r} has no function {function_name!r}; correct"
            f" {address!r}"
        )
    return function
