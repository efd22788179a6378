"""Time and peak memory from chartevents.csv.gz and labevents.csv.gz to sorted canonical events.

Two tables are generated in a temporary folder, in the layout of MIMIC-IV, and deleted afterwards.
Each engine runs in a fresh process, in turn, several rounds:

* fleximodal: filter while reading, join to stays, count, sort, keep the first of repeats, Parquet;
* pandas: the same job by `pandas.read_csv` in chunks of 10 million rows;
* isal, zcat: decompression alone, the physical floor and the usual tool.

Rows and sum of values of both engines must agree. A second table of half the rows shows how the
peak memory grows.

Usage: `python benchmarks/extract_mimic4.py [--chart-rows N] [--lab-rows M] [--rounds R]`
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FULL_ROWS = {"chart": 432_997_491, "lab": 158_374_764}
PANDAS_CHUNK = 10_000_000
CHART_ROWS_PER_STAY = 4_600


def run_fleximodal(table: str, folder: Path, stays: int) -> dict[str, float]:
    """Run the step of `write_canonical` for one table; return rows and sum of values."""
    import polars as pl
    from big_tables import LAB_ITEMS, VITAL_ITEMS, stay_table, unit_table

    from fleximodal.sources.mimic.events import write_events
    from fleximodal.sources.mimic4.channels import CHANNELS
    from fleximodal.sources.mimic4.chart import extract_chart, place_chart
    from fleximodal.sources.mimic4.labs import extract_labs, place_labs

    stay_rows, preset = stay_table(stays), CHANNELS["haim"]
    copied, unsorted, target = (folder / f"ours_{name}.parquet" for name in ("1", "2", "3"))
    if table == "chart":
        extract_chart(folder / "chartevents.csv.gz", VITAL_ITEMS, copied)
        place_chart(copied, stay_rows, preset, unsorted, range_filter=False, bound_at_outtime=False)
    else:
        units = unit_table(stays)
        extract_labs(folder / "labevents.csv.gz", LAB_ITEMS, stay_rows, units, copied)
        place_labs(copied, stay_rows, preset, unsorted, range_filter=False)
    names = [channel.name for channel in preset]
    rows = write_events(unsorted, stay_rows, names, target)["kept"]
    total = pl.scan_parquet(target).select(pl.col("value").cast(pl.Float64).sum())
    return {"rows": rows, "sum": total.collect(engine="streaming").item()}


def run_pandas(table: str, folder: Path, stays: int) -> dict[str, float]:
    """Do the same by chunks of pandas.read_csv; return rows and sum of values."""
    import pandas as pd
    from big_tables import LAB_ITEMS, VITAL_ITEMS, stay_table

    stay_rows = stay_table(stays).to_pandas()
    wanted = VITAL_ITEMS if table == "chart" else LAB_ITEMS
    key = "stay_id" if table == "chart" else "subject_id"
    columns = [key, "itemid", "charttime", "valuenum"] + ([] if table == "chart" else ["hadm_id"])
    stay_rows = stay_rows.rename(columns={"patient_id": "subject_id"})
    chunks = []
    for chunk in pd.read_csv(
        folder / f"{table}events.csv.gz", usecols=columns, chunksize=PANDAS_CHUNK
    ):
        chunk = chunk[chunk["itemid"].isin(wanted) & chunk["valuenum"].notna()]
        chunk = chunk.merge(stay_rows, on=key)
        chunk["charttime"] = pd.to_datetime(chunk["charttime"], format="%Y-%m-%d %H:%M:%S")
        chunk["hours"] = (chunk["charttime"] - chunk["intime"]) / pd.Timedelta(hours=1)
        chunk = chunk[chunk["hours"] >= 0]
        if table == "lab":
            chunk = chunk[chunk["charttime"] <= chunk["outtime"]]
            chunk = chunk[chunk["hadm_id"].isna() | (chunk["hadm_id"] == chunk["admission_id"])]
        chunks.append(chunk[["stay_id", "hours", "itemid", "valuenum"]])
    events = pd.concat(chunks, ignore_index=True).astype(
        {"hours": "float32", "valuenum": "float32"}
    )
    events = events.drop_duplicates(["stay_id", "hours", "itemid"], keep="first")
    events = events.sort_values(["stay_id", "hours", "itemid"])
    events.to_parquet(folder / "pandas.parquet")
    return {"rows": len(events), "sum": float(events["valuenum"].astype("float64").sum())}


def run_isal(table: str, folder: Path, stays: int) -> dict[str, float]:
    """Decompress the table in this process and throw the text away."""
    from isal import igzip

    buffer = memoryview(bytearray(1 << 20))
    with igzip.open(folder / f"{table}events.csv.gz") as file:
        while file.readinto(buffer):
            pass
    return {}


def run_zcat(table: str, folder: Path, stays: int) -> dict[str, float]:
    """Decompress the table by zcat and throw the text away."""
    subprocess.run(
        ["zcat", folder / f"{table}events.csv.gz"], stdout=subprocess.DEVNULL, check=True
    )
    return {}


ENGINES: dict[str, Callable[[str, Path, int], dict[str, float]]] = {
    "fleximodal": run_fleximodal,
    "pandas": run_pandas,
    "isal": run_isal,
    "zcat": run_zcat,
}


def measure(engine: str, table: str, folder: Path, stays: int) -> dict[str, float]:
    """Run one engine in a fresh process; return what it found, seconds and peak MB."""
    start = time.perf_counter()
    answer = run_self("--engine", engine, "--table", table, "--folder", folder, "--stays", stays)
    seconds = time.perf_counter() - start
    return {**json.loads(answer), "seconds": seconds}


def run_self(*arguments: object) -> str:
    """Run this file in a fresh process; return what it prints."""
    answer = subprocess.run(
        [sys.executable, __file__, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return answer.stdout


def peak_mb() -> float:
    """Return the highest resident memory of this process, by Linux' own book-keeping.

    The figure of `resource.getrusage` would include that of the process that started this one.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def generate(table: str, folder: Path, rows: int, stays: int) -> None:
    """Write one generated table."""
    from big_tables import write_chartevents, write_labevents

    write = {"chart": write_chartevents, "lab": write_labevents}[table]
    write(folder / f"{table}events.csv.gz", rows, stays)


