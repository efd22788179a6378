"""Shapes and gaps of the raw files, which Flex-MoE's table 5 prints."""

from pathlib import Path
from typing import Any

import numpy as np

from fleximodal.sources.adni.files import RAVENS_ARRAY, find_files, has
from fleximodal.sources.adni.plink import GenotypeSet, read_sets
from fleximodal.sources.adni.ravens import map_array, mask_shape
from fleximodal.sources.adni.tables import read_table

Facts = dict[str, Any]


def raw_facts(raw: Path) -> dict[str, Facts]:
    """Return `rows`, `columns` and the fraction of cells `missing` of each raw file by its stem.

    Tables count their cells; sets of genotypes individuals, variants and genotypes; the array of
    images has scans, voxels, and the `shape` of its template instead of gaps.

    Raises
    ------
    FleximodalError
        If a file is absent or damaged.
    """
    facts = {file.stem: _table(file) for file in find_files(raw) if file.suffix == ".csv"}
    if has(raw, "genomic"):
        facts |= {one.name: _genotypes(one) for one in read_sets(raw / "genomic", ())}
    array = raw / "image" / RAVENS_ARRAY
    if array.is_file():
        rows, columns = map_array(array).shape
        shape = list(mask_shape(array.parent))
        facts[array.stem] = {"rows": rows, "columns": columns, "shape": shape}
    return facts


def _table(path: Path) -> Facts:
    rows = read_table(path, [])
    gaps = sum(rows.null_count().row(0))
    cells = rows.height * rows.width
    return {"rows": rows.height, "columns": rows.width, "missing": gaps / cells}


def _genotypes(one: GenotypeSet) -> Facts:
    people, variants = len(one.stay_id), one.variants.height
    blocks = one.blocks(np.arange(variants))
    gaps = sum(int((dosages < 0).sum()) for _, dosages in blocks)
    return {"rows": people, "columns": variants, "missing": gaps / (people * variants)}
