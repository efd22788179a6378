"""The folders of the generated hospital: layout, repeatability, images, ECGs, refusals."""

import csv
import gzip
import hashlib
import json
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import wfdb
from PIL import Image

from fleximodal.errors import FleximodalError
from fleximodal.sources.hospital import write_hospital
from fleximodal.sources.hospital.block import Settings, draw_block_people
from fleximodal.sources.hospital.ecgs import LEADS
from tests.unit.sources.hospital_layout import LAYOUT, OF_MIMIC3, OF_MIMIC4

STAYS, SEED = 100, 4
SECONDS = 15.0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    folder = tmp_path_factory.mktemp("made") / "hospital"
    start = time.process_time()
    write_hospital(folder, stays=STAYS, seed=SEED, image_pixels=128)
    return folder, time.process_time() - start


@pytest.fixture(scope="module")
def hospital(made: tuple[Path, float]) -> Path:
    return made[0]


def header(path: Path) -> list[str]:
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else path.open()
    with opened as file:
        return next(csv.reader(file))


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_hundred_stays_with_all_files_take_seconds(made: tuple[Path, float]) -> None:
    assert made[1] < SECONDS


def test_core_tables_have_the_columns_of_the_real_release(hospital: Path, real_data: Path) -> None:
    real = real_data / "mimic-iv-clinical-database-demo-2.2"
    for name in OF_MIMIC4:
        assert header(hospital / "mimic-iv" / f"{name}.csv.gz") == header(real / f"{name}.csv.gz")
    real = real_data / "mimic-iii-clinical-database-demo-1.4"
    for name in OF_MIMIC3:
        assert header(hospital / "mimic-iii" / f"{name}.csv.gz") == header(real / f"{name}.csv.gz")


def test_other_tables_have_the_documented_columns(hospital: Path) -> None:
    for name, columns in LAYOUT.items():
        assert header(hospital / name) == columns, name


def test_only_the_files_of_the_layout_are_there(hospital: Path) -> None:
    tables = {f"mimic-iv/{name}.csv.gz" for name in OF_MIMIC4} | set(LAYOUT)
    tables |= {f"mimic-iii/{name}.csv.gz" for name in OF_MIMIC3}
    found = {name for name in hashes(hospital) if "/files/" not in name}
    assert found == tables | {"README.txt", "truth.json"}


def test_equal_arguments_give_equal_bytes_whatever_the_workers(tmp_path: Path) -> None:
    settings = {"stays": 260, "mimic3_stays": 50, "image_pixels": 32, "hours_between_rounds": 8.0}
    for name, seed, workers in (("one", 1, 1), ("same", 1, 3), ("other", 2, 1)):
        write_hospital(
            tmp_path / name,
            seed=seed,
            workers=workers,
            file_stays=15,
            **settings,  # type: ignore[arg-type]
        )
    one, same, other = (hashes(tmp_path / name) for name in ("one", "same", "other"))
    assert one == same
    unchanged = {name for name in one if other.get(name) == one[name]}
    fixed = {
        *("mimic-iv/hosp/d_icd_diagnoses.csv.gz", "mimic-iv/hosp/d_labitems.csv.gz"),
        *("mimic-iv/icu/d_items.csv.gz", "mimic-iii/D_ITEMS.csv.gz", "README.txt"),
        *("mimic-iii/D_LABITEMS.csv.gz", "mimic-iii/D_ICD_DIAGNOSES.csv.gz"),
        "mimic-iii/OUTPUTEVENTS.csv.gz",
    }
    assert unchanged == fixed


def test_blocks_do_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    """The first whole block of a small hospital is that of a larger one."""
    frames = []
    for name, stays in (("small", 250), ("large", 300)):
        write_hospital(
            tmp_path / name,
            stays=stays,
            seed=1,
            images="tables",
            ecgs="none",
            mimic3_stays=0,
            hours_between_rounds=12,
        )
        path = tmp_path / name / "mimic-iv" / "icu" / "chartevents.csv.gz"
        frames.append(pl.read_csv(path, infer_schema=False))
    small, large = frames
    assert small.equals(large.head(small.height))
    assert not (tmp_path / "small" / "mimic-iii").exists()
    assert not (tmp_path / "small" / "mimic-iv-ecg").exists()
    assert not (tmp_path / "small" / "mimic-cxr-jpg" / "files").exists()


