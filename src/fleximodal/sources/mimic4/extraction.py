"""One extraction: the tables written so far, what was counted, and the files that were read."""

import logging
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.io.atomic import write_json
from fleximodal.io.manifest import write_manifest
from fleximodal.sources.mimic.events import write_events
from fleximodal.sources.mimic.segments import stay_segments
from fleximodal.sources.mimic4.admission_labs import FEATURES, write_admission_labs
from fleximodal.sources.mimic4.admissions import last_admissions, read_admissions
from fleximodal.sources.mimic4.channels import HAIM_LABS, Channel, TableName
from fleximodal.sources.mimic4.chart import extract_chart, place_chart
from fleximodal.sources.mimic4.diagnoses import write_diagnoses
from fleximodal.sources.mimic4.ecgs import write_ecg_records, write_ecgs
from fleximodal.sources.mimic4.folders import Mimic4Folders
from fleximodal.sources.mimic4.images import write_images
from fleximodal.sources.mimic4.labs import extract_labs, place_labs
from fleximodal.sources.mimic4.notes import write_discharge, write_radiology
from fleximodal.sources.mimic4.release import GENERATED, check_release, detect_release
from fleximodal.sources.mimic4.stays import read_stays

LOGGER = logging.getLogger("fleximodal.sources")


class Extraction:
    """Writes the canonical tables of one source into a folder, step by step."""

    def __init__(self, folders: Mimic4Folders, folder: Path, *, range_filter: bool) -> None:
        self.folders, self.folder, self.range_filter = folders, folder, range_filter
        self.work = folder / "unsorted"
        self.work.mkdir()
        self.rows: dict[str, dict[str, int]] = {}
        self.counts: dict[str, Any] = {}
        self.inputs: list[Path] = []
        self.stay_entries: list[dict[str, Any]] = []
        self.unit_entries: list[dict[str, Any]] = []

    def read_stays(self, source: str) -> None:
        """Write stays and admissions, and tell the release by the number of stays."""
        admissions_path = self._input(self.folders.hosp("admissions"))
        patients_path = self._input(self.folders.hosp("patients"))
        stays_path = self._input(self.folders.icu("icustays"))
        admissions, admission_counts = read_admissions(patients_path, admissions_path)
        self.stays, stay_counts = read_stays(stays_path, admissions, admissions_path)
        self.units = last_admissions(admissions)
        self.segments = stay_segments(self.stays)
        generated = source.startswith("synthetic-")
        self.release = GENERATED if generated else detect_release(stay_counts["stays"])
        self.counts |= {
            "release": self.release,
            "admissions": {**admission_counts, "last_of_several": self.units.height},
            "stays": stay_counts,
        }
        self._read("hosp/patients", admission_counts["patients"], admission_counts["patients"])
        self._read("hosp/admissions", admission_counts["admissions"], admissions.height)
        self._read("icu/icustays", stay_counts["stays"], self.stays.height)
        self.stays.write_parquet(self.folder / "stays.parquet")
        admissions.write_parquet(self.folder / "admissions.parquet")

    def write_measurements(self, preset: tuple[Channel, ...], *, bound_at_outtime: bool) -> None:
        """Write events and the summaries of admissions from chartevents and labevents."""
        chart, labs = self.work / "chart.parquet", self.work / "labs.parquet"
        chart_path = self._input(self.folders.icu("chartevents"))
        chart_rows = extract_chart(chart_path, _items(preset, "chartevents"), chart)
        lab_path = self._input(self.folders.hosp("labevents"))
        lab_items = sorted({*_items(preset, "labevents"), *_items(HAIM_LABS, "labevents")})
        lab_rows = extract_labs(lab_path, lab_items, self.stays, self.units, labs)
        unsorted = [self.work / "chart_events.parquet", self.work / "lab_events.parquet"]
        names = [channel.name for channel in preset]
        self.counts["chartevents"] = place_chart(
            chart,
            self.stays,
            preset,
            unsorted[0],
            range_filter=self.range_filter,
            bound_at_outtime=bound_at_outtime,
        )
        self.counts["labevents"] = place_labs(
            labs, self.stays, preset, unsorted[1], range_filter=self.range_filter
        )
        events = self.folder / "events.parquet"
        self.counts["events"] = write_events(unsorted, self.stays, names, events)
        self.counts["admission_labs"] = write_admission_labs(
            labs,
            events,
            self.units,
            self.stays,
            self.work,
            self.folder / "admission_labs.parquet",
            range_filter=self.range_filter,
        )
        self._read("icu/chartevents", chart_rows, self.counts["chartevents"]["kept"])
        self._read("hosp/labevents", lab_rows, self.counts["labevents"]["kept"])
        self.stay_entries.append(
            {"name": "vitals", "kind": "series", "table": "events.parquet", "channels": names}
        )
        self.unit_entries.append(
            {
                "name": "labs",
                "kind": "items",
                "table": "admission_labs.parquet",
                "features": list(FEATURES),
                "single": True,
            }
        )

    def write_items(self) -> None:
        """Write diagnoses and, where their modules are there, notes, radiographs and ECGs."""
        radiology, discharge = self.folders.radiology(), self.folders.discharge()
        images, ecgs = self.folders.images(), self.folders.ecgs()
        self._items("note/radiology", radiology, "notes", write_radiology, encoded="notes")
        self._items("cxr/metadata", images, "images", write_images, name="cxr")
        self._items("ecg/record_list", ecgs, "ecgs", write_ecgs, name="ecg")
        if ecgs is not None:
            self.counts["ecg_records"] = write_ecg_records(
                ecgs, self.work / "records.parquet", self.folder / "ecg_records.parquet"
            )
        if discharge is None:
            LOGGER.info("note/discharge is absent: no discharge notes")
        else:
            self._count(
                "note/discharge",
                "discharge_notes",
                write_discharge(
                    self._input(discharge),
                    self.units,
                    self.work / "discharge.parquet",
                    self.folder / "discharge_notes.parquet",
                ),
            )
            self.unit_entries.append(_single("notes", "discharge_notes", "discharge"))
        diagnoses = self._input(self.folders.hosp("diagnoses_icd"))
        self._count(
            "hosp/diagnoses_icd",
            "diagnoses",
            write_diagnoses(
                diagnoses, self.work / "diagnoses.parquet", self.folder / "diagnoses.parquet"
            ),
        )
        self.unit_entries.append(_single("codes", "diagnoses", "codes"))

    def finish(self, settings: Mapping[str, Any]) -> None:
        """Compare the numbers of rows with those published, and write what describes the folder."""
        check_release(self.release, {name: rows["read"] for name, rows in self.rows.items()})
        shutil.rmtree(self.work)
        modules = {
            "core": True,
            "note": self.folders.note is not None,
            "cxr": self.folders.cxr is not None,
            "ecg": self.folders.ecg is not None,
        }
        tables = sorted(self.folder.glob("*.parquet"))
        modalities = {"stay": self.stay_entries, "admission": self.unit_entries}
        write_json(self.folder / "modalities.json", modalities)
        counts = {**self.counts, **settings, "modules": modules, "rows": self.rows}
        write_json(self.folder / "counts.json", counts)
        write_manifest(
            self.folder,
            "write_canonical",
            inputs=self.inputs,
            rows={path.name: _height(path) for path in tables},
            settings={**settings, "release": self.release},
        )

    def _items(
        self,
        table: str,
        path: Path | None,
        output: str,
        write: Callable[[Path, pl.DataFrame, Path, Path], dict[str, Any]],
        *,
        name: str | None = None,
        encoded: str | None = None,
    ) -> None:
        name = name or output
        if path is None:
            LOGGER.info("%s is absent: no modality %r", table, name)
            return
        unsorted, target = self.work / f"{output}.parquet", self.folder / f"{output}.parquet"
        self._count(table, output, write(self._input(path), self.segments, unsorted, target))
        self.stay_entries.append(_vectors(name, output, encoded or name))

    def _count(self, table: str, output: str, counts: dict[str, Any]) -> None:
        self.counts[output] = counts
        self._read(table, counts["read"], _height(self.folder / f"{output}.parquet"))

    def _read(self, table: str, read: int, kept: int) -> None:
        self.rows[table] = {"read": read, "kept": kept}
        LOGGER.info("%s: %s rows read, %s kept", table, f"{read:,}", f"{kept:,}")

    def _input(self, path: Path) -> Path:
        self.inputs.append(path)
        return path


def _items(channels: tuple[Channel, ...], table: TableName) -> list[int]:
    return [item for channel in channels if channel.table == table for item in channel.items]


def _vectors(name: str, table: str, encoded: str) -> dict[str, Any]:
    return {"name": name, "kind": "vectors", "table": f"{table}.parquet", "encoded": encoded}


def _single(name: str, table: str, encoded: str) -> dict[str, Any]:
    """Return the entry of items of which a unit has one vector."""
    return {**_vectors(name, table, encoded), "single": True}


def _height(path: Path) -> int:
    return int(pl.scan_parquet(path).select(pl.len()).collect().item())
