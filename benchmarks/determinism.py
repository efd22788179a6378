"""Train cells again and again and compare their predictions: again, resumed, with two threads.

Every training is a process of its own, as in the graph. A cell is named by its folder below
`results/runs`; its packed dataset, splits and scalers must be there, itself need not. Per cell four
trainings are held against a first one with one thread: the same again; one that is killed in the
middle of a run and goes on from what it kept; and two with two threads, of which the second is
held against the first of them. Printed are "same bytes" of predictions.parquet, or the largest
difference of a score (probabilities or logits, as the method writes them) and the share of scores
that differ.

    PYTHONPATH=src python benchmarks/determinism.py --results results \
        synthetic-mimic4/48-IHM/stay/all/vitals+notes/FuseMoE-Laplace/paper
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
import yaml

from fleximodal.config.cell import Cell
from fleximodal.config.cells import describe
from fleximodal.config.load import load_config
from fleximodal.training.cell import train_cell

PREDICTIONS = "predictions.parquet"
COLUMNS = ("cell", "again", "killed and resumed", "2 threads against 1", "2 threads again")


def train(arguments: argparse.Namespace, cell: str) -> None:
    """Train one cell in this process."""
    named = Cell(*cell.split("/"))
    config = load_config(yaml.safe_load(arguments.configfile.read_text(encoding="utf-8")))
    dataset = arguments.results / "dataset" / named.source / named.task
    splits = arguments.results / "cohorts" / named.source / named.task / "splits" / named.protocol
    train_cell(
        describe(config, named),
        dataset=dataset / "packed",
        splits=splits / "splits.parquet",
        scalers=dataset / "scalers" / named.protocol / "scalers.json",
        output=arguments.output / "run",
        state=arguments.output / "state",
        threads=arguments.threads,
    )


def start(arguments: argparse.Namespace, cell: str, output: Path, threads: int) -> subprocess.Popen:
    """Start a training of one cell in a process of its own, which can be killed as a group."""
    given = {
        "--results": arguments.results,
        "--configfile": arguments.configfile,
        "--output": output,
        "--threads": threads,
    }
    options = [str(part) for pair in given.items() for part in pair]
    return subprocess.Popen([sys.executable, __file__, *options, cell], start_new_session=True)


def finish(process: subprocess.Popen) -> None:
    """Wait for a training and stop if it failed."""
    if process.wait() != 0:
        sys.exit(f"a training ended with code {process.returncode}")


def kill_in_the_middle(process: subprocess.Popen, state: Path) -> bool:
    """Kill a training once it has kept something; tell whether it was still at work."""
    while process.poll() is None:
        if any(state.rglob("*.safetensors")):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.005)
    return False


def compare(first: Path, second: Path) -> str:
    """Say how the predictions of two trainings differ."""
    files = [folder / "run" / PREDICTIONS for folder in (first, second)]
    if files[0].read_bytes() == files[1].read_bytes():
        return "same bytes"
    scores = [pl.read_parquet(file)["score"] for file in files]
    # Of several classes or labels a row has a list of scores.
    flat = [score.explode() if score.dtype == pl.List else score for score in scores]
    apart = (flat[0] - flat[1]).abs()
    return f"{apart.max():.1e}, {100 * (apart > 0).mean():.0f} % differ"


def measure(arguments: argparse.Namespace, cell: str, folder: Path) -> list[str]:
    """Train a cell five times; return its line of the table."""
    outputs = {name: folder / name for name in ("first", "again", "killed", "two", "two again")}
    for name in ("first", "again", "two", "two again"):
        finish(start(arguments, cell, outputs[name], 2 if "two" in name else 1))
    process = start(arguments, cell, outputs["killed"], 1)
    was_at_work = kill_in_the_middle(process, outputs["killed"] / "state")
    if was_at_work:
        finish(start(arguments, cell, outputs["killed"], 1))
    resumed = compare(outputs["first"], outputs["killed"])
    return [
        cell,
        compare(outputs["first"], outputs["again"]),
        resumed if was_at_work else "nothing kept before the end",
        compare(outputs["first"], outputs["two"]),
        compare(outputs["two"], outputs["two again"]),
    ]


def main() -> None:
    """Print one line per cell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cells", nargs="+")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--configfile", type=Path, default=Path("config/config.yaml"))
    parser.add_argument("--output", type=Path, help="train one cell here and compare nothing")
    parser.add_argument("--threads", type=int, default=1, help="with --output: threads")
    arguments = parser.parse_args()
    if arguments.output:
        train(arguments, *arguments.cells)
        return
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|", flush=True)
    for cell in arguments.cells:
        with tempfile.TemporaryDirectory() as folder:
            print("| " + " | ".join(measure(arguments, cell, Path(folder))) + " |", flush=True)


if __name__ == "__main__":
    main()
