"""From the plain mapping that Snakemake read to checked sections and method settings."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from fleximodal.config.errors import explain
from fleximodal.config.schema import Config
from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import find_method, known_methods, nearest
from fleximodal.methods.settings import MethodSettings
from fleximodal.methods.variants import parse_variant, with_variant


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


def method_settings(config: Config, name: str, variant: str = "paper") -> MethodSettings:
    """Return the settings of a method in a variant under this configuration.

    The method's own settings, then the sizes of `network` that it has, then `methods.NAME`, then
    the switches of the variant. Sizes that a method was registered with define it, so `network`
    leaves them alone.

    Raises
    ------
    FleximodalError
        For an unknown method or variant, or a setting that is unknown or out of range.
    """
    own = find_method(name).settings
    model = type(own)
    free = model.model_fields.keys() - own.model_fields_set
    sizes = config.network.model_dump(exclude_none=True)
    values = own.model_dump() | {key: sizes[key] for key in sizes.keys() & free}
    chosen = parse_variant(variant)
    try:
        settings = model.model_validate(values | config.methods.get(name, {}))
        return with_variant(settings, chosen)
    except ValidationError as error:
        raise explain(error, model, f"configuration: methods.{name}") from None
