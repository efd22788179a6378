"""A small chain file from hg18 to hg38: eight blocks per chromosome, and two alternate contigs.

The lengths of the chromosomes are those of the two assemblies; where the blocks lie is invented.
"""

import gzip
from pathlib import Path

import numpy as np

NAME = "genomic/hg18ToHg38.over.chain.gz"
_OLD = (
    *(247249719, 242951149, 199501827, 191273063, 180857866, 170899992, 158821424, 146274826),
    *(140273252, 135374737, 134452384, 132349534, 114142980, 106368585, 100338915, 88827254),
    *(78774742, 76117153, 63811651, 62435964, 46944323, 49691432, 154913754, 57772954),
)
_NEW = (
    *(248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636),
    *(138394717, 133797422, 135086622, 133275309, 114364328, 107043718, 101991189, 90338345),
    *(83257441, 80373285, 58617616, 64444167, 46709983, 50818468, 156040895, 57227415),
)
OLD_SIZE = {number + 1: size for number, size in enumerate(_OLD)}
_NEW_SIZE = {number + 1: size for number, size in enumerate(_NEW)}
# Alternate contigs by chromosome: name and length.
ALTERNATE = {6: ("chr6_GL000250v2_alt", 4672374), 17: ("chr17_GL000258v2_alt", 1821992)}

_BLOCKS = 8
_USED = 0.9
_START, _NEW_START, _SHIFT = 10_000, 60_000, 1_000
_GAP, _NEW_GAP = 40_000, 25_000
_ALTERNATE_AT, _ALTERNATE_LENGTH, _ALTERNATE_START = 0.93, 200_000, 100_000
# No variant lies nearer to the edge of a block, so that off-by-one conventions do not matter.
_MARGIN = 10


def _block_length(chromosome: int) -> int:
    shorter = min(OLD_SIZE[chromosome], _NEW_SIZE[chromosome])
    return int(_USED * shorter) // _BLOCKS - _GAP


def mapped_positions(rng: np.random.Generator, chromosome: int, count: int) -> np.ndarray:
    """Return distinct random positions on hg18 that lift to hg38, (count,)."""
    length = _block_length(chromosome)
    inside = length - 2 * _MARGIN
    drawn = rng.choice(_BLOCKS * inside, count, replace=False, shuffle=False)
    return _START + drawn // inside * (length + _GAP) + _MARGIN + drawn % inside


def unmapped_positions(rng: np.random.Generator, chromosome: int, count: int) -> np.ndarray:
    """Return distinct random positions on hg18 in the first gap, which lift to nowhere."""
    start = _START + _block_length(chromosome) + _MARGIN
    return start + rng.choice(_GAP - 2 * _MARGIN, count, replace=False)


def alternate_positions(rng: np.random.Generator, chromosome: int, count: int) -> np.ndarray:
    """Return distinct random positions on hg18 that lift to an alternate contig only."""
    start = int(_ALTERNATE_AT * OLD_SIZE[chromosome]) + _MARGIN
    return start + rng.choice(_ALTERNATE_LENGTH - 2 * _MARGIN, count, replace=False)


def write_chain(folder: Path) -> None:
    """Write the chain file; its bytes are always the same."""
    text = "\n".join([*map(_chain, OLD_SIZE), *map(_alternate_chain, ALTERNATE)])
    path = folder / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode("ascii"), mtime=0))


def _name(chromosome: int) -> str:
    return f"chr{ {23: 'X', 24: 'Y'}.get(chromosome, chromosome) }"


def _chain(chromosome: int) -> str:
    length = _block_length(chromosome)
    old_end = _START + _BLOCKS * length + (_BLOCKS - 1) * _GAP
    new_start = _NEW_START + _SHIFT * chromosome
    new_end = new_start + _BLOCKS * length + (_BLOCKS - 1) * _NEW_GAP
    header = (
        f"chain {1_000_000 - chromosome} {_name(chromosome)} {OLD_SIZE[chromosome]} + {_START} "
        f"{old_end} {_name(chromosome)} {_NEW_SIZE[chromosome]} + {new_start} {new_end} "
        f"{chromosome}"
    )
    blocks = [f"{length}\t{_GAP}\t{_NEW_GAP}"] * (_BLOCKS - 1) + [str(length)]
    return "\n".join([header, *blocks]) + "\n"


def _alternate_chain(chromosome: int) -> str:
    start = int(_ALTERNATE_AT * OLD_SIZE[chromosome])
    contig, size = ALTERNATE[chromosome]
    header = (
        f"chain {1_000 - chromosome} {_name(chromosome)} {OLD_SIZE[chromosome]} + {start} "
        f"{start + _ALTERNATE_LENGTH} {contig} {size} + {_ALTERNATE_START} "
        f"{_ALTERNATE_START + _ALTERNATE_LENGTH} {100 + chromosome}"
    )
    return f"{header}\n{_ALTERNATE_LENGTH}\n"
