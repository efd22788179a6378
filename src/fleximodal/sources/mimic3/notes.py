"""Notes written during ICU stays, without the marks of de-identification.

A note counts if it names patient and admission, has a CHARTTIME and text, is not marked as an
error, and its time lies within a stay of that admission, both ends included. Discharge summaries
tell the outcome, because they are written at the end. In the release they have a date but no
CHARTTIME, so none is kept; those that are kept nevertheless are counted.
"""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fleximodal.sources.mimic.blocks import write_blocks
from fleximodal.sources.mimic.segments import join_to_stays, stay_segments
from fleximodal.sources.mimic.tables import find_table, scan_table, sink, sink_counting
from fleximodal.sources.mimic3.release import Columns

FATES = (
    "marked as an error",
    "without patient or admission",
    "without time",
    "without text",
    "candidate",
)
BLOCK_ROWS = 50_000

# As in the release, without the blanks at some of their ends; others are counted as "other".
CATEGORIES = (
    "Case Management",
    "Consult",
    "Discharge summary",
    "ECG",
    "Echo",
    "General",
    "Nursing",
    "Nursing/other",
    "Nutrition",
    "Pharmacy",
    "Physician",
    "Radiology",
    "Rehab Services",
    "Respiratory",
    "Social Work",
)

_COLUMNS: Columns = {
    "row_id": pl.Int64,
    "subject_id": pl.Int64,
    "hadm_id": pl.Int64,
    "charttime": pl.Datetime("us"),
    "category": pl.String,
    "iserror": pl.Int8,
    "text": pl.String,
}
_BRACKETS = r"(?s)\[\*\*.*?\*\*\]"


@dataclass(frozen=True)
class WrittenNotes:
    """What was counted; rows read and kept; the file, None if there is none."""

    counts: dict[str, dict[str, int]]
    rows: dict[str, int]
    path: Path | None

    @property
    def present(self) -> bool:
        """Whether there is a note in any stay."""
        return self.rows["kept"] > 0


def extract_notes(folder: Path, stays: pl.DataFrame, target: Path, scratch: Path) -> WrittenNotes:
    """Write `notes.parquet` from NOTEEVENTS.

    Parameters
    ----------
    folder
        Folder of the release; without NOTEEVENTS, or with none but its header, there are no notes.
    stays
        From `stays.read_stays`.
    target
        File to write, if a note is kept: stay_id, patient_id, item_id (ROW_ID as text), hours,
        text; sorted by stay_id, hours, item_id.
    scratch
        Folder for temporary files.

    Returns
    -------
    WrittenNotes
        Counts of what was `dropped`, and by `category` what was kept.

    Raises
    ------
    FleximodalError
        If the table lacks a column, is damaged or has a field of the wrong type.
    """
    path = find_table(folder, "NOTEEVENTS")
    if path is None:
        return WrittenNotes({}, {"read": 0, "kept": 0}, None)
    copy, unsorted = scratch / "NOTEEVENTS.parquet", scratch / "notes.parquet"
    scan = scan_table(path, _COLUMNS)
    read = sink_counting(_candidates(scan), scan, copy, path)
    rows = pl.scan_parquet(copy)
    fates = rows.group_by("fate").agg(rows=pl.len()).collect(engine="streaming")
    by_fate = dict(fates.select(pl.col("fate").cast(pl.String), "rows").iter_rows())
    sink(_locate(rows.filter(pl.col("fate") == "candidate"), stays), unsorted, copy)
    found = pl.scan_parquet(unsorted)
    inside, of_admission = found.select(pl.len(), pl.col("same_admission").sum()).collect().row(0)
    seen = {"kept": 0, "blank": 0, "repeated": 0}
    categories: dict[str, int] = {}

    def arrange(block: pl.DataFrame) -> pl.DataFrame:
        written = block.filter("same_admission").filter(pl.col("text") != "")
        notes = written.unique(["stay_id", "item_id"], keep="first", maintain_order=True)
        seen["blank"] += int(block["same_admission"].sum()) - written.height
        seen["repeated"] += written.height - notes.height
        for category, number in notes["category"].value_counts().iter_rows():
            categories[category] = categories.get(category, 0) + number
        return notes.select("stay_id", "patient_id", "item_id", "hours", "text").sort(
            "stay_id", "hours", "item_id"
        )

    seen["kept"] = write_blocks(unsorted, target, "stay_id", arrange, block_rows=BLOCK_ROWS)
    copy.unlink()
    unsorted.unlink()
    if not seen["kept"]:
        target.unlink()
    dropped = {name: by_fate.get(name, 0) for name in FATES if name != "candidate"}
    dropped["outside every stay"] = by_fate.get("candidate", 0) - inside
    dropped["in a stay of another admission"] = inside - of_admission
    dropped["nothing but marks of de-identification"] = seen["blank"]
    dropped["repeated"] = seen["repeated"]
    counts = {"dropped": dropped, "category": dict(sorted(categories.items()))}
    return WrittenNotes(counts, {"read": read, "kept": seen["kept"]}, path)


def without_marks(text: pl.Expr) -> pl.Expr:
    """Remove de-identification brackets `[** **]` and underscores, and trim blanks at both ends."""
    return (
        text.str.replace_all(_BRACKETS, "").str.replace_all("_", "", literal=True).str.strip_chars()
    )


def _candidates(scan: pl.LazyFrame) -> pl.LazyFrame:
    """Say for every row whether it may be kept, and leave out the text of those that may not."""
    reasons = {
        "marked as an error": pl.col("iserror") == 1,
        "without patient or admission": pl.any_horizontal(
            pl.col("subject_id", "hadm_id").is_null()
        ),
        "without time": pl.col("charttime").is_null(),
        "without text": pl.col("text").fill_null("").str.strip_chars() == "",
        "candidate": pl.lit(True),
    }
    category = pl.col("category").str.strip_chars()
    fate = pl.coalesce(pl.when(reasons[name]).then(pl.lit(name)) for name in FATES)
    return scan.with_columns(fate=fate.cast(pl.Enum(FATES))).select(
        "fate",
        category=pl.when(category.is_in(CATEGORIES)).then(category).otherwise(pl.lit("other")),
        patient_id="subject_id",
        note_admission="hadm_id",
        item_id=pl.col("row_id").cast(pl.String),
        time="charttime",
        text=pl.when(pl.col("fate") == "candidate").then("text"),
    )


def _locate(candidates: pl.LazyFrame, stays: pl.DataFrame) -> pl.LazyFrame:
    admissions = stays.lazy().select("stay_id", "admission_id")
    return (
        join_to_stays(candidates, stay_segments(stays))
        .join(admissions, on="stay_id", how="left", maintain_order="left")
        .with_columns(
            same_admission=pl.col("admission_id") == pl.col("note_admission"),
            text=without_marks(pl.col("text")),
        )
    )
