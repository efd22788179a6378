"""From the plain mapping that Snakemake read to checked sections and method settings."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from fleximodal.config.errors import explain
from fleximodal.config.schema import Config, Network, TaskValues
from fleximodal.config.section import Section
from fleximodal.config.training import Training
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.names import TASKS
from fleximodal.methods.registry import find_method, known_methods, nearest
from fleximodal.methods.settings import MethodSettings
from fleximodal.methods.variants import parse_variant, with_variant

_S = TypeVar("_S", bound=Section)


def load_config(values: Mapping[str, Any]) -> Config:
    """Check the merged configuration.

    Raises
    ------
    FleximodalError
        For an unknown or mistyped key (with its path and the nearest valid name), a value out of
        range, an unknown method or task, or a setting that a method does not have.
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
    for task in config.by_task:
        if task not in TASKS:
            raise FleximodalError(
                f"configuration: by_task: unknown task {task!r}{nearest(task, TASKS)}"
            )
        training_of(config, task)
        _network_of(config, task)
        for name in config.methods:
            method_settings(config, name, task=task)
    return config


def training_of(config: Config, task: str) -> Training:
    """Return the section `training` with the values that `by_task` has for a task.

    Raises
    ------
    FleximodalError
        If a value is unknown or out of range.
    """
    values = config.by_task.get(task, TaskValues()).training
    return _with_values(config.training, values, f"by_task.{task}.training")


def _network_of(config: Config, task: str | None) -> Network:
    values = config.by_task[task].network if task in config.by_task else {}
    return _with_values(config.network, values, f"by_task.{task}.network")


def _with_values(section: _S, values: Mapping[str, Any], where: str) -> _S:
    model = type(section)
    try:
        return model.model_validate(section.model_dump() | dict(values))
    except ValidationError as error:
        raise explain(error, model, f"configuration: {where}") from None


def method_settings(
    config: Config, name: str, variant: str = "paper", task: str | None = None
) -> MethodSettings:
    """Return the settings of a method in a variant under this configuration.

    The method's own settings, then the sizes of `network` that it has, for a task with its values
    of `by_task`, then `methods.NAME`, then the switches of the variant. Sizes that a method was
    registered with define it, so `network` leaves them alone.

    Raises
    ------
    FleximodalError
        For an unknown method or variant, or a setting that is unknown or out of range.
    """
    own = find_method(name).settings
    model = type(own)
    free = model.model_fields.keys() - own.model_fields_set
    sizes = _network_of(config, task).model_dump(exclude_none=True)
    values = own.model_dump() | {key: sizes[key] for key in sizes.keys() & free}
    chosen = parse_variant(variant)
    try:
        settings = model.model_validate(values | config.methods.get(name, {}))
        return with_variant(settings, chosen)
    except ValidationError as error:
        raise explain(error, model, f"configuration: methods.{name}") from None
