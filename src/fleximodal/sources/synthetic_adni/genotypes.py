"""The genotypes of the persons: dosages of all variants, before any array loses some."""

import numpy as np

from fleximodal.sources.synthetic_adni.latents import Latents
from fleximodal.sources.synthetic_adni.model import genotypes
from fleximodal.sources.synthetic_adni.variants import OF_APOE, OF_SWITCH, OF_TYPE, Variants

MISSING = -127
_X, _Y, _MITOCHONDRIAL = 23, 24, 26
# Probability that a haplotype follows the founder of its block at a variant.
_FOLLOWS = 0.95
_CHUNK = 1_000


def draw_dosages(
    rng: np.random.Generator, variants: Variants, latents: Latents, female: np.ndarray
) -> np.ndarray:
    """Draw the number of counted alleles, (V, n) int8; `MISSING` on the Y chromosome of women.

    Parameters
    ----------
    rng
        Source of chance.
    variants
        What to draw.
    latents, female
        Hidden states and sex of the n genotyped persons.
    """
    persons = len(female)
    dosage = np.empty((len(variants.name), persons), dtype=np.int8)
    # A block's founder draws, kept until the block ends; a chunk may end within a block.
    block, founder = -1, np.empty((2, persons), dtype=np.float32)
    for start in range(0, len(dosage), _CHUNK):
        part = slice(start, min(start + _CHUNK, len(dosage)))
        rows = len(dosage[part])
        # Whole 16-bit numbers keep the draws of many thousand variants quick.
        draw = _uniform(rng, (rows, 2, persons))
        follows = _uniform(rng, (rows, 2, persons)) < _FOLLOWS
        for row in range(rows):
            of_row = variants.block[start + row]
            if of_row < 0:
                continue
            if of_row != block:
                block, founder = of_row, _uniform(rng, (2, persons))
            draw[row] = np.where(follows[row], founder, draw[row])
        below = draw < variants.frequency[part, None, None].astype(np.float32)
        dosage[part] = below.sum(axis=1, dtype=np.int8)
    _make_haploid(dosage, variants.chromosome, female)
    _plant(dosage, variants, latents)
    twin = np.flatnonzero(variants.twin)
    dosage[twin] = dosage[twin - 1]
    return dosage


def _uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    whole = rng.integers(0, 2**16, shape, dtype=np.uint16)
    return (whole.astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-16)


def _make_haploid(dosage: np.ndarray, chromosome: np.ndarray, female: np.ndarray) -> None:
    """Turn dosages into 0 or 2 where a person has one copy, and to missing where none."""
    once = dosage // 2 * 2
    dosage[chromosome == _MITOCHONDRIAL] = once[chromosome == _MITOCHONDRIAL]
    for number in (_X, _Y):
        here = np.ix_(chromosome == number, ~female)
        dosage[here] = once[here]
    dosage[np.ix_(chromosome == _Y, female)] = MISSING


def _plant(dosage: np.ndarray, variants: Variants, latents: Latents) -> None:
    """Write the dosages that show type, switch and APOE."""
    pair = genotypes()[latents.apoe]
    apoe = np.column_stack([(pair == 4).sum(axis=1), (pair == 2).sum(axis=1)])
    for kind, source in (
        (OF_TYPE, latents.type_dosage),
        (OF_SWITCH, latents.switch_dosage),
        (OF_APOE, apoe),
    ):
        places = np.flatnonzero(variants.shows == kind)
        dosage[places] = source[:, variants.column[places]].T
