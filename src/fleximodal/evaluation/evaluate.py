"""From the stored predictions of one cell to its metrics and curves."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import polars as pl

from fleximodal.config.cell import Cell
from fleximodal.evaluation.bootstrap import bootstrap_values
from fleximodal.evaluation.curves import curves_of
from fleximodal.evaluation.names import data_kind
from fleximodal.evaluation.predictions import (
    RUN,
    label_names,
    parts_of_run,
    prevalence_of,
    read_predictions,
)
from fleximodal.evaluation.runs import run_entry
from fleximodal.evaluation.summary import summarise, summarise_labels
from fleximodal.io.atomic import atomic_folder, write_json
from fleximodal.io.manifest import write_manifest

PART = "test"


def evaluate_cell(
    predictions: Path | str,
    output: Path | str,
    *,
    cell: Mapping[str, str],
    replicates: int,
    seed: int,
) -> None:
    """Write metrics.json, curves.json and manifest.json of a cell into the folder `output`.

    With several labels every metric is the macro mean over labels. A label with one class in a
    run's test part is left out of that run's means, and listed under `undefined_labels`; what
    single labels reach stands under `labels`. With several classes AUROC and AUPRC are such means
    over the classes, each against the rest; what each class reaches stands under `labels` too, and
    `prevalence` is null.

    Parameters
    ----------
    predictions
        predictions.parquet of the cell: split, seed, part, stay_id, patient_id, label, score.
    output
        Folder that is replaced as a whole; nothing of a single stay is written to it.
    cell
        The fields of `fleximodal.config.cell.Cell`.
    replicates, seed
        Number of bootstrap resamples of patients, and the seed of their draw.

    Raises
    ------
    FleximodalError
        If the file cannot be evaluated (see `read_predictions`), or if a part of a run is absent
        or has one class only, or no label with both classes.
    """
    named = Cell(**cell)
    frame = read_predictions(predictions)
    tested = frame.filter(pl.col("part") == PART)
    names = label_names(predictions, frame)
    tests, runs = [], []
    for (split, run_seed), rows in frame.group_by(*RUN, maintain_order=True):
        run = str(split), int(str(run_seed))
        parts = parts_of_run(rows, named, *run)
        test, entry = run_entry(*run, parts["val"], parts[PART], names)
        tests.append(test)
        runs.append(entry)
    head = {
        "cell": asdict(named),
        "data": data_kind(named.source),
        "part": PART,
        "n_runs": len(runs),
        "n_stays": tested["stay_id"].n_unique(),
        "n_patients": tested["patient_id"].n_unique(),
        "prevalence": prevalence_of(tested.unique("stay_id")),
    }
    settings = {"replicates": replicates, "seed": seed}
    values = bootstrap_values(tests, **settings)
    content = {**head, "runs": runs, "summary": summarise(runs, values), "bootstrap": settings}
    if names is not None:
        content |= summarise_labels(runs, values, names)
    with atomic_folder(output) as folder:
        write_json(folder / "metrics.json", content)
        write_json(folder / "curves.json", {**head, **curves_of(tests)})
        write_manifest(
            folder,
            "evaluate_cell",
            inputs=[predictions],
            rows={Path(predictions).name: len(frame)},
            settings={"cell": asdict(named), "bootstrap": settings},
        )
