"""A small project of its own for each group of tests, and a way to run its graph."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PARTS = ["Snakefile", "rules", "workflow", "config", "envs", "profiles", "src"]

CONFIG: dict[str, Any] = {
    "tables": ["tiny"],
    "figures": [],
    "data_folders": ["nothing-here"],
    "sources": {
        "synthetic": {
            "physionet2012": {"stays_per_set": 60, "seed": 1},
            "hospital": {"stays": 200, "seed": 1, "image_pixels": 64},
        }
    },
    "seeds": [1],
    "training": {"epochs": 1, "learning_rate": 0.01, "select_metric": "auroc", "device": "cpu"},
    "network": {"width": 8, "heads": 2, "layers": 1, "time_width": 8, "time_heads": 2},
    "methods": {"HAIM": {"grid": "off"}},
    "evaluation": {"bootstrap_replicates": 20},
}

TABLE: dict[str, Any] = {
    "title": "A tiny table (synthetic data)",
    "caption": "Synthetic data.",
    "source": "synthetic-physionet2012",
    "task": "48-IHM",
    "protocol": "official",
    "modalities": ["vitals+labs+ventilation+static"],
    "methods": ["HAIM", "Concat", "FuseMoE-Laplace"],
    "metrics": ["auroc", "auprc", "brier"],
}


@dataclass(frozen=True)
class Project:
    """A copy of the project with a configuration and a table of its own."""

    folder: Path

    def write(self, config: dict[str, Any], **tables: dict[str, Any]) -> None:
        (self.folder / "config" / "test.yaml").write_text(yaml.safe_dump(config))
        for name, table in tables.items():
            (self.folder / "config" / "tables" / f"{name}.yaml").write_text(yaml.safe_dump(table))

    def run(self, *arguments: str, config: str = "config/test.yaml") -> "Outcome":
        command = [sys.executable, "-m", "snakemake", *arguments]
        environment = {k: v for k, v in os.environ.items() if k != "FLEXIMODAL_DATA"}
        done = subprocess.run(
            [*command, "--cores", "2", "--configfile", *config.split()],
            cwd=self.folder,
            env={**environment, "NO_PROXY": "127.0.0.1,localhost"},
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        return Outcome(done.returncode, done.stdout + done.stderr)

    def jobs(self, *arguments: str) -> dict[str, int]:
        """Return the rules a dry run would run, with the number of jobs of each."""
        outcome = self.run(*arguments, "--dry-run", "--quiet", "rules")
        assert outcome.code == 0, outcome.text
        counts = {}
        for line in outcome.text.splitlines():
            words = line.split()
            if len(words) == 2 and words[1].isdigit() and words[0] not in ("total", "job"):
                counts[words[0]] = int(words[1])
        return counts


@dataclass(frozen=True)
class Outcome:
    code: int
    text: str


def make_project(folder: Path) -> Project:
    folder.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(source, folder / part, ignore=ignore)
        else:
            shutil.copy2(source, folder / part)
    project = Project(folder)
    project.write(CONFIG, tiny=TABLE)
    return project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project in which nothing was run."""
    return make_project(tmp_path / "project")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose graph was run once; tests must not change it."""
    project = make_project(tmp_path_factory.mktemp("finished") / "project")
    outcome = project.run("all")
    assert outcome.code == 0, outcome.text
    return project


@pytest.fixture
def changed(finished: Project, tmp_path: Path) -> Project:
    """A copy of the finished project, to change."""
    shutil.copytree(finished.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")
