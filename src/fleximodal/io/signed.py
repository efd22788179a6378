"""JSON that carries its own SHA-256, for hidden records and for the state of unfinished jobs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fleximodal.io.atomic import write_json
from fleximodal.io.manifest import hash_of

_KEY = "sha256"


def write_signed(path: Path, values: Mapping[str, Any]) -> None:
    """Write `values` as JSON with an entry more, ``sha256`` of the others (`hash_of`)."""
    # As they will be read: keys of JSON are text.
    plain = json.loads(json.dumps(dict(values)))
    write_json(path, plain | {_KEY: hash_of(plain)})


def read_signed(path: Path) -> dict[str, Any] | None:
    """Return what `write_signed` was given; None if the file is absent or was changed."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        digest = values.pop(_KEY)
        return values if digest == hash_of(values) else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