def test_every_listed_image_is_a_greyscale_jpeg_of_the_listed_size(hospital: Path) -> None:
    folder = hospital / "mimic-cxr-jpg"
    metadata = pl.read_csv(folder / "mimic-cxr-2.0.0-metadata.csv.gz")
    assert metadata["dicom_id"].n_unique() == metadata.height > 20
    files = {path for path in folder.rglob("*.jpg")}
    assert len(files) == metadata.height
    for row in metadata.iter_rows(named=True):
        subject, study = row["subject_id"], row["study_id"]
        path = folder / f"files/p{str(subject)[:2]}/p{subject}/s{study}/{row['dicom_id']}.jpg"
        with Image.open(path) as image:
            assert (image.format, image.mode) == ("JPEG", "L")
            assert image.size == (row["Columns"], row["Rows"])
            levels = np.asarray(image)
        assert max(image.size) == 128
        assert levels.std() > 15
        assert 30 < levels.mean() < 225


def test_every_listed_ecg_is_a_wfdb_record(hospital: Path) -> None:
    folder = hospital / "mimic-iv-ecg"
    listed = pl.read_csv(folder / "record_list.csv", try_parse_dates=True)
    assert len(list(folder.rglob("*.dat"))) == listed.height > 40
    gaps = 0
    for row in listed.iter_rows(named=True):
        subject, study = row["subject_id"], row["study_id"]
        assert row["path"] == f"files/p{str(subject)[:4]}/p{subject}/s{study}/{study}"
        record = wfdb.rdrecord(str(folder / row["path"]))
        assert (record.fs, record.sig_len, record.units) == (500, 5000, ["mV"] * 12)
        assert record.sig_name == [
            *("I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6")
        ]
        assert record.base_datetime == row["ecg_time"]
        assert record.comments == [str(subject)]
        assert record.adc_gain == [200.0] * 12
        # The checksum is the sum of the samples in 16 bits.
        digital = wfdb.rdrecord(str(folder / row["path"]), physical=False)
        sums = digital.d_signal.astype(np.int64).sum(axis=0)
        assert [s % 65536 for s in digital.checksum] == (sums % 65536).tolist()
        assert digital.init_value == digital.d_signal[0].tolist()
        missing = np.isnan(record.p_signal)
        gaps += bool(missing.any())
        assert np.array_equal(missing, digital.d_signal == -32768)
        # Of the limb leads only two are independent.
        lead = dict(zip(LEADS, np.nan_to_num(record.p_signal).T, strict=True))
        quiet = np.abs(lead["I"] + lead["III"] - lead["II"]).mean()
        assert 0.5 < np.ptp(lead["II"]) < 6
        assert quiet < 0.6
    assert gaps > 0


