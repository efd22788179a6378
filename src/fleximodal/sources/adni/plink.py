"""Sets of genotypes in the format of PLINK 1: .bed, .bim and .fam, checked against each other.

Chang CC, Chow CC, Tellier LC, et al. Second-generation PLINK: rising to the challenge of larger
and richer datasets. GigaScience 2015;4:7. https://www.cog-genomics.org/plink/1.9/formats
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from bed_reader import open_bed

from fleximodal.errors import FleximodalError
from fleximodal.sources.adni.preparation import SETS
from fleximodal.sources.adni.tables import refuse, rids_of

#: Bases as numbers; the complement of b is 3 - b.
BASES = {"A": 0, "C": 1, "G": 2, "T": 3}

_MAGIC = b"\x6c\x1b\x01"
_BIM = ("chromosome", "id", "distance", "position", "allele1", "allele2")
_FAM = ("family", "individual", "father", "mother", "sex", "phenotype")
_CHROMOSOMES = {"X": 23, "Y": 24, "XY": 25, "MT": 26, "M": 26}
_BLOCK_VARIANTS = 4096


@dataclass(frozen=True)
class GenotypeSet:
    """One set of genotypes.

    `stay_id` (n,) are its individuals in the order of .fam, `kept` (n,) bool those not excluded.
    `variants` has a row per line of .bim: index, id, chromosome (i64, 0 unplaced, 23 X, 24 Y),
    position (i64, counted from 1), allele1 and allele2 (i64 by `BASES`, null for any other).
    """

    bed: Path
    stay_id: np.ndarray
    kept: np.ndarray
    variants: pl.DataFrame

    @property
    def name(self) -> str:
        """The stem of the three files."""
        return self.bed.stem

    def blocks(self, index: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield places in `index` and the dosages of these variants, in blocks.

        Parameters
        ----------
        index
            (v,) rows of `variants`.

        Yields
        ------
        slice, numpy.ndarray
            Part of `index`, and (variants in it, kept individuals) int8: copies of allele 1, 0 to
            2, or -1 where unknown.
        """
        bed = open_bed(
            self.bed,
            iid_count=len(self.stay_id),
            sid_count=self.variants.height,
            count_A1=True,
            num_threads=1,
        )
        people = np.flatnonzero(self.kept)
        with bed:
            for start in range(0, len(index), _BLOCK_VARIANTS):
                part = slice(start, start + _BLOCK_VARIANTS)
                dosages = bed.read(np.s_[people, index[part]], dtype="int8", order="F").T
                yield part, np.where(dosages < 0, np.int8(-1), dosages)


def read_sets(folder: Path, excluded: Sequence[str]) -> list[GenotypeSet]:
    """Return the sets of a folder, the known five in their order, then others by name.

    Parameters
    ----------
    folder
        Folder with .bed, .bim and .fam of each set.
    excluded
        PTIDs that are left out of the first of the known sets.

    Raises
    ------
    FleximodalError
        If a file is absent, damaged, empty or of another length than the others of its set, or an
        excluded individual is not in the first set.
    """
    files = [file for file in folder.iterdir() if file.suffix in (".bed", ".bim", ".fam")]
    stems = sorted({file.stem for file in files}, key=lambda stem: (_place(stem), stem))
    if not stems:
        raise FleximodalError(
            f"{folder} holds no .bed file; put the sets of genotypes there or remove the folder."
        )
    if excluded and SETS[0] not in stems:
        raise FleximodalError(
            f"{folder} holds no set {SETS[0]}, of which individuals are to be left out; empty "
            "sources.adni.excluded_samples."
        )
    return [
        _read_set(folder / f"{stem}.bed", excluded if stem == SETS[0] else ()) for stem in stems
    ]


def _place(stem: str) -> int:
    return SETS.index(stem) if stem in SETS else len(SETS)


def _read_set(bed: Path, excluded: Sequence[str]) -> GenotypeSet:
    bim, fam = bed.with_suffix(".bim"), bed.with_suffix(".fam")
    for file in (bed, bim, fam):
        if not file.is_file():
            raise FleximodalError(f"{file} does not exist; a set needs .bed, .bim and .fam.")
    people = _read_columns(fam, _FAM)["individual"]
    stay_id = rids_of(people)
    refuse(fam, stay_id.is_null(), "has an individual that is not of the form 001_S_0001; mend it")
    refuse(fam, stay_id.is_duplicated(), "names an individual that another row names; remove one")
    if unknown := sorted(set(excluded) - set(people)):
        raise FleximodalError(
            f"{fam} lacks {len(unknown)} of the individuals to be left out; correct "
            "sources.adni.excluded_samples."
        )
    variants = _read_bim(bim)
    _check_size(bed, variants.height, stay_id.len())
    kept = ~people.is_in(list(excluded)).to_numpy()
    return GenotypeSet(bed, stay_id.to_numpy(), kept, variants)


def _read_bim(path: Path) -> pl.DataFrame:
    rows = _read_columns(path, _BIM)
    code = pl.col("chromosome").str.to_uppercase().str.strip_prefix("CHR")
    chromosome = code.replace(_CHROMOSOMES).cast(pl.Int64, strict=False)
    variants = rows.select(
        "id",
        chromosome.alias("chromosome"),
        pl.col("position").cast(pl.Int64, strict=False),
        *(
            pl.col(name).replace_strict(BASES, default=None, return_dtype=pl.Int64)
            for name in ("allele1", "allele2")
        ),
    )
    refuse(path, variants["position"].is_null(), "has a position that is no number; mend the row")
    return variants.with_row_index("index")


def _read_columns(path: Path, names: Sequence[str]) -> pl.DataFrame:
    """Read a table without header whose columns are parted by tabs or blanks, as text."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise FleximodalError(f"{path} is no text; fetch it again.") from None
    if not lines:
        raise FleximodalError(f"{path} is empty; fetch it again.")
    fields = (
        pl.Series("fields", lines).str.strip_chars().str.replace_all(r"\s+", "\t").str.split("\t")
    )
    wrong = fields.list.len() != len(names)
    if wrong.any():
        raise FleximodalError(
            f"{path}, line {int(wrong.arg_max() or 0) + 1} has not {len(names)} columns; fetch it "
            "again."
        )
    return fields.list.to_struct(fields=list(names)).struct.unnest()


def _check_size(bed: Path, variants: int, individuals: int) -> None:
    with bed.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise FleximodalError(
                f"{bed} is no variant-major .bed file of PLINK 1; fetch it again."
            )
    # Four genotypes in a byte, each variant from a new byte on.
    per_variant = -(-individuals // 4)
    size, expected = bed.stat().st_size, len(_MAGIC) + variants * per_variant
    if size != expected:
        raise FleximodalError(
            f"{bed} has {size} bytes, but the {variants} variants of {bed.stem}.bim and the "
            f"{individuals} individuals of {bed.stem}.fam need {expected}; give three files of "
            "one set."
        )
