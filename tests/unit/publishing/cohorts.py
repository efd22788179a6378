"""Folders of made-up cohorts as the cohort floor writes them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fleximodal.publishing.cohort_entries import CohortEntry

# Step: name, stays, patients, positive.
STEPS = (("all stays", 120, 95, 20), ("at least two days", 100, 80, 15))
AVAILABILITY = (("vitals", 100, 80, 15), ("notes", 60, 50, 12))
COUNTS = (("total", 100, 100, "equal"), ("notes", 60, 61, "within tolerance"))
PUBLISHED = """dataset,release,tasks,quantity,n_stays
MIMIC-IV,MIMIC-IV 2.2,48-IHM & LOS,total,100
MIMIC-IV,MIMIC-IV 2.2,48-IHM & LOS,text,61
MIMIC-IV,MIMIC-IV 2.2,25-PHE,total,200
"""


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def write_cohort(
    root: Path,
    source: str,
    task: str,
    *,
    counts: Sequence[tuple[str, int | None, int | None, str]] = COUNTS,
    steps: Sequence[tuple[str, int, int, Any]] = STEPS,
    availability: Sequence[tuple[str, int, int, Any]] = AVAILABILITY,
    complete: dict[str, int] | None = None,
    unit: str = "stay",
    release: str = "MIMIC-IV 2.2",
) -> CohortEntry:
    """Write flow.json, task.json, counts.json and the counts of the canonical tables."""
    folder, canonical = root / "cohorts" / source / task / "cohort", root / "canonical" / source

    def told(kind: str, rows: Sequence[tuple[str, int, int, Any]]) -> list[dict[str, Any]]:
        return [
            {kind: name, "stays": stays, "patients": patients, "positive": positive}
            for name, stays, patients, positive in rows
        ]

    flow = {
        "steps": told("step", steps),
        "availability": told("modality", availability),
        "complete_cases": complete or {},
    }
    write_json(folder / "flow.json", flow)
    write_json(folder / "task.json", {"task": task, "unit": unit, "labels": ["death"]})
    rows = [
        {
            "count": name,
            "measured": measured,
            "published": published,
            "difference": None if None in (measured, published) else measured - published,
            "tolerance": 3.05,
            "verdict": verdict,
        }
        for name, measured, published, verdict in counts
    ]
    write_json(folder / "counts.json", rows)
    write_json(canonical / "counts.json", {"release": release, "channels": "paper"})
    return CohortEntry(source, task, folder, canonical)


def write_published(root: Path, text: str = PUBLISHED) -> Path:
    path = root / "published.csv"
    path.write_text(text)
    return path
