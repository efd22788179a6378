"""Which variants there are: names, positions on hg18, alleles, and which array types which."""

from dataclasses import dataclass, fields, replace

import numpy as np

from fleximodal.sources.synthetic_adni.chain import (
    ALTERNATE,
    OLD_SIZE,
    alternate_positions,
    mapped_positions,
    unmapped_positions,
)
from fleximodal.sources.synthetic_adni.model import VARIANTS_PER_STATE
from fleximodal.sources.synthetic_adni.people import exact_counts

# What a variant shows.
NOTHING, OF_TYPE, OF_SWITCH, OF_APOE = range(4)
# Faults: lifts nowhere, lifts to an alternate contig, alleles that are no bases, unplaced.
SOUND, UNMAPPED, ON_ALTERNATE, NO_BASES, UNPLACED = range(5)
FAULTS = ("sound", "unmapped", "alternate contig", "alleles other than bases", "unplaced")
SET_COUNT = 5

# APOE: id, position on hg18, counted allele (of the alleles 4 and 2), other allele.
_APOE = (("rs429358", 50_103_781, "C", "T"), ("rs7412", 50_103_919, "T", "C"))
_APOE_CHROMOSOME = 19
# Far above every real number.
_FIRST_RS = 9_000_000_001
_PAIRS = (("A", "G"), ("G", "A"), ("C", "T"), ("T", "C"), ("A", "C"), ("G", "T"))
_ODD_PAIRS = (("I", "D"), ("0", "A"), ("D", "I"), ("0", "C"))
_FAULT_SHARE = {UNMAPPED: 0.015, ON_ALTERNATE: 0.01, NO_BASES: 0.01}
_TWIN_SHARE = 0.005
# Chromosomes X, Y, XY, MT and none.
_OTHERS = {23: 0.03, 24: 0.005, 25: 0.003, 26: 0.004, 0: 0.004}
_IN_BLOCKS = 0.5
_ON_ALL_ARRAYS = 0.6
_ON_ARRAY = 0.6
_SWAPPED = 0.05


@dataclass(frozen=True)
class Variants:
    """V variants in the order of chromosome and position.

    Attributes
    ----------
    name, counted, other
        (V,) id, allele that dosages count, other allele.
    chromosome, position
        (V,) PLINK code 0 to 26; position on hg18.
    shows, column
        (V,) what it shows, and its column there; -1 for background.
    fault
        (V,) `SOUND` or the fault.
    block
        (V,) block of linkage, -1 for none.
    frequency
        (V,) frequency of the counted allele of background variants.
    typed, swapped
        (V, 5) whether a set holds it; whether it names the alleles the other way round there.
    twin
        (V,) whether it is the vendor's second id of the variant before.
    """

    name: np.ndarray
    counted: np.ndarray
    other: np.ndarray
    chromosome: np.ndarray
    position: np.ndarray
    shows: np.ndarray
    column: np.ndarray
    fault: np.ndarray
    block: np.ndarray
    frequency: np.ndarray
    typed: np.ndarray
    swapped: np.ndarray
    twin: np.ndarray

    def of(self, chosen: np.ndarray) -> "Variants":
        """Return the chosen variants (mask or positions)."""
        return Variants(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})


def draw_variants(rng: np.random.Generator, count: int, ld_block: int) -> Variants:
    """Draw `count` variants of distinct ids.

    Planted variants are typed in all sets, lift, and are free of linkage: those of the switch lie
    on one autosome each, those of the type likewise.
    """
    twins = max(2, round(_TWIN_SHARE * count))
    chromosome = _chromosomes(count - twins)
    count = len(chromosome)
    position = np.zeros(count, dtype=np.int64)
    for number in range(1, 27):
        here = chromosome == number
        # XY and MT have no chain: any position will do.
        source = number if number in OLD_SIZE else 24
        position[here] = np.sort(mapped_positions(rng, source, int(here.sum())))
    block = _blocks(chromosome, ld_block)
    shows, column = _plant(chromosome, block)
    free = (shows == NOTHING) & (block < 0) & (chromosome > 0)
    fault = np.where(chromosome == 0, UNPLACED, SOUND)
    _spoil(rng, free & (chromosome <= 24), chromosome, fault, position)
    pair = rng.integers(0, len(_PAIRS), count)
    counted, other = np.array(_PAIRS, dtype=object)[pair].T
    odd = np.flatnonzero(fault == NO_BASES)
    counted[odd], other[odd] = np.array(_ODD_PAIRS, dtype=object)[np.arange(len(odd)) % 4].T
    name = np.array([f"rs{_FIRST_RS + number}" for number in rng.permutation(count)], dtype=object)
    for allele in (0, 1):
        place = np.flatnonzero((shows == OF_APOE) & (column == allele))
        name[place], position[place], counted[place], other[place] = _APOE[allele]
    typed = _arrays(rng, count)
    typed[shows != NOTHING] = True
    variants = Variants(
        name=name,
        counted=counted,
        other=other,
        chromosome=chromosome,
        position=position,
        shows=shows,
        column=column,
        fault=fault,
        block=block,
        frequency=_frequencies(rng, block),
        typed=typed,
        swapped=(rng.random((count, SET_COUNT)) < _SWAPPED) & (fault != NO_BASES)[:, None],
        twin=np.zeros(count, dtype=bool),
    )
    candidates = np.flatnonzero(free & (fault == SOUND))
    doubled = _double(variants, np.sort(rng.choice(candidates, twins, replace=False)))
    # The unplaced come last, as chromosome 0 has no position.
    sorting = np.where(doubled.chromosome == 0, 27, doubled.chromosome)
    ordered = doubled.of(np.lexsort((doubled.twin, doubled.position, sorting)))
    return _rename(ordered)


