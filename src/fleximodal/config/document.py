"""Write `config/README.md` from the schema: `python -m fleximodal.config.document`."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from fleximodal.config.schema import Config
from fleximodal.config.words import type_in_words, value_in_words
from fleximodal.io.atomic import write_text
from fleximodal.methods.registry import known_methods
from fleximodal.methods.settings import MethodSettings, NetworkSettings

HEAD = """# Every key of the configuration

Written from the schema by `python -m fleximodal.config.document config/README.md`; edit
`src/fleximodal/config/schema.py` instead. `config/config.yaml` is always read, so the value of a
key that no other file gives is the one there; the column *default* holds for keys that it does not
give either. Files given with `--configfile` are laid over it in their order, and a single value can
be given as `--config 'training={epochs: 3}'`. An unknown key, a mistyped key or a value out of
range stops the run at once with the key's path.

Where and how jobs run is no part of the configuration but a profile in `profiles/`: `default` is
always read, `slurm` sends jobs to a cluster ([how to adapt it](../docs/cluster.md)), `gpus` gives
each job of one machine a GPU of its own ([GPUs](../docs/gpus.md)). Each line there says why it is
there. `--profile profiles/NAME` lays one over `default`; yours is an edited copy of its folder.

"""

METHODS = """## Settings of each method

Under `methods.NAME`. The sizes under `network` apply to every method that has them; what stands
under `methods.NAME` wins.

### Every network

"""


def _section(field: FieldInfo) -> type[BaseModel] | None:
    for part in (field.annotation, *get_args(field.annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _default(field: FieldInfo, given: Any = PydanticUndefined) -> str:
    value = field.default if given is PydanticUndefined else given
    return "required" if value is PydanticUndefined else f"`{value_in_words(value)}`"


def _rows(model: type[BaseModel], path: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = f"{path}{field.alias or name}"
        section = _section(field)
        if section is not None:
            several = get_origin(field.annotation) is dict
            yield from _rows(section, f"{key}.NAME." if several else f"{key}.")
        elif field.default_factory is not None:
            yield f"| `{key}` | {type_in_words(field)} | empty | {field.description} |"
        else:
            yield f"| `{key}` | {type_in_words(field)} | {_default(field)} | {field.description} |"


def _method_rows(settings: MethodSettings) -> Iterator[str]:
    """Give the settings that a family has beside those of every network, or with other defaults."""
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        shared = NetworkSettings.model_fields.get(name)
        if type(settings) is not NetworkSettings and shared and shared.default == value:
            continue
        kind = type_in_words(field)
        yield f"| `{name}` | {kind} | {_default(field, value)} | {field.description} |"


def _table(rows: Iterable[str]) -> str:
    return "\n".join(["| key | type | default | meaning |", "|---|---|---|---|", *rows]) + "\n"


def _family(names: Sequence[str]) -> str:
    """Return the part on methods that have the same settings."""
    settings = known_methods()[names[0]].settings
    rows = list(_method_rows(settings))
    words = "As every network" if isinstance(settings, NetworkSettings) else ""
    if words and rows:
        words += ", and"
    if len(names) > 1:
        words += f" (defaults are those of `{names[0]}`)"
    parts = [f"### {', '.join(names)}", f"{words}{':' if rows else '.'}" if words else ""]
    return "\n\n".join([*filter(None, parts), _table(rows) if rows else ""])


def document() -> str:
    """Return the page as Markdown."""
    families: dict[type[MethodSettings], list[str]] = {}
    for method in known_methods().values():
        families.setdefault(type(method.settings), []).append(method.name)
    parts = [
        HEAD + _table(_rows(Config)),
        METHODS + _table(_method_rows(NetworkSettings())),
        *map(_family, families.values()),
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


if __name__ == "__main__":
    write_text(Path(sys.argv[1]), document())
