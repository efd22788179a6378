"""Entities of a crate: files inside it, files that are described only, and values."""

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from rocrate.model.contextentity import ContextEntity
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from fleximodal.io.manifest import hash_of, sha256_of

# The version that the profiles of workflow runs extend.
RO_CRATE = "1.1"
_FORMATS = {
    ".csv": "text/csv",
    ".gz": "application/gzip",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".py": "text/x-python",
    ".safetensors": "application/octet-stream",
    ".smk": "text/plain",
    ".svg": "image/svg+xml",
    ".tex": "application/x-tex",
    ".txt": "text/plain",
    ".yaml": "application/yaml",
}


def included(crate: ROCrate, source: Path | str, place: str, **properties: Any) -> Entity:
    """Add a copy of a file at `place` in the crate, with its size and SHA-256."""
    source = Path(source)
    facts = {"sha256": sha256_of(source), "contentSize": str(source.stat().st_size)}
    return crate.add_file(
        source=source, dest_path=place, properties=_named(place) | facts | properties
    )


def described(crate: ROCrate, place: str, sha256: str, **properties: Any) -> Entity:
    """Add a file or folder that stays outside the crate, by a name that is no path in it."""
    identifier = f"#{quote(place, safe='/+=,:@')}"
    facts = {"@type": "File", "sha256": sha256}
    return _once(crate, identifier, _named(place) | facts | properties)


def value(crate: ROCrate, name: str, content: Any, description: str) -> Entity:
    """Add a value, once however often it was used."""
    text = content if isinstance(content, str) else json.dumps(content, sort_keys=True)
    facts = {"@type": "PropertyValue", "name": name, "description": description, "value": text}
    return _once(crate, f"#{name}/{hash_of(text)[:16]}", facts)


def thing(crate: ROCrate, identifier: str, kind: str, **properties: Any) -> Entity:
    """Add any other entity; what several actions refer to is added once."""
    return _once(crate, identifier, {"@type": kind} | properties)


def alone_or_all(entities: list[Entity]) -> Entity | list[Entity]:
    """Return a list, or what is in it where it is one; the profile recommends it."""
    return entities[0] if len(entities) == 1 else entities


def _named(place: str) -> dict[str, Any]:
    kind = _FORMATS.get(PurePosixPath(place).suffix)
    return {"name": place} | ({} if kind is None else {"encodingFormat": kind})


def _once(crate: ROCrate, identifier: str, properties: Mapping[str, Any]) -> Entity:
    # Asking for what is not there takes the library a walk over all entities.
    if identifier in crate:
        return crate.get(identifier)
    return crate.add(ContextEntity(crate, identifier, properties=dict(properties)))