def _chromosomes(count: int) -> np.ndarray:
    """Return the chromosome of each variant, by length; at least two on each of the others."""
    few = {number: max(2, round(share * count)) for number, share in _OTHERS.items()}
    sizes = np.array([OLD_SIZE[number] for number in range(1, 23)], dtype=float)
    autosomal = exact_counts(sizes, count - sum(few.values()))
    return np.repeat([*range(1, 23), *few], [*autosomal, *few.values()])


def _blocks(chromosome: np.ndarray, length: int) -> np.ndarray:
    """Return the block of each variant: the first half of each autosome is in whole blocks."""
    block = np.full(len(chromosome), -1)
    following = 0
    for number in range(1, 23):
        here = np.flatnonzero(chromosome == number)
        blocks = int(len(here) * _IN_BLOCKS) // length
        block[here[: blocks * length]] = following + np.repeat(np.arange(blocks), length)
        following += blocks
    return block


def _plant(chromosome: np.ndarray, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what each variant shows, and which column of it."""
    shows = np.full(len(chromosome), NOTHING)
    column = np.full(len(chromosome), -1)
    for number in range(1, 23):
        single = np.flatnonzero((chromosome == number) & (block < 0))
        planted = []
        if number <= VARIANTS_PER_STATE:
            planted = [(OF_SWITCH, number - 1), (OF_TYPE, number - 1)]
        if number == _APOE_CHROMOSOME:
            planted += [(OF_APOE, 0), (OF_APOE, 1)]
        places = single[: len(planted)]
        for place, (kind, which) in zip(places, planted, strict=True):
            shows[place], column[place] = kind, which
    return shows, column


def _spoil(
    rng: np.random.Generator,
    candidates: np.ndarray,
    chromosome: np.ndarray,
    fault: np.ndarray,
    position: np.ndarray,
) -> None:
    """Put faults into `fault` and move the variants concerned, at least four of each kind."""
    for kind, share in _FAULT_SHARE.items():
        usable = candidates & (fault == SOUND)
        if kind == ON_ALTERNATE:
            usable &= np.isin(chromosome, list(ALTERNATE))
        places = np.flatnonzero(usable)
        wanted = min(max(4, round(share * len(fault))), len(places))
        fault[rng.choice(places, wanted, replace=False)] = kind
    for kind, draw in ((UNMAPPED, unmapped_positions), (ON_ALTERNATE, alternate_positions)):
        for number in np.unique(chromosome[fault == kind]):
            here = np.flatnonzero((fault == kind) & (chromosome == number))
            position[here] = draw(rng, int(number), len(here))


def _arrays(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return which set types which variant, (count, 5); the last two sets share one array."""
    array = rng.random((count, 4)) < _ON_ARRAY
    array[np.arange(count), rng.integers(0, 4, count)] = True
    array[rng.random(count) < _ON_ALL_ARRAYS] = True
    return array[:, [0, 1, 2, 3, 3]]


def _frequencies(rng: np.random.Generator, block: np.ndarray) -> np.ndarray:
    """Return allele frequencies of 0.08 to 0.53, nearly alike within a block."""
    of_block = rng.uniform(0.2, 0.5, block.max(initial=0) + 1)
    alone = rng.uniform(0.08, 0.5, len(block))
    jitter = rng.uniform(-0.03, 0.03, len(block))
    return np.where(block >= 0, of_block[block] + jitter, alone)


def _double(variants: Variants, chosen: np.ndarray) -> Variants:
    """Give the chosen variants a second id in the last two sets, the first id in the others."""
    new = np.arange(SET_COUNT) >= 3
    typed = variants.typed.copy()
    typed[chosen] = ~new
    first = replace(variants, typed=typed)
    copies = variants.of(chosen)
    second = replace(
        copies,
        name="GSA-" + copies.name,
        typed=np.tile(new, (len(chosen), 1)),
        twin=np.ones(len(chosen), dtype=bool),
    )
    pairs = {
        field.name: np.concatenate([getattr(first, field.name), getattr(second, field.name)])
        for field in fields(Variants)
    }
    return Variants(**pairs)


def _rename(variants: Variants) -> Variants:
    """Give some variants of a single array the names that its vendor gives."""
    name = variants.name.copy()
    only_new = ~variants.typed[:, :3].any(axis=1) & ~variants.twin
    only_old = variants.typed[:, 0] & ~variants.typed[:, 1:].any(axis=1)
    for prefix, places in (("GSA-", only_new), ("cnvi", only_old)):
        chosen = np.flatnonzero(places)[::3]
        name[chosen] = [
            prefix + (text if prefix == "GSA-" else f"{number:07d}")
            for number, text in zip(chosen, name[chosen], strict=True)
        ]
    return replace(variants, name=name)
