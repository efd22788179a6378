"""Write the cohort of a task: who is in, the label, and which modalities each stay has."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.cohorts.ihm48 import build_ihm48
from fleximodal.cohorts.tables import Modality, read_modalities
from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import atomic_path, write_json
from fleximodal.io.manifest import write_manifest

Builder = Callable[[Path, Sequence[Modality]], tuple[pl.DataFrame, list[dict[str, Any]]]]
BUILDERS: dict[str, Builder] = {"48-IHM": build_ihm48}


def write_cohort(canonical: Path, output: Path, *, source: str, task: str) -> None:
    """Write `cohort.parquet`, `flow.json` and `manifest.json`.

    `flow.json` holds the steps of selection and the availability of each modality among the stays
    that were kept.

    Parameters
    ----------
    canonical
        Folder of canonical tables of the source.
    output
        Folder of the cohort; made if absent, other files in it stay.
    source, task
        Names; `task` chooses the builder.

    Raises
    ------
    FleximodalError
        If the task is unknown or a canonical table is absent.
    """
    if task not in BUILDERS:
        near = get_close_matches(task, BUILDERS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known tasks: {', '.join(BUILDERS)}."
        raise FleximodalError(f"Unknown task {task!r} for source {source}; {hint}")
    modalities = read_modalities(canonical)
    cohort, steps = BUILDERS[task](canonical, modalities)

    with atomic_path(output / "cohort.parquet") as path:
        cohort.write_parquet(path)
    flow = {
        "steps": steps,
        "availability": [_availability(cohort, modality) for modality in modalities],
    }
    write_json(output / "flow.json", flow)
    tables = {modality.table for modality in modalities} | {"stays.parquet", "modalities.json"}
    write_manifest(
        output,
        "build_cohort",
        inputs=[canonical / name for name in sorted(tables)],
        rows={"cohort.parquet": cohort.height},
        settings={"source": source, "task": task},
    )


def _availability(cohort: pl.DataFrame, modality: Modality) -> dict[str, Any]:
    having = cohort.filter(pl.col(f"has_{modality.name}"))
    return {
        "modality": modality.name,
        "stays": having.height,
        "patients": having["patient_id"].n_unique(),
        "positive": int(having["label"].cast(pl.Int64).sum()),
    }
