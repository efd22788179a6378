"""One byte changed on the disk stops the job that reads it, and is mended by a run."""

import os
import re
from pathlib import Path

import pytest

from tests.workflow.conftest import Project

# One worker runs them all, so that the graph is run once for them.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("graph")]

STUDY = "synthetic-physionet2012/48-IHM"
CELL = f"{STUDY}/official/all/vitals+labs+ventilation+static"
# From the end of the graph to its beginning, so that no job meets the damage of another line:
# what is damaged, and what is made from it next.
DAMAGES = [
    (f"metrics/{CELL}/Concat/paper/metrics.json", "tables/tiny.csv"),
    (f"runs/{CELL}/HAIM/paper/predictions.parquet", f"metrics/{CELL}/HAIM/paper/metrics.json"),
    (
        f"runs/{CELL}/Concat/paper/checkpoints/official-1.safetensors",
        f"robustness/{CELL}/Concat/paper/predictions.parquet",
    ),
    (
        f"dataset/{STUDY}/scalers/official/.scalers.json.seal.json",
        f"cohorts/{STUDY}/leakage/official/leakage.json",
    ),
    (
        f"cohorts/{STUDY}/splits/official/splits.parquet",
        f"dataset/{STUDY}/scalers/official/scalers.json",
    ),
    (
        f"dataset/{STUDY}/packed/dataset.safetensors",
        f"dataset/{STUDY}/scalers/official/scalers.json",
    ),
    (
        "canonical/synthetic-physionet2012/events.parquet",
        f"cohorts/{STUDY}/cohort/cohort.parquet",
    ),
]
SAME = ("canonical", "cohorts", "dataset", "metrics", "runs", "figures")


def flip(path: Path) -> None:
    """Change one bit in the middle of a file, as a disk would: its time stays."""
    times = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def contents(project: Project) -> dict[Path, bytes]:
    """Return the bytes of results that are the same in every run: all but costs and records."""
    results = project.folder / "results"
    files = [path for name in SAME for path in (results / name).rglob("*") if path.is_file()]
    return {
        path.relative_to(results): path.read_bytes()
        for path in files
        if "cost.json" not in path.name
        and not path.name.endswith(".job.json")
        and path.suffix not in (".pdf", ".png", ".svg")
    }


def test_damage_is_named_by_the_next_job_and_mended_by_a_run(
    finished: Project, changed: Project
) -> None:
    removed = set()
    for damaged, target in DAMAGES:
        flip(changed.folder / "results" / damaged)
        outcome = changed.run(f"results/{target}", "--force")
        assert outcome.code != 0, damaged
        errors = [line for line in outcome.text.splitlines() if "ERROR:" in line]
        assert errors and f"results/{Path(damaged).parent}" in errors[0], outcome.text
        assert Path(damaged).name in errors[0], outcome.text
        assert "Traceback" not in outcome.text
        assert not (changed.folder / "results" / target).exists()
        (told,) = re.findall(r"remove (\S+?)(?: and (\S+))? and run snakemake again", errors[0])
        removed |= {name for name in told if name}

    for name in removed:
        (changed.folder / name).unlink(missing_ok=True)
    outcome = changed.run("all")
    assert outcome.code == 0, outcome.text
    assert contents(changed) == contents(finished)
