"""Which variants the sets of genotypes have together, and how each set writes their alleles."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.errors import FleximodalError
from fleximodal.sources.adni.liftover import CHROMOSOMES, lift
from fleximodal.sources.adni.plink import GenotypeSet

_NAMELESS = "."


@dataclass(frozen=True)
class MergedVariants:
    """The variants of all sets.

    `table` has a row per variant in the order of chromosome and position on hg38: id, chromosome,
    position. `sources` has a row per variant and set: set (i64), index (row of its .bim), variant
    (row of `table`), swapped (whether the set's allele 1 is the variant's allele 2).
    """

    table: pl.DataFrame
    sources: pl.DataFrame
    counts: dict[str, Any]


def place_variants(
    genotypes: GenotypeSet, folder: Path, build: str
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return the usable variants of a set with their places on hg38, and counts.

    Variants are left out, each for the first reason that applies, because they have no id
    (`nameless`), an allele other than A, C, G, T or one allele alone (`other_alleles`), lie outside
    of chromosomes 1 to 22, X and Y (`other_chromosomes`), repeat the id of an earlier line
    (`repeated`), have no single place on hg38 (`not_lifted`) or one on an alternative contig
    (`elsewhere`). The mask applies to .bim and .bed alike (H-23).

    Returns
    -------
    polars.DataFrame, dict
        index, id, chromosome, position, allele1, allele2, of the strand that hg38 gives; counts
        with `fraction_not_lifted`, of those that were to be lifted.
    """
    rows = genotypes.variants
    counts: dict[str, Any] = {"individuals": int(genotypes.kept.sum()), "variants": rows.height}
    filters = {
        "nameless": pl.col("id") != _NAMELESS,
        "other_alleles": (pl.col("allele1") != pl.col("allele2")).fill_null(False),
        "other_chromosomes": pl.col("chromosome").is_between(1, CHROMOSOMES).fill_null(False),
        "repeated": pl.col("id").is_first_distinct(),
    }
    for reason, holds in filters.items():
        kept = rows.filter(holds)
        counts[reason] = rows.height - kept.height
        rows = kept
    lifted = lift(folder, build, rows["chromosome"].to_numpy(), rows["position"].to_numpy())
    counts["build"] = build
    counts["elsewhere"] = int(lifted.elsewhere.sum())
    counts["not_lifted"] = int((~lifted.lifted).sum()) - counts["elsewhere"]
    counts["fraction_not_lifted"] = float((~lifted.lifted).mean()) if rows.height else 0.0
    turned = pl.Series(lifted.reversed)
    placed = rows.with_columns(
        chromosome=pl.Series(lifted.chromosome),
        position=pl.Series(lifted.position),
        allele1=pl.when(turned).then(3 - pl.col("allele1")).otherwise("allele1"),
        allele2=pl.when(turned).then(3 - pl.col("allele2")).otherwise("allele2"),
    )
    return placed.filter(pl.Series(lifted.lifted)), counts


def merge_variants(sets: Sequence[pl.DataFrame]) -> MergedVariants:
    """Merge the variants of several sets by id.

    Alleles and place are those of the first set that has the variant. Another set may name the two
    alleles in the other order, or those of the other strand; a variant of which two sets name
    alleles that are neither is left out (`conflicting`). Places that differ are counted
    (`other_place`).

    Raises
    ------
    FleximodalError
        If no variant is left.
    """
    rows = pl.concat(
        part.with_columns(pl.lit(number, dtype=pl.Int64).alias("set"))
        for number, part in enumerate(sets)
    )
    first = rows.unique("id", keep="first", maintain_order=True)
    known = first.select("id", "chromosome", "position", first1="allele1", first2="allele2")
    joined = rows.join(known, on="id", suffix="_first", maintain_order="left")
    same, swapped = _agree("allele1", "allele2"), _agree("allele2", "allele1")
    told = joined.with_columns(
        agrees=same | swapped,
        # An order that fits as it stands goes before one that fits the other strand (A/T, C/G).
        swapped=~_equal("allele1", "allele2") & (_equal("allele2", "allele1") | ~same),
        moved=(pl.col("position") != pl.col("position_first"))
        | (pl.col("chromosome") != pl.col("chromosome_first")),
    )
    conflicting = told.filter(~pl.col("agrees"))["id"].unique()
    kept = told.filter(~pl.col("id").is_in(conflicting.implode()))
    if kept.is_empty():
        raise FleximodalError(
            "The sets of genotypes leave no variant after filtering and lifting; check "
            "sources.adni.genome_builds and the chain files."
        )
    table = (
        known.filter(~pl.col("id").is_in(conflicting.implode()))
        .select("id", "chromosome", "position")
        .sort("chromosome", "position", maintain_order=True)
        .with_row_index("variant")
    )
    sources = kept.join(table.select("id", "variant"), on="id").select(
        "set", "index", "variant", "swapped"
    )
    counts = {
        "conflicting": conflicting.len(),
        "other_place": kept.filter("moved")["id"].n_unique(),
        "variants": table.height,
    }
    return MergedVariants(table.drop("variant"), sources.sort("set", "index"), counts)


def _equal(one: str, two: str) -> pl.Expr:
    return (pl.col(one) == pl.col("first1")) & (pl.col(two) == pl.col("first2"))


def _agree(one: str, two: str) -> pl.Expr:
    other = (3 - pl.col(one) == pl.col("first1")) & (3 - pl.col(two) == pl.col("first2"))
    return _equal(one, two) | other
