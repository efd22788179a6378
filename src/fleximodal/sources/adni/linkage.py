"""Finding the subject of a table that names no PTID, by way of one that does."""

import polars as pl

from fleximodal.sources.adni.collapse import StudyTable
from fleximodal.sources.adni.tables import numbers, refuse


def link(analytes: StudyTable, apoe: StudyTable, linkage: str) -> tuple[StudyTable, int]:
    """Return `analytes` with `stay_id` (rows without a subject left out), and how many those were.

    Parameters
    ----------
    analytes
        Table with RID and PHASE, but no PTID.
    apoe
        Table with `stay_id`, and PHASE where it links by it.
    linkage
        "rid": a row belongs to the subject of that RID; "phase": the phase's last character must
        be that of a row of `apoe` too, as in the released code, so that who was sampled in another
        phase than genotyped is lost.

    Raises
    ------
    FleximodalError
        If a RID is no whole number.
    """
    rid = numbers(analytes.rows["RID"])
    whole = (rid.floor() == rid).fill_null(False)
    refuse(analytes.path, ~whole, "has a RID that is no whole number; mend the row")
    by = ["stay_id", "phase"] if linkage == "phase" else ["stay_id"]
    last = pl.col("PHASE").str.slice(-1).alias("phase")
    keys = apoe.rows.with_columns(last).select(by).unique()
    rows = analytes.rows.with_columns(rid.cast(pl.Int64).alias("stay_id"), last)
    found = rows.join(keys, on=by, how="semi", maintain_order="left").drop("phase")
    return StudyTable(analytes.path, found, analytes.raw), rows.height - found.height