def compare(table: str, folder: Path, stays: int, rounds: int) -> Mapping[str, Mapping[str, Any]]:
    """Run all engines alternately; return per engine median seconds and highest peak."""
    found: dict[str, list[dict[str, float]]] = {engine: [] for engine in ENGINES}
    for number in range(rounds):
        order = list(ENGINES)[number % len(ENGINES) :] + list(ENGINES)[: number % len(ENGINES)]
        for engine in order:
            found[engine].append(measure(engine, table, folder, stays))
    for ours, theirs in zip(found["fleximodal"], found["pandas"], strict=True):
        assert ours["rows"] == theirs["rows"] > 0, (ours, theirs)
        assert abs(ours["sum"] - theirs["sum"]) <= 1e-9 * abs(theirs["sum"]), (ours, theirs)
    per_round = {
        engine: statistics.median(
            run["seconds"] / ours["seconds"]
            for run, ours in zip(runs, found["fleximodal"], strict=True)
        )
        for engine, runs in found.items()
    }
    return {
        engine: {
            **runs[0],
            "seconds": statistics.median(run["seconds"] for run in runs),
            "peak_mb": max(run["peak_mb"] for run in runs),
            "ratio": per_round[engine],
        }
        for engine, runs in found.items()
    }


def tell(table: str, rows: int, path: Path, found: Mapping[str, Mapping[str, Any]]) -> None:
    """Print one table's result."""
    ours, reference = found["fleximodal"], found["pandas"]
    print(f"{path.name}: {rows:,} rows, {path.stat().st_size / 1e6:.0f} MB")
    for engine, result in found.items():
        # zcat is a process of its own, of about 2 MB.
        peak = "" if engine == "zcat" else f", peak {result['peak_mb']:6.0f} MB"
        print(f"{engine:>12}: {result['seconds']:6.1f} s{peak}")
    print(
        f"extract_mimic4 {table}: {ours['rows']:,.0f} events, same rows and sum as pandas; pandas "
        f"takes {reference['ratio']:.1f} times as long and "
        f"{reference['peak_mb'] / ours['peak_mb']:.1f} times the memory; ours takes "
        f"{1 / found['isal']['ratio']:.1f} times isal and {1 / found['zcat']['ratio']:.2f} times "
        f"zcat; {FULL_ROWS[table]:,} rows would take "
        f"{ours['seconds'] * FULL_ROWS[table] / rows / 60:.1f} min"
    )


def main() -> None:
    """Generate the tables, measure, print, or run the one engine that is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chart-rows", type=int, default=50_000_000)
    parser.add_argument("--lab-rows", type=int, default=15_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scratch", type=Path, help="where the temporary folder is made")
    parser.add_argument("--engine", choices=sorted(ENGINES), help=argparse.SUPPRESS)
    parser.add_argument("--table", choices=sorted(FULL_ROWS), help=argparse.SUPPRESS)
    parser.add_argument("--generate", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--stays", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        result = ENGINES[options.engine](options.table, options.folder, options.stays)
        print(json.dumps({**result, "peak_mb": peak_mb()}))
        return
    if options.generate:
        generate(options.table, options.folder, options.generate, options.stays)
        return
    peaks: dict[str, list[tuple[int, float]]] = {"chart": [], "lab": []}
    for part in (0.5, 1.0):
        chart_rows, lab_rows = int(options.chart_rows * part), int(options.lab_rows * part)
        stays = max(1, chart_rows // CHART_ROWS_PER_STAY)
        folder = Path(tempfile.mkdtemp(prefix="extract_mimic4_", dir=options.scratch))
        try:
            for table, rows in (("chart", chart_rows), ("lab", lab_rows)):
                path = folder / f"{table}events.csv.gz"
                run_self("--generate", rows, "--table", table, "--folder", folder, "--stays", stays)
                if part == 1.0:
                    found = compare(table, folder, stays, options.rounds)
                    tell(table, rows, path, found)
                    peak = found["fleximodal"]["peak_mb"]
                else:
                    peak = measure("fleximodal", table, folder, stays)["peak_mb"]
                peaks[table].append((rows, peak))
                path.unlink()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    for table, ((half_rows, half), (rows, whole)) in peaks.items():
        print(
            f"extract_mimic4 {table}: peak memory {half:.0f} MB with {half_rows:,} rows, "
            f"{whole:.0f} MB with {rows:,} rows ({whole / half:.2f} times)"
        )


if __name__ == "__main__":
    main()
