"""A digest of tensors and notes, kept in a safetensors file so that a changed byte is found."""

import hashlib
import json
from collections.abc import Mapping

import numpy as np

DIGEST = "content_sha256"


def content_digest(tensors: Mapping[str, np.ndarray], note: Mapping[str, str]) -> str:
    """Return a SHA-256 over names, types, shapes and bytes of `tensors`, and over `note`."""
    total = hashlib.sha256(json.dumps(dict(note), sort_keys=True).encode())
    for name, array in sorted(tensors.items()):
        total.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def with_digest(tensors: Mapping[str, np.ndarray], note: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata of a file: `note` and the digest."""
    return {**note, DIGEST: content_digest(tensors, note)}


def without_digest(
    tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None
) -> dict[str, str] | None:
    """Return the note of a file that was read; None if its digest is another one."""
    note = dict(metadata or {})
    return note if note.pop(DIGEST, None) == content_digest(tensors, note) else None
