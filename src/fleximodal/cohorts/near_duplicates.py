"""Gate on notes: how many of val and test have a near-duplicate in train."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleximodal.cohorts.similar_texts import PERMUTATIONS, WORDS, SimilarTexts, normalise
from fleximodal.cohorts.tables import scan_table
from fleximodal.cohorts.verdicts import LeakageError, passed, reported

SIMILARITY = 0.8


def check_notes(
    notes: Path,
    splits: pl.DataFrame,
    cohort: pl.DataFrame,
    *,
    window_hours: float | None,
    kind: str,
    largest_share: float,
    similarity: float = SIMILARITY,
) -> dict[str, Any]:
    """Fail if too many notes of val or test have a near-duplicate in train.

    Two notes are near-duplicates if the sets of runs of five words of their normalised texts have a
    Jaccard similarity of at least `similarity`. Under protocol `stay`, where a patient may be in
    train and test, near-duplicates of the same patient are reported and only those of others count
    against the limit.

    Parameters
    ----------
    notes
        Parquet with stay_id, hours, text.
    splits, cohort
        split, stay_id, part; stay_id, patient_id.
    window_hours
        Last hour of notes that models get; None is the whole stay.
    kind
        Kind of the protocol.
    largest_share
        Greatest share of a part's notes, 0 to 1, that is let pass.
    similarity
        From which on texts are alike, 0 to 1.

    Returns
    -------
    dict
        The verdict; its numbers are per split and part (val, test): `notes` (with words), `exact`
        (the same normalised text in train), `near` (alike, the exact ones included), of these
        `same_patient` and `other_patient` (no near-duplicate of the same patient), and `share`,
        near over notes.
    """
    rows, texts = _read(notes, cohort, window_hours)
    alike = SimilarTexts(texts, similarity)
    numbers: dict[str, Any] = {}
    worst = 0.0
    for (split,), members in splits.group_by("split", maintain_order=True):
        of_split = rows.join(members, on="stay_id", maintain_order="left")
        numbers[str(split)] = _count(of_split, alike)
        for part in numbers[str(split)].values():
            against = part["other_patient"] if kind == "stay" else part["near"]
            share = against / part["notes"] if part["notes"] else 0.0
            if share > largest_share:
                raise LeakageError(
                    f"{notes.name}: {against} of {part['notes']} held-out notes of {split} "
                    f"({share:.1%}) have a near-duplicate in train, more than the limit of "
                    f"{largest_share:.1%}; look for repeated notes, or raise the limit."
                )
            worst = max(worst, share)
    verdict = reported if kind == "stay" else passed
    settings = {"similarity": similarity, "words": WORDS, "permutations": PERMUTATIONS}
    limits = {"largest_share": largest_share, "worst_share": worst}
    return verdict("near-duplicate-notes", {"splits": numbers, **limits, **settings})


def _read(
    notes: Path, cohort: pl.DataFrame, window_hours: float | None
) -> tuple[pl.DataFrame, pl.Series]:
    """Return stay_id, patient_id and number of text per note of the window, and those texts."""
    table = scan_table(notes, ["stay_id", "hours", "text"])
    if window_hours is not None:
        table = table.filter(pl.col("hours") <= window_hours)
    kept = (
        table.join(cohort.select("stay_id", "patient_id").lazy(), on="stay_id")
        .select("stay_id", "patient_id", normalise(pl.col("text")).alias("text"))
        .filter(pl.col("text") != "")
        .collect()
    )
    texts = kept.select(pl.col("text").unique(maintain_order=True)).with_row_index("number")
    rows = kept.join(texts, on="text").select("stay_id", "patient_id", "number")
    return rows.sort("stay_id", "number"), texts["text"]


def _count(rows: pl.DataFrame, alike: SimilarTexts) -> dict[str, dict[str, Any]]:
    """Return the numbers of val and test of one split; `rows` has patient_id, number, part."""
    train = rows.filter(part="train")
    in_train = np.zeros(len(alike), dtype=bool)
    in_train[train["number"].to_numpy()] = True
    of_patient = {
        patient: set(numbers)
        for patient, numbers in train.group_by("patient_id").agg("number").iter_rows()
    }
    counted = {}
    for part in ("val", "test"):
        held_out = rows.filter(part=part)
        total = dict.fromkeys(("exact", "same_patient", "other_patient"), 0)
        distinct = held_out.group_by("patient_id", "number").len().sort("number", "patient_id")
        for patient, text, notes in distinct.iter_rows():
            exact = bool(in_train[text])
            kin = _kin(text, exact, in_train, of_patient.get(patient, set()), alike)
            total["exact"] += notes * exact
            if kin is not None:
                total[kin] += notes
        near = total["same_patient"] + total["other_patient"]
        counted[part] = {
            "notes": held_out.height,
            **total,
            "near": near,
            "share": near / held_out.height if held_out.height else None,
        }
    return counted


def _kin(
    text: int, exact: bool, in_train: np.ndarray, own: set[int], alike: SimilarTexts
) -> str | None:
    """Return whose note of train is a near-duplicate; `own` are the patient's texts there."""
    if text in own:
        return "same_patient"
    found = alike.candidates(text)
    found = found[in_train[found]]
    of_patient = np.array([one in own for one in found], dtype=bool)
    if of_patient.any() and alike.any_alike(text, found[of_patient]):
        return "same_patient"
    if exact or alike.any_alike(text, found[~of_patient]):
        return "other_patient"
    return None
