"""A run that is killed thirty times ends with the bytes of one that was left alone."""

import random
import re
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.workflow.conftest import CONFIG, TABLE, Project, make_project
from tests.workflow.faults import Started, digests, lives, start, temporaries

# One worker runs them all, so that the graphs are run once for them.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kills")]

SEED = 2402
KILLS = 30
TIMED = ""
# In the order of the graph: the rule to hit; files below results that show that it is in the middle
# of something, or TIMED for any moment of its time; how often.
PLAN = (
    ("generate_hospital", "raw/.*.part/*", 1),
    ("generate_hospital", TIMED, 1),
    ("extract_mimic4", "canonical/.*.part/*", 4),
    ("extract_mimic4", TIMED, 3),
    ("train_ecg_autoencoder", "state/encoders/*/ecg_autoencoder/*/*/epoch.safetensors", 2),
    ("train_ecg_autoencoder", TIMED, 1),
    ("encode_items", "state/encoders/*/*/batches/*", 3),
    ("encode_items", TIMED, 3),
    ("train_cell", "state/*/*/*/*/*/*/*/under_way/*/progress.json", 4),
    ("train_cell", TIMED, 3),
    ("write_table", "tables/tiny.csv", 2),
    ("write_table", TIMED, 3),
)
# What starts only when every job of a rule has ended.
AFTER = {
    "generate_hospital": {"extract_mimic4"},
    "extract_mimic4": {"train_ecg_autoencoder", "encode_items"},
    "train_ecg_autoencoder": {"train_cell"},
    "encode_items": {"train_cell"},
    "train_cell": {"write_table"},
    "write_table": set(),
}
STAGES = {
    "extraction": "extract_mimic4",
    "encoding": "encode_items",
    "training": "train_cell",
    "table writing": "write_table",
}

SMALL: dict[str, Any] = {
    **CONFIG,
    "seeds": [1, 2],
    "training": {**CONFIG["training"], "epochs": 4},
    "sources": {"synthetic": {"hospital": {"stays": 120, "seed": 1, "image_pixels": 32}}},
    "encoders": {
        "notes": {"batch_size": 32},
        "cxr": {"batch_size": 16},
        "ecg": {"max_records": 40, "batch_size": 16, "encode_batch_size": 8, "max_epochs": 3},
    },
}
HOSPITAL: dict[str, Any] = {
    **TABLE,
    "source": "synthetic-mimic4",
    "protocol": "patient",
    "modalities": ["vitals+notes+cxr+ecg"],
    "methods": ["HAIM", "FuseMoE-Laplace"],
}


@dataclass
class Told:
    """What was seen of all kills: which rules each hit, and what it left under a final name."""

    hits: list[set[str]] = field(default_factory=list)
    wrong: set[str] = field(default_factory=set)
    logs: str = ""
    refused: str = ""


