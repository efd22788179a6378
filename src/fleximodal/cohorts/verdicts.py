"""What a gate against leakage answers: passed, reported, or an error that stops the build."""

from collections.abc import Mapping
from typing import Any

from fleximodal.errors import FleximodalError


class LeakageError(FleximodalError):
    """Information of validation, test or the future has reached the training data."""


def passed(name: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdict of a gate that found no leak."""
    return {"name": name, "verdict": "passed", "numbers": dict(numbers)}


def reported(name: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdict of a gate that measures what the protocol or task allows."""
    return {"name": name, "verdict": "reported", "numbers": dict(numbers)}