def test_images_and_ecgs_show_what_their_modality_knows(hospital: Path) -> None:
    """Simple statistics follow x and w of the stay, by the truth that no file holds."""
    settings = Settings(
        stays=STAYS,
        mimic3_stays=STAYS,
        seed=SEED,
        image_pixels=128,
        chart_rows_per_stay=None,
        hours_between_rounds=1.0,
        images="files",
        ecgs="files",
        file_stays=None,
    )
    people = draw_block_people(settings, "mimic4", 0)
    of_patient = people.subject[people.patient[people.admission]]
    once = {
        int(subject): place
        for place, subject in enumerate(of_patient)
        if (people.patient[people.admission] == people.patient[people.admission[place]]).sum() == 1
    }
    images = pl.read_csv(hospital / "mimic-cxr-jpg" / "mimic-cxr-2.0.0-metadata.csv.gz")
    brightness, opacity = [], []
    for row in images.filter(pl.col("subject_id").is_in(list(once))).iter_rows(named=True):
        subject, study = row["subject_id"], row["study_id"]
        name = f"files/p{str(subject)[:2]}/p{subject}/s{study}/{row['dicom_id']}.jpg"
        place = once[subject]
        stamp = f"{row['StudyDate']}{int(row['StudyTime']):06d}"
        try:
            when = np.datetime64(
                f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[8:10]}:{stamp[10:12]}:{stamp[12:]}"
            )
        except ValueError:
            continue
        if people.intime[place] <= when.astype("M8[s]").astype(int) <= people.outtime[place]:
            with Image.open(hospital / "mimic-cxr-jpg" / name) as image:
                brightness.append(np.asarray(image).mean())
            opacity.append(people.latents.x[place, 2])
    assert len(opacity) > 8
    assert np.corrcoef(brightness, opacity)[0, 1] > 0.75
    measured = pl.read_csv(hospital / "mimic-iv-ecg" / "machine_measurements.csv")
    listed = pl.read_csv(hospital / "mimic-iv-ecg" / "record_list.csv", try_parse_dates=True)
    rates, slopes, shown, states = [], [], [], []
    for row in listed.filter(pl.col("subject_id").is_in(list(once))).iter_rows(named=True):
        place = once[row["subject_id"]]
        when = np.datetime64(row["ecg_time"], "s").astype(int)
        if people.intime[place] <= when <= people.outtime[place]:
            signal = np.nan_to_num(
                wfdb.rdrecord(str(hospital / "mimic-iv-ecg" / row["path"])).p_signal
            )
            rates.append(measured.filter(study_id=row["study_id"])["rr_interval"].item())
            slopes.append(np.log(np.abs(np.diff(signal[:, 0], 2)).mean()))
            shown.append(people.latents.x[place, 3])
            states.append(people.latents.w[place, 3])
    assert len(rates) > 15
    assert np.corrcoef(rates, shown)[0, 1] < -0.9
    assert np.corrcoef(slopes, states)[0, 1] > 0.9


def test_says_that_there_are_no_patients_and_holds_aggregates_only(hospital: Path) -> None:
    assert "NO PATIENTS" in (hospital / "README.txt").read_text()
    truth = json.loads((hospital / "truth.json").read_text())
    assert truth["generated"] is True
    assert truth["seed"] == SEED
    assert truth["settings"]["stays"] == truth["stays"] == truth["mimic3"]["stays"] == STAYS
    assert set(truth["optimum"]) == {"48-IHM", "LOS", "25-PHE"}
    assert len(truth["optimum"]["48-IHM"]) == 15
    assert set(truth["mimic3"]["optimum"]["48-IHM"]) == {"vitals", "notes", "vitals+notes"}
    # No list is longer than the phenotypes are many, so no list has an entry per row.
    longest = 0
    waiting = [truth]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            longest = max(longest, len(value))
            waiting += value
    assert longest == 25


def test_numbers_of_rows_are_those_of_the_files(hospital: Path) -> None:
    truth = json.loads((hospital / "truth.json").read_text())
    for path, rows in {**truth["rows"], **truth["mimic3"]["rows"]}.items():
        ending = ".csv" if path.startswith("mimic-iv-ecg/") else ".csv.gz"
        assert pl.read_csv(hospital / (path + ending), infer_schema=False).height == rows, path


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"stays": 49}, "stays is 49; give 50 to 200000"),
        ({"mimic3_stays": 300_000}, "mimic3_stays is 300000; give 50 to 200000"),
        ({"seed": -1}, "seed is -1; give at least 0"),
        ({"image_pixels": 8}, "image_pixels is 8; give at least 32"),
        ({"chart_rows_per_stay": -5}, "chart_rows_per_stay is -5; give at least 0"),
        ({"hours_between_rounds": float("nan")}, "hours_between_rounds is nan"),
        ({"workers": 0}, "workers is 0; give at least 1"),
        ({"ecgs": "all"}, "ecgs is 'all'; choose one of files, tables, none"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, wrong: dict[str, object], message: str) -> None:
    settings: dict[str, object] = {"stays": 50, "seed": 0, **wrong}
    with pytest.raises(FleximodalError, match=message):
        write_hospital(tmp_path / "hospital", **settings)  # type: ignore[arg-type]
    assert not (tmp_path / "hospital").exists()
