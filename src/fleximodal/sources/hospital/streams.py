"""Sources of chance: one per data set, block and part, so that nothing depends on the order."""

import numpy as np

SOURCES = ("mimic4", "mimic3")
PARTS = (
    "people",
    "items",
    "diagnoses",
    "chart",
    "labs",
    "mess",
    "notes",
    "discharge",
    "images",
    "ecgs",
    "tables",
)


def stream(seed: int, source: str, block: int, part: str) -> np.random.Generator:
    """Return the generator of one part of one block; no other call with other words shares it."""
    key = (SOURCES.index(source), block, PARTS.index(part))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
