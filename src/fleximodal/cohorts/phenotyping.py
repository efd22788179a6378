"""Task `25-PHE`: 25 groups of diagnoses of the admission, from the stay."""

from typing import Any

import numpy as np
import polars as pl

from fleximodal.cohorts.counting import Selection
from fleximodal.cohorts.phenotypes import PHENOTYPES, code_maps
from fleximodal.cohorts.presence import any_series, with_presence
from fleximodal.cohorts.settings import CohortSettings
from fleximodal.cohorts.stays import exclude_as_benchmark, public, read_stays
from fleximodal.cohorts.tables import scan_table
from fleximodal.cohorts.task import Built, Request, Task

NAMES = tuple(phenotype.name for phenotype in PHENOTYPES)
_CODE = ["version", "code"]


def build(request: Request) -> Built:
    """Build the cohort: every stay, labelled by all diagnosis codes of its admission.

    Codes are assigned at discharge: the task looks back. With a window, stays shorter than it are
    kept, as in the benchmark: their end decides no label. On MIMIC-III the exclusions of the
    benchmark come first.

    Raises
    ------
    FleximodalError
        If a canonical table or column is absent.
    """
    window = request.settings.window_hours
    axis = request.settings.axis if window is None else "hours"
    task = Task("stay", NAMES, window, axis, full_window=False)
    path = request.canonical / "diagnoses.parquet"
    diagnoses = scan_table(path, ["admission_id", *_CODE]).collect()
    codes = map_codes(diagnoses.select(_CODE).unique().sort(_CODE), request.settings)

    stays = read_stays(request.canonical)
    stays = stays.with_columns(label=label_admissions(stays["admission_id"], diagnoses, codes))
    stays = with_presence(stays, request.canonical, request.modalities, window)
    selection = Selection("all stays", stays)
    if request.reader == "mimic3":
        exclude_as_benchmark(selection)
    selection.keep("with a measurement in the window", any_series(request.modalities))
    return Built(
        task,
        public(selection.rows),
        selection.steps,
        ("stays.parquet", "diagnoses.parquet"),
        {"diagnoses": count_codes(selection.rows, diagnoses, codes)},
    )


def map_codes(codes: pl.DataFrame, settings: CohortSettings) -> pl.DataFrame:
    """Add to distinct codes (version, code) `known` and `columns`, the labels each stands for."""
    maps = code_maps(settings.gem_rule, settings.parent_fallback)
    found = [maps[version].find(code) for version, code in codes.iter_rows()]
    columns = [sorted(one or ()) for one in found]
    return codes.with_columns(
        pl.Series("known", [one is not None for one in found], dtype=pl.Boolean),
        pl.Series("columns", columns, dtype=pl.List(pl.Int64)),
    )


def label_admissions(
    admissions: pl.Series, diagnoses: pl.DataFrame, codes: pl.DataFrame
) -> pl.Series:
    """Return one vector of 25 zeros and ones per entry of `admissions` (ids, repeats allowed)."""
    places = pl.DataFrame({"admission_id": admissions}).with_row_index("place")
    positive = (
        diagnoses.join(codes.filter(pl.col("columns").list.len() > 0), on=_CODE)
        .explode("columns")
        .select("admission_id", "columns")
        .unique()
        .join(places, on="admission_id")
    )
    label = np.zeros((len(admissions), len(NAMES)), dtype=np.int8)
    label[positive["place"].to_numpy(), positive["columns"].to_numpy()] = 1
    return pl.Series(label, dtype=pl.Array(pl.Int8, len(NAMES)))


def count_codes(
    stays: pl.DataFrame, diagnoses: pl.DataFrame, codes: pl.DataFrame
) -> dict[str, Any]:
    """Return how many codes of the stays' admissions the maps do not know, by version of ICD."""
    admissions = stays.select(pl.col("admission_id").unique())
    rows = diagnoses.join(admissions, on="admission_id").join(codes, on=_CODE)
    counts: dict[str, Any] = {
        "stays_without_code": stays.join(rows, on="admission_id", how="anti").height
    }
    for version in (9, 10):
        given = rows.filter(version=version)
        unknown = given.filter(~pl.col("known"))
        counts[f"icd{version}"] = {
            "rows": given.height,
            "unmapped_rows": unknown.height,
            "unmapped_share": unknown.height / given.height if given.height else None,
            "codes": given["code"].n_unique(),
            "unmapped_codes": unknown["code"].n_unique(),
        }
    return counts
