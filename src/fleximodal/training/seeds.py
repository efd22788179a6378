"""Seeds for parts of a run, the same in every process."""

import hashlib


def derived_seed(*parts: int | str) -> int:
    """Return a seed in [0, 2^63) that depends on `parts` alone, such as (seed, "epoch", 3)."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8]) >> 1
