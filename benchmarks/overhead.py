"""Measure what the workflow costs beside its jobs' own work.

In a copy of the project in which every script only makes its outputs, so that what is left is
Snakemake: a dry run, a run of all jobs, and a run that has nothing to do, of a configuration with
generated data; then the dry run of both papers' full configurations on generated raw files in the
layouts of MIMIC and ADNI. Per line: jobs, seconds on the clock, CPU seconds of Snakemake's own
process, and those of the jobs' processes. With `--results`, of a finished run: the share of the
jobs' time that went by before they came to the package's work (start of Python, imports), by rule.

    PYTHONPATH=src python benchmarks/overhead.py --results results
"""

import argparse
import csv
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "rules", "workflow", "config", "envs", "profiles", "src")
STUB = """
from pathlib import Path

for path in map(Path, snakemake.output):
    if path.suffix:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    else:
        path.mkdir(parents=True, exist_ok=True)
"""
# Runs Snakemake and, as the last line, tells the CPU seconds of its process and its children.
MEASURED = """
import atexit, resource, sys
from snakemake.cli import main

def told():
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print("CPU", *(used.ru_utime + used.ru_stime for used in both), file=sys.stderr)

atexit.register(told)
main(sys.argv[1:])
"""
RAW = ("synthetic-hospital/truth.json", "synthetic-adni/truth.json")
HOSPITAL = "results/raw/synthetic-hospital"
FOLDERS = {
    "mimic4": {
        "folder": f"{HOSPITAL}/mimic-iv",
        "note_folder": f"{HOSPITAL}/mimic-iv-note",
        "cxr_folder": f"{HOSPITAL}/mimic-cxr-jpg",
        "ecg_folder": f"{HOSPITAL}/mimic-iv-ecg",
    },
    "mimic3": {"folder": f"{HOSPITAL}/mimic-iii"},
    "adni": {"folder": "results/raw/synthetic-adni"},
}


@dataclass(frozen=True)
class Cost:
    """What a call of Snakemake took, in seconds, and how many jobs it ran or would run."""

    jobs: int
    wall: float
    own: float
    children: float

    def line(self, what: str) -> str:
        """Return a line of the table."""
        each = 1000 * self.own / self.jobs if self.jobs else 0.0
        numbers = f"{self.wall:7.1f} {self.own:8.1f} {each:10.0f} {self.children:10.1f}"
        return f"{what:44} {self.jobs:6d} {numbers}"


HEAD = f"{'':44} {'jobs':>6} {'wall s':>7} {'own CPU':>8} {'ms per job':>10} {'jobs CPU':>10}"


def snakemake(folder: Path, *arguments: str) -> Cost:
    """Run Snakemake in `folder` and measure it."""
    command = [sys.executable, "-c", MEASURED, *arguments]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - start
    text = done.stdout + done.stderr
    if done.returncode != 0:
        sys.exit(text)
    (used,) = re.findall(r"^CPU (\S+) (\S+)$", text, re.M)
    jobs = re.search(r"^total\s+(\d+)$", text, re.M)
    return Cost(int(jobs[1]) if jobs else 0, wall, float(used[0]), float(used[1]))


def copy_project(folder: Path) -> None:
    """Copy what a run needs."""
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part)
        else:
            shutil.copy(ROOT / part, folder / part)
    # What is said at the end of a run is read from its tables, which are empty here.
    snakefile = folder / "Snakefile"
    snakefile.write_text(snakefile.read_text(encoding="utf-8").split("\nonsuccess:")[0] + "\n")
    no_data = {"data_folders": ["no-such-folder"]}
    (folder / "config" / "generated.yaml").write_text(yaml.safe_dump(no_data))
    (folder / "config" / "folders.yaml").write_text(yaml.safe_dump({"sources": FOLDERS}))


def measure(configfile: str, cores: int) -> None:
    """Print the table of what Snakemake costs."""
    print(HEAD)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_project(folder)
        targets = [f"results/raw/{file}" for file in RAW]
        small = {"synthetic": {"hospital": {"stays": 200}, "adni": {"subjects": 200}}}
        given = ["--config", f"sources={json.dumps(small)}", "--cores", str(cores)]
        snakemake(folder, *targets, *given)
        for paper in ("mimic", "adni"):
            files = ["--configfile", f"config/{paper}.yaml", "config/folders.yaml"]
            cost = snakemake(folder, "all", "--dry-run", *files)
            print(cost.line(f"dry run of config/{paper}.yaml, all data there"), flush=True)
        for script in (folder / "workflow" / "scripts").glob("*.py"):
            script.write_text(STUB)
        given = ["--configfile", configfile, "config/generated.yaml", "--cores", str(cores)]
        for what, more in {
            "dry run": ["--dry-run"],
            "run, jobs do nothing": [],
            "run with nothing to do": [],
        }.items():
            cost = snakemake(folder, "all", *more, *given)
            print(cost.line(f"{what}, {configfile}"), flush=True)


def print_shares(results: Path) -> None:
    """Print, by rule, how much of the jobs' time went by before the package's work."""
    whole: dict[str, list[float]] = defaultdict(list)
    work: dict[str, list[float]] = defaultdict(list)
    benchmarks = results / "benchmarks"
    times = {
        tuple(sorted(file.relative_to(benchmarks).with_suffix("").parts)): file
        for file in benchmarks.rglob("*.tsv")
    }
    for file in results.rglob(".*.job.json"):
        record = json.loads(file.read_text(encoding="utf-8"))
        found = times.get(tuple(sorted([record["rule"], *record["wildcards"].values()])))
        if found is not None:
            (row,) = csv.DictReader(found.open(encoding="utf-8"), delimiter="\t")
            whole[record["rule"]].append(float(row["s"]))
            work[record["rule"]].append(record["seconds"])
    print(f"\n{'rule':24} {'jobs':>6} {'s a job':>8} {'of them before the work':>24}")
    for rule in sorted(whole, key=lambda rule: -sum(whole[rule])):
        print_share(rule, whole[rule], work[rule])
    print_share("all", sum(whole.values(), []), sum(work.values(), []))


def print_share(name: str, whole: list[float], work: list[float]) -> None:
    """Print the line of one rule; times in seconds, one per job."""
    share = 1 - sum(work) / sum(whole) if whole else 0.0
    mean = sum(whole) / max(1, len(whole))
    print(f"{name:24} {len(whole):6d} {mean:8.1f} {100 * share:22.0f} %")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", default="config/config.yaml")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--results", type=Path, help="folder of a finished run")
    parser.add_argument("--only-results", action="store_true", help="the shares of jobs alone")
    arguments = parser.parse_args()
    if not arguments.only_results:
        measure(arguments.configfile, arguments.cores)
    if arguments.results:
        print_shares(arguments.results)


if __name__ == "__main__":
    main()
