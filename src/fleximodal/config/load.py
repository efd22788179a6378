"""From the plain mapping that Snakemake read to checked sections and method settings."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fleximodal.config.errors import explain
from fleximodal.config.schema import Config
from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import find_method, known_methods, nearest
from fleximodal.methods.settings import MethodSettings

RELEASE_FOLDER = "physionet-challenge-2012"
SETS = ("a", "b", "c")


def load_config(values: Mapping[str, Any]) -> Config:
    """Check the merged configuration.

    Raises
    ------
    FleximodalError
        For an unknown or mistyped key (with its path and the nearest valid name), a value out of
        range, an unknown method, or a setting that a method does not have.
    """
    try:
        config = Config.model_validate(dict(values))
    except ValidationError as error:
        raise explain(error, Config, "configuration") from None
    for name in config.methods:
        if name not in known_methods():
            raise FleximodalError(
                f"configuration: methods: unknown method {name!r}{nearest(name, known_methods())}"
            )
        method_settings(config, name)
    return config


def method_settings(config: Config, name: str) -> MethodSettings:
    """Return the settings of a method under this configuration.

    The method's own settings, then the sizes of `network` that it has, then `methods.NAME`.

    Raises
    ------
    FleximodalError
        For an unknown method, or a setting of it that is unknown or out of range.
    """
    own = find_method(name).settings
    model = type(own)
    sizes = config.network.model_dump(exclude_none=True)
    values = own.model_dump() | {k: v for k, v in sizes.items() if k in model.model_fields}
    try:
        return model.model_validate(values | config.methods.get(name, {}))
    except ValidationError as error:
        raise explain(error, model, f"configuration: methods.{name}") from None


def find_release(config: Config) -> Path | None:
    """Return the folder of PhysioNet 2012, None if it is neither configured nor found whole.

    Raises
    ------
    FleximodalError
        If a folder is configured but does not exist, or lacks a part of the release.
    """
    configured = config.sources.physionet2012.folder
    if configured is not None:
        if not Path(configured).is_dir():
            raise FleximodalError(
                f"configuration: sources.physionet2012.folder: {configured} is not a folder; "
                "give the folder that holds set-a.tar.gz and Outcomes-a.txt"
            )
        missing = _missing_parts(Path(configured))
        if missing:
            raise FleximodalError(
                f"configuration: sources.physionet2012.folder: {configured} has no {missing[0]}; "
                "it must hold set-a, set-b, set-c (.tar.gz or unpacked) and Outcomes-a.txt, "
                "Outcomes-b.txt, Outcomes-c.txt"
            )
        return Path(configured)
    first = os.environ.get("FLEXIMODAL_DATA")
    for folder in ([first] if first else []) + config.data_folders:
        candidate = Path(folder) / RELEASE_FOLDER
        if candidate.is_dir() and not _missing_parts(candidate):
            return candidate
    return None


def _missing_parts(folder: Path) -> list[str]:
    parts = [f"Outcomes-{letter}.txt" for letter in SETS]
    missing = [name for name in parts if not (folder / name).is_file()]
    for letter in SETS:
        if (
            not (folder / f"set-{letter}.tar.gz").is_file()
            and not (folder / f"set-{letter}").is_dir()
        ):
            missing.append(f"set-{letter}.tar.gz")
    return missing
