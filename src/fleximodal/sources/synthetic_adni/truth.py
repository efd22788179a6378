"""What `truth.parquet` and `truth.json` tell of a generated study."""

from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from fleximodal.sources.synthetic_adni.evidence import Evidence
from fleximodal.sources.synthetic_adni.model import (
    CLASSES,
    COMBINATIONS,
    LETTERS,
    MODALITIES,
    TYPE_PROBABILITY,
    dosage_frequencies,
)
from fleximodal.sources.synthetic_adni.optimum import SETS, posterior, reached
from fleximodal.sources.synthetic_adni.people import OUTSIDE, People
from fleximodal.sources.synthetic_adni.settings import Settings
from fleximodal.sources.synthetic_adni.variants import (
    FAULTS,
    NOTHING,
    Variants,
)

_NOTE = (
    "optimum: accuracy and macro one-vs-rest AUROC of the probability of the class given what the "
    "files of the set show, without PTADBEG, PTCOGBEG and PTADDX, which leak the label. expected: "
    "over the class given the files; sample: with the classes drawn. some: labelled subjects with "
    "at least one modality of the set; complete: those with all four."
)


def table(people: People, evidence: Evidence) -> pl.DataFrame:
    """Return one row per labelled subject in the order of roster id.

    Columns rid, ptid, class (0 to 2), combination, and `p_<set>_<class>` for each of the 15 sets:
    null where the subject has no modality of the set.
    """
    columns: dict[str, Any] = {
        "rid": people.rid,
        "ptid": people.ptid.tolist(),
        "class": people.classes.astype(np.int8),
        "combination": people.combination.tolist(),
    }
    for name in SETS:
        probability = posterior(evidence, name)
        nothing = pl.Series(~_has_some(people, name))
        for number, label in enumerate(CLASSES):
            column = pl.Series(probability[:, number])
            columns[f"p_{name}_{label}"] = column.set(nothing, None)
    return pl.DataFrame(columns).filter(pl.Series(people.labelled)).sort("rid")


def describe(
    settings: Settings,
    people: People,
    truth: pl.DataFrame,
    variants: Variants,
    rows: dict[str, int],
) -> dict[str, Any]:
    """Return the contents of `truth.json`.

    Parameters
    ----------
    settings, people, variants
        What was generated.
    truth
        Result of `table`.
    rows
        Rows by file.
    """
    combination, classes = truth["combination"].to_list(), truth["class"].to_list()
    return {
        "generated": True,
        "note": _NOTE,
        "settings": {**asdict(settings), "ravens_shape": list(settings.ravens_shape)},
        "modalities": list(MODALITIES),
        "classes": list(CLASSES),
        "subjects": {
            "labelled": truth.height,
            "combinations": {name: combination.count(name) for name in COMBINATIONS},
            "classes": {name: classes.count(number) for number, name in enumerate(CLASSES)},
            "outside": {kind: sorted(people.rid[people.kind == kind].tolist()) for kind in OUTSIDE},
        },
        "rows": rows,
        "variants": _variants(variants),
        "optimum": _optimum(truth),
    }


def _has_some(people: People, name: str) -> np.ndarray:
    columns = [LETTERS.index(letter) for letter in name]
    return np.asarray(people.has[:, columns].any(axis=1))


def _variants(variants: Variants) -> dict[str, Any]:
    kinds = ("type", "switch", "apoe")
    planted = np.flatnonzero(variants.shows != NOTHING)
    return {
        "ids": len(variants.name),
        "faults": {
            name: int((variants.fault == number).sum()) for number, name in enumerate(FAULTS)
        },
        "in linkage blocks": int((variants.block >= 0).sum()),
        "second ids": int(variants.twin.sum()),
        "alleles swapped between sets": int((variants.swapped & variants.typed).any(axis=1).sum()),
        "planted": [
            {
                "id": variants.name[place],
                "shows": kinds[variants.shows[place] - 1],
                "column": int(variants.column[place]),
                "counted_allele": variants.counted[place],
            }
            for place in planted
        ],
        "frequencies": dosage_frequencies().tolist(),
        "type_probability": TYPE_PROBABILITY.tolist(),
    }


def _optimum(truth: pl.DataFrame) -> dict[str, Any]:
    complete = (truth["combination"] == LETTERS).to_numpy()
    classes = truth["class"].to_numpy().astype(int)
    result: dict[str, Any] = {}
    for name in SETS:
        probability = truth.select(f"p_{name}_{label}" for label in CLASSES).to_numpy()
        some = ~np.isnan(probability[:, 0])
        result[name] = {
            "some": reached(probability[some], classes[some]),
            "complete": reached(probability[complete], classes[complete]),
        }
    everything = truth.select(f"p_{LETTERS}_{label}" for label in CLASSES).to_numpy()
    by_combination = {}
    for combination in COMBINATIONS:
        rows = (truth["combination"] == combination).to_numpy()
        by_combination[combination] = reached(everything[rows], classes[rows])
    return {"sets": result, "by_combination": by_combination}
