"""The crate: valid, complete from table to raw files, and without rows of patients."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from rocrate.rocrate import ROCrate

from fleximodal.errors import FleximodalError
from tests.unit.publishing import crate_runs
from tests.unit.publishing.crate_runs import RECORD, STAY, TABLES
from tests.unit.publishing.crate_validation import issues

METADATA = "ro-crate-metadata.json"


@pytest.fixture
def crate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    crate_runs.run(tmp_path)
    return crate_runs.write()


def entities(folder: Path) -> dict[str, dict[str, Any]]:
    graph = json.loads((folder / METADATA).read_text())["@graph"]
    assert len({entity["@id"] for entity in graph}) == len(graph)
    return {entity["@id"]: entity for entity in graph}


def references(value: Any) -> list[str]:
    return [item["@id"] for item in (value if isinstance(value, list) else [value])]


def test_it_is_a_provenance_run_crate(
    crate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert issues(crate, tmp_path, monkeypatch) == []


def test_the_validation_finds_what_is_missing(
    crate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = json.loads((crate / METADATA).read_text())
    for entity in metadata["@graph"]:
        if entity["@type"] == "CreateAction":
            del entity["instrument"]
    (crate / METADATA).write_text(json.dumps(metadata))
    (crate / "results" / "tables" / "both.csv").unlink()
    found = "\n".join(issues(crate, tmp_path, monkeypatch))
    assert "instrument" in found
    assert "results/tables/both.csv" in found


def test_the_library_reads_it_back(crate: Path) -> None:
    read = ROCrate(crate)
    assert read.mainEntity.id == "code/Snakefile"
    assert read.mainEntity["programmingLanguage"]["name"] == "Snakemake"
    for table in TABLES:
        entity = read.get(table)
        copy = crate / table
        assert copy.read_bytes() == Path(table).read_bytes()
        assert entity["sha256"] == hashlib.sha256(copy.read_bytes()).hexdigest()
        assert entity["contentSize"] == str(copy.stat().st_size)


def test_synthetic_results_say_so(crate: Path) -> None:
    said = {name: entities(crate)[name]["keywords"] for name in TABLES}
    assert list(said.values()) == ["synthetic", "real", "synthetic and real", "no data"]


def test_every_reference_leads_somewhere(crate: Path) -> None:
    found = entities(crate)
    for entity in found.values():
        for value in entity.values():
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict) and not item["@id"].startswith("http"):
                    assert item["@id"] in found


def test_a_step_stands_after_those_whose_files_its_jobs_read(crate: Path) -> None:
    found = entities(crate)
    steps = {
        name.removeprefix("#step/"): int(entity["position"])
        for name, entity in found.items()
        if entity["@type"] == "HowToStep"
    }
    assert sorted(steps, key=lambda rule: steps[rule]) == list(crate_runs.RULES)
    jobs = [name for name in found if name.startswith("#job/")]
    controlled = [
        name
        for entity in found.values()
        if entity["@type"] == "ControlAction"
        for name in references(entity["object"])
    ]
    assert sorted(controlled) == sorted(jobs)


def test_the_same_run_gives_the_same_bytes(crate: Path) -> None:
    again = crate_runs.write("again")
    files = [path.relative_to(crate) for path in crate.rglob("*") if path.is_file()]
    assert len(files) > len(TABLES)
    for file in files:
        assert (again / file).read_bytes() == (crate / file).read_bytes(), file


def test_nothing_of_a_patient_is_in_it(crate: Path) -> None:
    for file in crate.rglob("*"):
        assert file.suffix != ".parquet"
        if file.is_file():
            text = file.read_text()
            assert str(STAY) not in text
            assert str(RECORD) not in text
    described = entities(crate)["#results/canonical/lab/stays.parquet"]
    assert set(described) == {"@id", "@type", "name", "encodingFormat", "sha256", "contentSize"}


def test_a_folder_is_one_entity_with_one_checksum(crate: Path) -> None:
    folder = entities(crate)["#results/raw/synthetic-lab/images"]
    assert folder["@type"] == "Dataset"
    listing = f"{hashlib.sha256(b'pixels').hexdigest()}  p{STAY}.jpg\n"
    assert folder["sha256"] == hashlib.sha256(listing.encode()).hexdigest()


def test_results_of_a_rule_that_is_gone_are_named(crate: Path) -> None:
    crate_runs.job("old_rule", {crate_runs.NONE: "d,1"})
    with pytest.raises(FleximodalError, match="old_rule"):
        crate_runs.write()


def test_an_error_leaves_the_crate_of_before(crate: Path) -> None:
    before = (crate / METADATA).read_bytes()
    Path(crate_runs.REAL).write_text("b,2")
    with pytest.raises(FleximodalError, match=crate_runs.REAL):
        crate_runs.write()
    assert (crate / METADATA).read_bytes() == before
