"""Positions on an older build of the human genome to their places on hg38.

Hinrichs AS, Karolchik D, Baertsch R, et al. The UCSC Genome Browser Database: update 2006. Nucleic
Acids Res 2006;34:D590-8. Chain files: https://genome.ucsc.edu/goldenPath/help/chain.html
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pyliftover import LiftOver

from fleximodal.errors import FleximodalError
from fleximodal.sources.adni.files import only

#: Chromosomes 1 to 22, X and Y; others are left out.
CHROMOSOMES = 24

_NAMES = {**{place: f"chr{place}" for place in range(1, 23)}, 23: "chrX", 24: "chrY"}
_PLACES = {name: place for place, name in _NAMES.items()}


@dataclass(frozen=True)
class Lifted:
    """Places on hg38, one per variant, all (V,).

    `chromosome` and `position` int64 are 0 where `lifted` is not; `reversed` where the sequence
    there is of the other strand; `elsewhere` where the only place is on an alternative contig.
    """

    chromosome: np.ndarray
    position: np.ndarray
    reversed: np.ndarray
    elsewhere: np.ndarray

    @property
    def lifted(self) -> np.ndarray:
        """Whether a variant has a place on one of the chromosomes, (V,) bool."""
        found: np.ndarray = self.chromosome > 0
        return found


def lift(folder: Path, build: str, chromosome: np.ndarray, position: np.ndarray) -> Lifted:
    """Find the places on hg38 of variants on `build`.

    A variant that a chain file maps to no place, or to several, has none.

    Parameters
    ----------
    folder
        Folder with `hg18ToHg38.over.chain.gz` or that of another build; hg38 needs none.
    build
        "hg18", "hg19" or "hg38", which is left as it is.
    chromosome
        (V,) int, 1 to 24.
    position
        (V,) int, counted from 1.

    Raises
    ------
    FleximodalError
        If the chain file is absent or damaged.
    """
    none = np.zeros(len(chromosome), dtype=bool)
    if build == "hg38":
        return Lifted(chromosome.astype(np.int64), position.astype(np.int64), none, none)
    chains = _open(only(folder, [f"{build}ToHg38*.chain*"]))
    to_chromosome, to_position = np.zeros((2, len(chromosome)), dtype=np.int64)
    turned, elsewhere = none.copy(), none.copy()
    for row, (source, place) in enumerate(zip(chromosome.tolist(), position.tolist(), strict=True)):
        found = chains.convert_coordinate(_NAMES[source], place - 1)
        if not found or len(found) > 1:
            continue
        name, target, strand, _ = found[0]
        if name in _PLACES:
            to_chromosome[row], to_position[row] = _PLACES[name], target + 1
            turned[row] = strand == "-"
        else:
            elsewhere[row] = True
    return Lifted(to_chromosome, to_position, turned, elsewhere)


def _open(path: Path) -> LiftOver:
    try:
        chains = LiftOver(str(path))
    except Exception:  # pyliftover raises bare exceptions for a bad format
        chains = None
    if chains is None or not chains.chain_file.chains:
        raise FleximodalError(f"{path} is damaged or no chain file of UCSC; fetch it again.")
    return chains
