"""Where raw files are looked for, and what is said of a folder that is not the one."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from fleximodal.config.available import available_sources
from fleximodal.config.folders import find_adni, find_mimic3, find_mimic4, find_physionet2012
from fleximodal.config.load import load_config
from fleximodal.config.schema import Config
from fleximodal.errors import FleximodalError


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLEXIMODAL_DATA", raising=False)


def config_of(folder: Path, **sources: dict[str, Any]) -> Config:
    return load_config({"tables": ["t"], "data_folders": [str(folder)], "sources": sources})


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_release_of_2012_is_found_configured_or_absent(tmp_path: Path) -> None:
    folder = tmp_path / "physionet-challenge-2012"
    config = config_of(tmp_path)
    assert find_physionet2012(config) is None
    touch(folder, "Outcomes-a.txt", "Outcomes-b.txt", "Outcomes-c.txt", "set-a.tar.gz")
    (folder / "set-b").mkdir()
    assert find_physionet2012(config) is None, "an interrupted download is no release"
    half = config_of(tmp_path, physionet2012={"folder": str(folder)})
    with pytest.raises(FleximodalError, match="has no set-c.tar.gz"):
        find_physionet2012(half)
    (folder / "set-c.tar.gz").touch()
    assert find_physionet2012(config) == folder
    assert find_physionet2012(half) == folder
    wrong = config_of(tmp_path, physionet2012={"folder": str(tmp_path / "nowhere")})
    with pytest.raises(FleximodalError, match="nowhere is not a folder"):
        find_physionet2012(wrong)


CORE = ("hosp/admissions.csv.gz", "icu/icustays.csv.gz")


def test_modules_of_mimic4_are_found_each_in_its_place(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    touch(tmp_path / "mimic-iv-ecg" / "1.0", "record_list.csv")
    assert find_mimic4(config) == {}, "without hosp and icu there is no source"
    demo = touch(tmp_path / "mimic-iv-clinical-database-demo-2.2", *CORE)
    ecg = tmp_path / "mimic-iv-ecg" / "1.0"
    assert find_mimic4(config) == {"core": demo, "ecg": ecg}
    full = touch(tmp_path / "mimiciv" / "2.2", "hosp/admissions.csv", "icu/icustays.csv")
    assert find_mimic4(config)["core"] == full, "the full release goes before the demo"
    note = touch(tmp_path / "elsewhere", "note/radiology.csv.gz")
    given = config_of(tmp_path, mimic4={"folder": str(demo), "note_folder": str(note)})
    assert find_mimic4(given) == {"core": demo, "note": note, "ecg": ecg}


@pytest.mark.parametrize(
    ("key", "missing"),
    [
        ("folder", "hosp/admissions.csv.gz"),
        ("note_folder", "note/radiology.csv.gz"),
        ("cxr_folder", "mimic-cxr-2.0.0-metadata.csv.gz"),
        ("ecg_folder", "record_list.csv.gz"),
    ],
)
def test_folder_that_is_not_the_one_is_refused(tmp_path: Path, key: str, missing: str) -> None:
    config = config_of(tmp_path, mimic4={key: str(tmp_path)})
    with pytest.raises(FleximodalError) as caught:
        find_mimic4(config)
    assert f"sources.mimic4.{key}: {tmp_path} has no {missing}" in str(caught.value)


def test_mimic3_in_lower_case_and_upper_case(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    assert find_mimic3(config) is None
    folder = tmp_path / "mimiciii" / "1.4"
    touch(folder, "icustays.csv", "CHARTEVENTS.csv.gz")
    assert find_mimic3(config) == folder


def test_modalities_follow_what_is_there(tmp_path: Path) -> None:
    touch(tmp_path / "mimiciv" / "2.2", *CORE)
    notes = tmp_path / "mimic-iv-note" / "2.2" / "note"
    notes.mkdir(parents=True)
    (notes / "radiology.csv").write_text("note_id\n1\n")
    (notes / "discharge.csv").write_text("note_id\n")
    mimic3 = touch(tmp_path / "mimiciii" / "1.4", "ICUSTAYS.csv", "CHARTEVENTS.csv")
    (mimic3 / "NOTEEVENTS.csv.gz").write_bytes(gzip.compress(b"ROW_ID\n1\n"))
    sources = available_sources(config_of(tmp_path), tmp_path / "raw")
    assert set(sources) == {
        *("synthetic-physionet2012", "synthetic-mimic4", "synthetic-mimic3", "synthetic-adni"),
        *("mimic4", "mimic3"),
    }
    assert sources["mimic4"].modalities == {
        "stay": ("vitals", "notes"),
        "admission": ("labs", "codes"),
    }
    assert sources["mimic4"].has("48-IHM", "vitals+notes")
    assert not sources["mimic4"].has("48-IHM", "vitals+cxr")
    assert not sources["mimic4"].has("one-year-mortality", "labs+notes+codes")
    assert sources["mimic3"].modalities == {"stay": ("vitals", "notes")}


DIAGNOSES = "diagnosis/DXSUM_PDXCONV_22Apr2024.csv"


def test_adni_is_found_configured_or_absent_with_its_modalities(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    assert find_adni(config) is None
    (tmp_path / "adni" / "image").mkdir(parents=True)
    (tmp_path / "adni" / "clinical").mkdir()
    assert find_adni(config) is None, "without diagnoses there is no source"
    touch(tmp_path / "adni", DIAGNOSES)
    assert find_adni(config) == tmp_path / "adni"
    sources = available_sources(config, tmp_path / "raw")
    assert sources["adni"].modalities == {"subject": ("image", "clinical")}
    assert sources["adni"].has("diagnosis", "image+clinical")
    assert not sources["adni"].has("diagnosis", "image+genomic")
    generated = sources["synthetic-adni"]
    assert generated.has("diagnosis", "image+genomic+clinical+biospecimen")
    assert generated.folders == {"core": tmp_path / "raw" / "synthetic-adni"}

    given = touch(tmp_path / "elsewhere", DIAGNOSES)
    assert find_adni(config_of(tmp_path, adni={"folder": str(given)})) == given
    for folder, what in ((tmp_path / "raw", "is not a folder"), (tmp_path, "has no diagnosis/")):
        with pytest.raises(FleximodalError, match=f"sources.adni.folder: {folder} {what}"):
            find_adni(config_of(tmp_path, adni={"folder": str(folder)}))
