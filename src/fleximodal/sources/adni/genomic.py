"""Genotypes of all sets to one matrix of dosages, pruned; memory does not grow with the arrays."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleximodal.io.space import reserve
from fleximodal.sources.adni.plink import GenotypeSet, read_sets
from fleximodal.sources.adni.preparation import Preparation
from fleximodal.sources.adni.pruning import prune
from fleximodal.sources.adni.variants import MergedVariants, merge_variants, place_variants

LOGGER = logging.getLogger("fleximodal.sources")

_BLOCK = 4096


@dataclass(frozen=True)
class Dosages:
    """`stay_id` (R,) ascending; `names` of the D variants kept; `rows` of `merged` they are in.

    `merged` (V, R) int8, -1 unknown, is mapped from a file: all variants before pruning.
    """

    stay_id: np.ndarray
    names: list[str]
    rows: np.ndarray
    merged: np.ndarray
    counts: dict[str, Any]

    def fill(self, target: np.ndarray) -> None:
        """Write the kept variants into `target` (R, D) int8, some at a time."""
        for start in range(0, len(self.rows), _BLOCK):
            part = slice(start, start + _BLOCK)
            target[:, part] = self.merged[self.rows[part]].T


def read_genomic(folder: Path, work: Path, preparation: Preparation) -> Dosages:
    """Filter, lift, merge and prune the sets of genotypes in `folder`.

    Parameters
    ----------
    folder
        Folder with the sets and, unless every set is on hg38, the chain files.
    work
        Folder for the matrix before pruning, a byte per variant and individual.
    preparation
        What was chosen.

    Raises
    ------
    FleximodalError
        If a set or chain file is absent or damaged, or no variant is left.
    """
    sets = read_sets(folder, preparation.excluded_samples)
    placed, by_set = [], {}
    for genotypes in sets:
        build = preparation.genome_builds.get(genotypes.name, "hg18")
        own, by_set[genotypes.name] = place_variants(genotypes, folder, build)
        placed.append(own)
        LOGGER.info(
            "%s: %s variants, %.2f %% not lifted from %s",
            genotypes.name,
            f"{own.height:,}",
            100 * by_set[genotypes.name]["fraction_not_lifted"],
            build,
        )
    variants = merge_variants(placed)
    stay_id = np.unique(np.concatenate([part.stay_id[part.kept] for part in sets]))
    merged = _merge_dosages(sets, variants, stay_id, work / "dosages.bin")
    keep = prune(
        merged,
        variants.table["chromosome"].to_numpy(),
        window=preparation.prune_window,
        step=preparation.prune_step,
        r2=preparation.prune_r2,
    )
    names = variants.table["id"].filter(pl.Series(keep)).to_list()
    LOGGER.info("genomic: %s of %s variants after pruning", f"{len(names):,}", f"{len(keep):,}")
    counts = {
        "sets": by_set,
        **variants.counts,
        "subjects": len(stay_id),
        "subjects_kept": len(stay_id),
        "features": len(names),
    }
    return Dosages(stay_id, names, np.flatnonzero(keep), merged, counts)


def _merge_dosages(
    sets: list[GenotypeSet], variants: MergedVariants, stay_id: np.ndarray, path: Path
) -> np.ndarray:
    """Return dosages (V, N) int8 in a new file; of several sets the first known one counts."""
    shape = (variants.table.height, len(stay_id))
    with path.open("wb") as file:
        reserve(file, shape[0] * shape[1])
    merged = np.memmap(path, np.int8, mode="r+", shape=shape)
    for start in range(0, len(merged), _BLOCK):
        merged[start : start + _BLOCK] = -1
    for number, genotypes in enumerate(sets):
        own = variants.sources.filter(pl.col("set") == number)
        rows, swapped = own["variant"].to_numpy(), own["swapped"].to_numpy()
        people = np.searchsorted(stay_id, genotypes.stay_id[genotypes.kept])
        for part, dosages in genotypes.blocks(own["index"].to_numpy()):
            turned = swapped[part, None] & (dosages >= 0)
            dosages = np.where(turned, 2 - dosages, dosages).astype(np.int8)
            cells = np.ix_(rows[part], people)
            before = merged[cells]
            merged[cells] = np.where(before < 0, dosages, before)
    return merged
