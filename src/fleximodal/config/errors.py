"""Turn a pydantic error into one sentence with the key's path and the nearest valid name."""

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import nearest


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(model: type[BaseModel], path: Sequence[int | str]) -> type[BaseModel] | None:
    """Follow `path` from `model` to the model that holds its last key."""
    current: Any = model
    for key in path:
        if not (isinstance(current, type) and issubclass(current, BaseModel)):
            return None
        field = next(
            (f for name, f in current.model_fields.items() if key in (name, f.alias)), None
        )
        if field is None:
            return None
        annotation = field.annotation
        models = [
            part
            for part in (annotation, *get_args(annotation))
            if isinstance(part, type) and issubclass(part, BaseModel)
        ]
        current = models[0] if models else None
    return current


def explain(error: ValidationError, model: type[BaseModel], file: str) -> FleximodalError:
    """Return the first problem of `error` as one sentence.

    Parameters
    ----------
    error
        What pydantic raised.
    model
        The model that was validated against, for the names that would have been valid.
    file
        Where the values come from, as the user knows it.
    """
    problem = error.errors()[0]
    path = [str(key) for key in problem["loc"]]
    where = ".".join(path) or "(top level)"
    if problem["type"] == "extra_forbidden":
        holder = _model_at(model, path[:-1])
        hint = nearest(path[-1], _names(holder)) if holder else ""
        return FleximodalError(f"{file}: unknown key '{where}'{hint}")
    if problem["type"] == "missing":
        return FleximodalError(f"{file}: key '{where}' is missing; add it")
    given = problem.get("input")
    shown = "" if isinstance(given, dict) else f" (given: {given!r})"
    return FleximodalError(f"{file}: key '{where}': {problem['msg']}{shown}")
