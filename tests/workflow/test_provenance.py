"""Provenance of a finished run: a valid crate in which each table leads back to raw files."""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from tests.unit.publishing.crate_validation import issues
from tests.workflow.conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("graph")]

TARGET = "results/provenance/ro-crate-metadata.json"
SOURCE = "synthetic-physionet2012"


@pytest.fixture(scope="module")
def described(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished project with its crate; tests must not change it."""
    folder = tmp_path_factory.mktemp("described") / "project"
    shutil.copytree(finished.folder, folder, symlinks=True)
    project = Project(folder)
    outcome = project.run(TARGET)
    assert outcome.code == 0, outcome.text
    return project


@pytest.fixture
def tampered(described: Project, tmp_path: Path) -> Project:
    """A copy of the project without its crate, to change."""
    project = Project(tmp_path / "project")
    shutil.copytree(described.folder, project.folder, symlinks=True)
    shutil.rmtree(project.folder / "results" / "provenance")
    return project


def entities(project: Project) -> dict[str, dict[str, Any]]:
    graph = json.loads((project.folder / TARGET).read_text(encoding="utf-8"))["@graph"]
    return {entity["@id"]: entity for entity in graph}


def names(value: Any) -> list[str]:
    return [item["@id"] for item in (value if isinstance(value, list) else [value])]


def origins(found: dict[str, dict[str, Any]], start: str) -> tuple[set[str], set[str]]:
    """Return the jobs that one follows to from a file, and the files at which the way ends."""
    makers = {
        file: action["@id"]
        for action in found.values()
        if action["@id"].startswith("#job/")
        for file in names(action["result"])
    }
    jobs, ends, waiting = set(), set(), [start]
    while waiting:
        file = waiting.pop()
        if file not in makers:
            ends.add(file)
        elif makers[file] not in jobs:
            jobs.add(makers[file])
            waiting += names(found[makers[file]]["object"])
    return jobs, ends


def test_the_crate_of_a_run_is_valid(
    described: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert issues(described.folder / "results" / "provenance", tmp_path, monkeypatch) == []


def test_each_table_and_figure_leads_back_to_raw_files(described: Project) -> None:
    found = entities(described)
    results = sorted(
        path.relative_to(described.folder).as_posix()
        for kind in ("tables", "figures")
        for path in (described.folder / "results" / kind).iterdir()
        if not path.name.startswith(".")
    )
    assert len(results) == 8
    raw = described.folder / "results" / "raw" / SOURCE
    archives = [*raw.glob("set-?.tar.gz"), *raw.glob("Outcomes-?.txt")]
    assert len(archives) == 6
    for result in results:
        jobs, ends = origins(found, result)
        rules = {found[job]["name"].split()[0] for job in jobs}
        assert {"generate_physionet2012", "extract_physionet2012", "train_cell"} <= rules
        scripts = {found[job]["instrument"]["@id"] for job in jobs}
        assert "code/workflow/scripts/train_cell.py" in scripts
        read = {name for job in jobs for name in names(found[job]["object"])}
        for archive in archives:
            entity = found[f"#{archive.relative_to(described.folder).as_posix()}"]
            assert entity["@id"] in read
            assert entity["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
        # The way ends at the project's own declarations, and at what a job was told.
        assert {end.split("/")[0] for end in ends} == {
            *("#config", "#settings", "#code", "#environment"),
        }
        assert f"synthetic of {SOURCE}" in found[result]["description"]


def test_settings_code_and_environments_are_in_it(described: Project) -> None:
    found = entities(described)
    config = yaml.safe_load((described.folder / "results/provenance/config.yaml").read_text())
    assert config["evaluation"]["bootstrap_replicates"] == 20
    given = found["#configuration/config/test.yaml"]["sha256"]
    assert given == hashlib.sha256((described.folder / "config/test.yaml").read_bytes()).hexdigest()
    training = next(e for name, e in found.items() if "/FuseMoE-Laplace/paper/cost" in name)
    job = found["#job/" + training["@id"].removeprefix("#")]
    values = {
        found[name]["name"]: json.loads(found[name]["value"])
        for name in names(job["object"])
        if found[name]["@type"] == "PropertyValue"
    }
    assert values["settings"]["description"]["training"]["epochs"] == 1
    assert values["environment"]["packages"]["torch"].startswith("2.")
    assert re.fullmatch("[0-9a-f]{64}", values["code"]["fingerprint"])
    assert found["#step/train_cell"]["buildInstructions"] == {"@id": "code/envs/models.yaml"}


def test_no_stay_and_no_patient_is_in_it(described: Project) -> None:
    stays = pl.read_parquet(described.folder / "results" / "canonical" / SOURCE / "stays.parquet")
    numbers = set(stays["stay_id"]) | set(stays["patient_id"])
    assert len(numbers) >= 180
    assert min(numbers) > 99_999
    for file in (described.folder / "results" / "provenance").rglob("*"):
        if file.suffix in (".json", ".csv", ".yaml", ".md", ".tex", ".html"):
            text = file.read_text(encoding="utf-8")
            # Sizes of files have as many digits; digits of checksums and decimals are no numbers.
            text = re.sub(r'"contentSize": "\d+"', "", text)
            assert not numbers & {int(n) for n in re.findall(r"(?<![\w.])\d{6}(?![\w.])", text)}
    assert not list((described.folder / "results" / "provenance").rglob("*.parquet"))


def test_a_second_run_does_nothing(described: Project) -> None:
    assert described.jobs(TARGET) == {}


@pytest.mark.parametrize("changed", ["tables/tiny.csv", "metrics.json"])
def test_a_file_that_was_changed_by_hand_is_named(tampered: Project, changed: str) -> None:
    file = next((tampered.folder / "results").rglob(changed))
    before = file.stat()
    file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])
    # With the time it had, Snakemake takes it for what it was.
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    outcome = tampered.run(TARGET)
    assert outcome.code != 0
    assert f"{file.relative_to(tampered.folder)} is not what its job wrote" in outcome.text
    assert not (tampered.folder / TARGET).exists()