def new_project(folder: Path) -> Project:
    project = make_project(folder)
    project.write(SMALL, tiny=HOSPITAL)
    return project


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, run once to its end."""
    project = new_project(tmp_path_factory.mktemp("undisturbed") / "project")
    outcome = project.run("all")
    assert outcome.code == 0, outcome.text
    return project


@pytest.fixture(scope="module")
def killed(undisturbed: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Told]:
    """The same project, killed `KILLS` times and then run to its end."""
    project = new_project(tmp_path_factory.mktemp("killed") / "project")
    right = digests(undisturbed.folder / "results")
    told = Told()
    chance = random.Random(SEED)
    for rule, sign in [(rule, sign) for rule, sign, times in PLAN for _ in range(times)]:
        moment = chance.random()
        print(f"kill {len(told.hits) + 1}: {rule}, {sign or f'{moment:.3f} of its time'}", end="")
        told.hits.append(kill_one(project, rule, sign, moment, seconds_of(undisturbed, rule)))
        print(f": hit {', '.join(sorted(told.hits[-1])) or 'no job'}")
        left = digests(project.folder / "results")
        told.wrong |= {name for name, digest in left.items() if right.get(name) != digest}
        told.logs += "".join(file.read_text() for file in (project.folder / "logs").rglob("*.log"))
        if not told.refused:
            told.refused = project.run("all").text
            assert project.run("--unlock").code == 0
        # What --unlock does, without the seconds in which Snakemake starts.
        shutil.rmtree(project.folder / ".snakemake" / "locks", ignore_errors=True)
    outcome = project.run("all")
    assert outcome.code == 0, outcome.text
    return project, told


def seconds_of(project: Project, rule: str) -> float:
    """Return the mean time that a job of `rule` took."""
    files = (project.folder / "results" / "benchmarks" / rule).rglob("*.tsv")
    times = [float(file.read_text().splitlines()[1].split("\t")[0]) for file in files]
    return sum(times) / len(times) if times else 1.0


def kill_one(project: Project, rule: str, sign: str, moment: float, seconds: float) -> set[str]:
    """Run the graph until it is killed in a job of `rule`; return the rules that were hit.

    `moment` is the part of the job's usual `seconds` after which it dies; a run that ends before
    is begun again and dies earlier.
    """
    for attempt in range(10):
        run = start(project, "all", *(("--forcerun", rule) if not AFTER[rule] else ()))
        wait(run, project.folder / "results", rule, sign, moment * seconds / 2**attempt)
        hit = run.kill()
        if run.process.returncode < 0:
            return hit
    raise AssertionError(f"{rule} always ended before it could be killed:\n{run.text}")


def wait(run: Started, results: Path, rule: str, sign: str, delay: float) -> None:
    """Return when it is time to kill, or when the run has ended."""
    before = marks(results, sign)
    found = run.wait_for({rule, *AFTER[rule]})
    jobs = [job for job, of in found.items() if of == rule]
    deadline = time.monotonic() + delay
    # A job that has ended meanwhile is no reason to wait for the next one.
    while any(map(lives, jobs)):
        if marks(results, sign) - before if sign else time.monotonic() >= deadline:
            return
        time.sleep(0.005)


def marks(results: Path, sign: str) -> set[tuple[str, int]]:
    """Return the files that `sign` describes, each with the time of its last change."""
    found = set()
    for path in results.glob(sign) if sign else ():
        try:
            found.add((str(path), path.stat().st_mtime_ns))
        except FileNotFoundError:
            continue
    return found


def test_kills_fell_into_every_stage(killed: tuple[Project, Told]) -> None:
    hits = Counter(rule for hit in killed[1].hits for rule in hit)
    assert len(killed[1].hits) == KILLS
    for stage, rule in STAGES.items():
        assert hits[rule] >= 2, f"{stage}: {dict(hits)}"


def test_final_results_are_those_of_the_undisturbed_run(
    undisturbed: Project, killed: tuple[Project, Told]
) -> None:
    right = digests(undisturbed.folder / "results")
    assert {"tables/tiny.csv", "figures/tiny.csv"} < right.keys()
    for kind in ("canonical", "encoders", "dataset", "runs", "metrics"):
        assert any(name.startswith(kind) for name in right)
    assert digests(killed[0].folder / "results") == right


def test_no_kill_left_a_wrong_file_under_a_final_name(killed: tuple[Project, Told]) -> None:
    assert not killed[1].wrong


def test_training_and_encoding_went_on_where_they_were(killed: tuple[Project, Told]) -> None:
    logs = killed[1].logs
    # Both in the middle of a run and between the runs of a cell, and for encoders between batches.
    assert re.search(r"seed \d+: going on after epoch [1-9]", logs)
    assert "ECG autoencoder: going on after epoch" in logs
    assert re.search(r"\([1-9]\d* items were there from an earlier run\)", logs)


def test_nothing_unfinished_is_left(killed: tuple[Project, Told]) -> None:
    results = killed[0].folder / "results"
    assert not temporaries(results)
    assert not [path for path in (results / "state").rglob("*") if path.is_file()]


def test_run_after_a_kill_asks_for_unlock(killed: tuple[Project, Told]) -> None:
    assert "Directory cannot be locked" in killed[1].refused
    assert "--unlock" in killed[1].refused
    assert "Traceback" not in killed[1].refused
