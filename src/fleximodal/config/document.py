"""Write `config/README.md` from the schema: `python -m fleximodal.config.document`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from fleximodal.config.schema import Config
from fleximodal.io.atomic import write_text
from fleximodal.methods.registry import known_methods
from fleximodal.methods.settings import MethodSettings

HEAD = """# Every key of the configuration

Written from the schema by `python -m fleximodal.config.document config/README.md`; edit
`src/fleximodal/config/schema.py` instead. `config/config.yaml` is always read, so the value of a
key that no other file gives is the one there; the column *default* holds for keys that it does not
give either. Files given with `--configfile` are laid over it in their order, and a single value can
be given as `--config 'training={epochs: 3}'`. An unknown key, a mistyped key or a value out of
range stops the run at once with the key's path.

"""

METHODS = """
## Settings of each method

Under `methods.NAME`. The sizes under `network` apply to every method that has them; what stands
under `methods.NAME` wins.
"""


def _kind(field: FieldInfo) -> str:
    kind = str(field.annotation).replace("typing.", "").replace("<class '", "").replace("'>", "")
    return kind.replace("|", "\\|")


def _section(field: FieldInfo) -> type[BaseModel] | None:
    for part in (field.annotation, *get_args(field.annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _default(field: FieldInfo, given: Any = PydanticUndefined) -> str:
    value = field.default if given is PydanticUndefined else given
    return "required" if value is PydanticUndefined else f"`{value!r}`"


def _rows(model: type[BaseModel], path: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = f"{path}{field.alias or name}"
        section = _section(field)
        if section is not None:
            yield from _rows(section, f"{key}.")
        elif field.default_factory is not None:
            yield f"| `{key}` | `{_kind(field)}` | empty | {field.description} |"
        else:
            yield f"| `{key}` | `{_kind(field)}` | {_default(field)} | {field.description} |"


def _method_rows(settings: MethodSettings) -> Iterator[str]:
    for name, field in type(settings).model_fields.items():
        value = _default(field, getattr(settings, name))
        yield f"| `{name}` | `{_kind(field)}` | {value} | {field.description} |"


def document() -> str:
    """Return the page as Markdown."""
    head = ["| key | type | default | meaning |", "|---|---|---|---|"]
    lines = [*head, *_rows(Config)]
    families: dict[type[MethodSettings], list[str]] = {}
    for method in known_methods().values():
        families.setdefault(type(method.settings), []).append(method.name)
    text = HEAD + "\n".join(lines) + "\n" + METHODS
    for names in families.values():
        first = known_methods()[names[0]].settings
        text += f"\n### {', '.join(names)}\n\n"
        if len(names) > 1:
            text += f"Defaults are those of `{names[0]}`.\n\n"
        text += "\n".join([*head, *_method_rows(first)]) + "\n"
    return text


if __name__ == "__main__":
    write_text(Path(sys.argv[1]), document())
