"""APOE: two columns of alleles, or one of the genotype, as the export has it or as chosen."""

import polars as pl

from fleximodal.errors import FleximodalError
from fleximodal.sources.adni.collapse import StudyTable
from fleximodal.sources.adni.tables import refuse

ALLELES, GENOTYPE = ("APGEN1", "APGEN2"), "GENOTYPE"

_FORM = r"^([234])/([234])$"


def arrange_apoe(table: StudyTable, layout: str) -> StudyTable:
    """Return the table with APOE in the chosen layout, in the place where it was (H-22).

    Parameters
    ----------
    table
        APOERES, of 2024 with APGEN1 and APGEN2 or of 2025 with GENOTYPE.
    layout
        "alleles", "genotype" (the smaller digit first), or "auto": as it is.

    Raises
    ------
    FleximodalError
        If the table has neither, or a genotype is not two digits of 2, 3, 4 with a slash.
    """
    rows = table.rows
    split = GENOTYPE in rows.columns
    if not split and not set(ALLELES) <= set(rows.columns):
        raise FleximodalError(
            f"{table.path} has neither {' and '.join(ALLELES)} nor {GENOTYPE}; give the file as "
            "ADNI ships it."
        )
    if split:
        wrong = ~rows[GENOTYPE].str.contains(_FORM).fill_null(True)
        refuse(table.path, wrong, "has a GENOTYPE that is not of the form 3/4; mend the row")
    if layout == "alleles" and split:
        parts = [
            rows[GENOTYPE].str.extract(_FORM, group).alias(name)
            for group, name in enumerate(ALLELES, start=1)
        ]
        return _replace(table, [GENOTYPE], parts)
    if layout == "genotype" and not split:
        both = rows.select(pl.concat_list(ALLELES).list.sort()).to_series()
        known = ~rows.select(pl.any_horizontal(pl.col(ALLELES).is_null())).to_series()
        joined = both.list.join("/").alias(GENOTYPE)
        return _replace(table, list(ALLELES), [joined.set(~known, None)])
    return table


def _replace(table: StudyTable, old: list[str], new: list[pl.Series]) -> StudyTable:
    place = table.rows.columns.index(old[0])
    rows = table.rows.drop(old)
    for step, column in enumerate(new):
        rows = rows.insert_column(place + step, column)
    raw = table.raw.difference(old).union(column.name for column in new)
    return StudyTable(table.path, rows, raw)
