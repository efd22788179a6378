"""From the plain mapping that Snakemake read to checked sections and method settings."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from fleximodal.config.errors import explain
from fleximodal.config.schema import Config
from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import find_method, known_methods, nearest
from fleximodal.methods.settings import MethodSettings


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
