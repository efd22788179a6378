"""Sources of chance: one per part, so that no part depends on what another one draws."""

import numpy as np

PARTS = (
    "people",
    "visits",
    "latents",
    "diagnosis",
    "clinical",
    "biospecimen",
    "variants",
    "genotypes",
    "arrays",
    "scans",
    "freesurfer",
    "ravens",
)


def stream(seed: int, part: str) -> np.random.Generator:
    """Return the generator of one part; no other part shares it."""
    key = (PARTS.index(part),)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
