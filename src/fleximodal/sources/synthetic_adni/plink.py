"""The five genotype sets as PLINK 1 binary files."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from bed_reader import to_bed

from fleximodal.sources.synthetic_adni.genotypes import MISSING
from fleximodal.sources.synthetic_adni.people import People
from fleximodal.sources.synthetic_adni.variants import (
    OF_APOE,
    OF_SWITCH,
    OF_TYPE,
    SET_COUNT,
    Variants,
)

SETS = (
    "ADNI_cluster_01_forward_757LONI",
    "ADNI_GO_2_Forward_Bin",
    "ADNI_GO2_GWAS_2nd_orig_BIN",
    "ADNI3_PLINK_Final",
    "ADNI3_PLINK_FINAL_2nd",
)
_NO_CALL = 0.01
# Of the persons of the first two sets, typed anew in the second and in the third set.
_TYPED_AGAIN = 0.03


@dataclass(frozen=True)
class Called:
    """Dosages of planted variants as some set calls them, -1 unknown.

    Shapes (n, 2), (n, type variants), (n, switch variants), n genotyped persons.
    """

    apoe: np.ndarray
    of_type: np.ndarray
    of_switch: np.ndarray

    def spread(self, persons: np.ndarray, count: int) -> "Called":
        """Return the calls of `count` persons, of whom `persons` (positions) have these."""
        spread = []
        for field in fields(self):
            values = getattr(self, field.name)
            everybody = np.full((count, values.shape[1]), -1, dtype=np.int8)
            everybody[persons] = values
            spread.append(everybody)
        return Called(*spread)


def write_sets(
    folder: Path,
    rng: np.random.Generator,
    people: People,
    genotyped: np.ndarray,
    variants: Variants,
    dosage: np.ndarray,
) -> tuple[dict[str, int], Called]:
    """Write `genomic/<set>.{bed,bim,fam}`; return persons by file and the planted calls.

    Parameters
    ----------
    folder, rng
        Where to; source of chance.
    people, genotyped
        Everybody, and the positions of the n genotyped ones.
    variants, dosage
        (V, n) number of counted alleles.
    """
    target = folder / "genomic"
    target.mkdir(parents=True, exist_ok=True)
    members = _members(rng, people.phase[genotyped])
    planted = np.flatnonzero(variants.shows != 0)
    called = np.full((len(planted), len(genotyped)), -1, dtype=np.int8)
    rows: dict[str, int] = {}
    for number, name in enumerate(SETS):
        inside = rng.permutation(np.flatnonzero(members[:, number]))
        typed = np.flatnonzero(variants.typed[:, number])
        values = dosage[np.ix_(typed, inside)]
        no_call = rng.random(values.shape, dtype=np.float32) < _NO_CALL
        known = ~no_call & (values != MISSING)
        at = np.searchsorted(typed, planted)
        grid = np.ix_(np.arange(len(planted)), inside)
        called[grid] = np.where(known[at], values[at], called[grid])
        swapped = variants.swapped[typed, number]
        values = np.where(swapped[:, None], 2 - values, values)
        values = np.where(known, values, MISSING).astype(np.int8)
        part = variants.of(typed)
        first = np.where(swapped, part.other, part.counted)
        second = np.where(swapped, part.counted, part.other)
        to_bed(
            target / f"{name}.bed",
            values.T,
            properties=_properties(people, genotyped[inside], part, first, second),
            num_threads=1,
        )
        rows[f"genomic/{name}.fam"] = len(inside)
        rows[f"genomic/{name}.bim"] = len(typed)
    return rows, _by_kind(variants, planted, called)


def _members(rng: np.random.Generator, phase: np.ndarray) -> np.ndarray:
    """Return who is in which set, (n, 5), by phase of enrolment; a few are in two."""
    chance = rng.random(len(phase))
    of_phase = np.array([0, 1, 1, 3, 3])[phase]
    second = (of_phase > 0) & (chance < np.where(of_phase == 1, 0.45, 0.5))
    home = of_phase + second
    members: np.ndarray = home[:, None] == np.arange(SET_COUNT)
    for source in (0, 1):
        here = np.flatnonzero(home == source)
        again = rng.choice(here, min(len(here), max(2, round(_TYPED_AGAIN * len(here)))), False)
        members[again, source + 1] = True
    return members


def _properties(
    people: People, persons: np.ndarray, part: Variants, first: np.ndarray, second: np.ndarray
) -> dict[str, list[object]]:
    """Return the columns of .fam and .bim; the phenotype is unknown (-9) of everybody."""
    count = len(persons)
    return {
        "fid": list(range(1, count + 1)),
        "iid": people.ptid[persons].tolist(),
        "father": [0] * count,
        "mother": [0] * count,
        "sex": np.where(people.female[persons], 2, 1).tolist(),
        "pheno": [-9] * count,
        "chromosome": part.chromosome.tolist(),
        "sid": part.name.tolist(),
        "cm_position": [0] * len(first),
        "bp_position": part.position.tolist(),
        "allele_1": first.tolist(),
        "allele_2": second.tolist(),
    }


def _by_kind(variants: Variants, planted: np.ndarray, called: np.ndarray) -> Called:
    """Return the calls of each kind, columns in the order of the model."""
    ordered = []
    for kind in (OF_APOE, OF_TYPE, OF_SWITCH):
        rows = np.flatnonzero(variants.shows[planted] == kind)
        rows = rows[np.argsort(variants.column[planted[rows]])]
        ordered.append(called[rows].T)
    return Called(*ordered)
