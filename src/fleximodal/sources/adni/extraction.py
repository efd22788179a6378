"""One extraction: the canonical tables written so far, whom they tell of, and what was counted."""

import logging
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import write_json
from fleximodal.io.manifest import write_manifest
from fleximodal.sources.adni.files import DIAGNOSIS, FREESURFER, find_files, find_table, has
from fleximodal.sources.adni.freesurfer import read_freesurfer
from fleximodal.sources.adni.genomic import read_genomic
from fleximodal.sources.adni.labels import NO_ROW, read_labels
from fleximodal.sources.adni.preparation import Preparation
from fleximodal.sources.adni.ravens import read_ravens
from fleximodal.sources.adni.raw_facts import raw_facts
from fleximodal.sources.adni.study import Study
from fleximodal.sources.adni.vectors import write_modality

LOGGER = logging.getLogger("fleximodal.sources")

_EVENTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "stay_id": pl.Int64,
    "hours": pl.Float32,
    "channel": pl.Enum([]),
    "value": pl.Float32,
}


class Extraction:
    """Writes the canonical tables of one raw folder, modality by modality."""

    def __init__(self, raw: Path, folder: Path, preparation: Preparation) -> None:
        self.raw, self.folder, self.preparation = raw, folder, preparation
        self.work = folder / "unpruned"
        self.work.mkdir()
        self.entries: list[dict[str, Any]] = []
        self.counts: dict[str, Any] = {}
        self.seen: list[np.ndarray] = []
        self.present: dict[str, np.ndarray] = {}

    def read_labels(self) -> None:
        """Read the diagnoses, which say whose rows the study tables keep."""
        path = find_table(self.raw, "diagnosis", DIAGNOSIS)
        self.labels = read_labels(path)
        # The study has no versions; a download is known by the day of its diagnoses.
        self.release = f"ADNI {path.stem.removeprefix(f'{DIAGNOSIS}_')}"
        self.seen.append(self.labels.subjects["stay_id"].to_numpy())

    def write_image(self) -> None:
        """Write the images, of whichever source was chosen; nothing without their folder."""
        if not has(self.raw, "image"):
            LOGGER.info("image/ is absent: no modality 'image'")
        elif self.preparation.image_source == "freesurfer":
            path = find_table(self.raw, "image", FREESURFER)
            regions = read_freesurfer(path, self.preparation)
            features = _features(regions.names, [False] * len(regions.names))
            self._write("image", regions.stay_id, features, "standard", regions.fill)
            self.counts["image"] = regions.counts
        else:
            drop = self.preparation.zero_scans == "drop"
            volumes = read_ravens(self.raw / "image", drop_zero_scans=drop)
            names = [f"voxel_{x}_{y}_{z}" for x, y, z in volumes.voxel.tolist()]
            features = _features(names, [False] * len(names))
            features = features.with_columns(place=pl.Series(volumes.place, dtype=pl.Int64))
            self._write("image", volumes.stay_id, features, "pooled", volumes.fill, volumes.shape)
            self.counts["image"] = volumes.counts

    def write_genomic(self) -> None:
        """Write the dosages of variants; nothing without their folder."""
        if not has(self.raw, "genomic"):
            LOGGER.info("genomic/ is absent: no modality 'genomic'")
            return
        dosages = read_genomic(self.raw / "genomic", self.work, self.preparation)
        # An unknown dosage is filled as that of a category: with the most frequent one.
        features = _features(dosages.names, [True] * len(dosages.names))
        self._write("genomic", dosages.stay_id, features, "range", dosages.fill, dtype=np.int8)
        self.counts["genomic"] = dosages.counts

    def write_study(self, name: str, read: Callable[[Path, pl.Series, Preparation], Study]) -> None:
        """Write the study tables of one modality, read by `read`; nothing without their folder."""
        if not has(self.raw, name):
            LOGGER.info("%s/ is absent: no modality %r", name, name)
            return
        study = read(self.raw, self.labels.complete, self.preparation)
        vectors = study.features
        features = _features(vectors.names, vectors.categorical)
        self._write(name, vectors.stay_id, features, "range", vectors.fill)
        self.seen.append(study.seen)
        self.counts[name] = study.counts

    def finish(self, source: str) -> None:
        """Write the subjects, and what describes the folder.

        Raises
        ------
        FleximodalError
            If no subject has a label.
        """
        shutil.rmtree(self.work)
        stays = self._stays()
        if stays["diagnosis"].null_count() == stays.height:
            raise FleximodalError(
                f"{self.raw}: no subject has one diagnosis at all visits; give the whole tables."
            )
        stays.write_parquet(self.folder / "stays.parquet")
        pl.DataFrame(schema=_EVENTS).write_parquet(self.folder / "events.parquet")
        write_json(self.folder / "modalities.json", {"subject": self.entries})
        counts = {
            "release": "generated" if source.startswith("synthetic-") else self.release,
            "channels": "unknown",
            "subjects": _tell_subjects(stays),
            "combinations": self._combinations(stays),
            "raw": raw_facts(self.raw),
            **self.counts,
        }
        write_json(self.folder / "counts.json", counts)
        regions = self.preparation.image_source == "freesurfer"
        inputs = [
            file
            for file in find_files(self.raw)
            if file.parent.name != "image" or (file.suffix == ".csv") == regions
        ]
        tables = {"stays.parquet": stays.height, "events.parquet": 0}
        settings = {"source": source, "preparation": self.preparation.model_dump(mode="json")}
        write_manifest(
            self.folder,
            "write_canonical",
            inputs=inputs,
            rows=tables | {f"{name}.parquet": len(ids) for name, ids in self.present.items()},
            settings=settings,
        )

    def _write(
        self,
        name: str,
        stay_id: np.ndarray,
        features: pl.DataFrame,
        scaling: str,
        fill: Callable[[np.ndarray], None],
        shape: Sequence[int] | None = None,
        dtype: type[np.generic] = np.float32,
    ) -> None:
        if not len(stay_id) or features.is_empty():
            raise FleximodalError(
                f"{self.raw / name} leaves no subject or no feature; give the whole files or "
                "remove the folder."
            )
        entry, vectors = write_modality(
            self.folder, name, stay_id, features, dtype=dtype, scaling=scaling, shape=shape
        )
        fill(vectors)
        vectors.flush()
        self.entries.append(entry)
        self.seen.append(stay_id)
        self.present[name] = stay_id
        LOGGER.info("%s: %s subjects, %s features", name, len(stay_id), features.height)

    def _stays(self) -> pl.DataFrame:
        everyone = pl.DataFrame({"stay_id": np.unique(np.concatenate(self.seen))})
        told = everyone.join(self.labels.subjects, on="stay_id", how="left", maintain_order="left")
        unknown = pl.col("diagnosis").is_null() & pl.col("why").is_null()
        return told.select(
            "stay_id",
            pl.col("stay_id").alias("patient_id"),
            "diagnosis",
            why=pl.when(unknown).then(pl.lit(NO_ROW)).otherwise("why"),
        )

    def _combinations(self, stays: pl.DataFrame) -> dict[str, int]:
        """Return how many labelled subjects have exactly which modalities, by their initials."""
        labelled = stays.filter(pl.col("diagnosis").is_not_null())["stay_id"].to_numpy()
        letters = np.full(len(labelled), "", dtype=object)
        for name, stay_id in self.present.items():
            letters = letters + np.where(np.isin(labelled, stay_id), name[0].upper(), "")
        found, count = np.unique(letters.astype(str), return_counts=True)
        return dict(zip(found.tolist(), count.tolist(), strict=True))


def _features(names: Sequence[str], categorical: Sequence[bool]) -> pl.DataFrame:
    return pl.DataFrame(
        {"feature": names, "categorical": categorical},
        schema={"feature": pl.String, "categorical": pl.Boolean},
    )


def _tell_subjects(stays: pl.DataFrame) -> dict[str, int]:
    reasons = stays["why"].drop_nulls().value_counts(name="number").sort("why")
    labels = stays["diagnosis"].drop_nulls().value_counts(name="number").sort("diagnosis")
    return {
        "all": stays.height,
        "labelled": int(labels["number"].sum()),
        **{f"diagnosis_{code}": number for code, number in labels.iter_rows()},
        **{str(why): number for why, number in reasons.iter_rows()},
    }
