"""Reading a YAML file of `config/` into checked keys."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from fleximodal.config.errors import explain
from fleximodal.config.section import Section
from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import nearest

Keys = TypeVar("Keys", bound=Section)


def read_mapping(path: Path | str) -> dict[str, Any]:
    """Return the keys and values of a YAML file.

    Raises
    ------
    FleximodalError
        If the file cannot be read or is not a YAML mapping.
    """
    try:
        # The safe loader in C: every start of the graph reads all declarations.
        values = yaml.load(Path(path).read_text(encoding="utf-8"), yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = " ".join(str(error).split())
        raise FleximodalError(f"{path}: not a YAML file ({where}); mend it") from None
    except OSError as error:
        raise FleximodalError(f"{path}: cannot be read ({error.strerror})") from None
    if not isinstance(values, dict):
        raise FleximodalError(f"{path}: must hold keys and values, such as 'title: ...'")
    return values


def read_keys(path: Path | str, model: type[Keys]) -> Keys:
    """Return a YAML file as checked keys.

    Raises
    ------
    FleximodalError
        As `read_mapping`, and for an unknown or mistyped key, with its path and the nearest name.
    """
    try:
        return model.model_validate(read_mapping(path))
    except ValidationError as error:
        raise explain(error, model, str(path)) from None


def check_names(path: Path | str, key: str, given: Sequence[str], known: Collection[str]) -> None:
    """Check that each name of a key is known and there once.

    Raises
    ------
    FleximodalError
        Naming the file, the key, and the nearest known name or the repeated one.
    """
    for position, name in enumerate(given):
        if name not in known:
            word = key.split(".")[-1].replace("modalities", "modality").removesuffix("s")
            raise FleximodalError(f"{path}: {key}: unknown {word} {name!r}{nearest(name, known)}")
        if name in given[:position]:
            raise FleximodalError(f"{path}: {key}: {name!r} is there twice; remove one")
