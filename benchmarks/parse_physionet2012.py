"""Time and peak memory of writing the canonical tables of PhysioNet 2012, against a plain loop.

Both engines read the same tar.gz containers and write Parquet, each in a fresh process:

* fleximodal: `write_canonical`, with every check, cleaning rule, count and table;
* pandas: `pandas.read_csv` record by record, one concatenation, no checks and no cleaning.

Usage: `python benchmarks/parse_physionet2012.py [--release FOLDER] [--records N]`
"""

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

SETS = "abc"
ROOT = Path(__file__).resolve().parent.parent


def run_fleximodal(release: Path, output: Path) -> int:
    """Write the canonical tables; return the number of rows read."""
    from fleximodal.sources.physionet2012.canonical import write_canonical

    write_canonical(release, output, source="physionet2012")
    rows: int = json.loads((output / "counts.json").read_text())["total"]["rows_read"]
    return rows


def run_pandas(release: Path, output: Path) -> int:
    """Read every record by pandas.read_csv, write one table; return the number of rows read."""
    import pandas as pd

    frames = []
    for name in SETS:
        with tarfile.open(release / f"set-{name}.tar.gz") as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                if file is not None:
                    frame = pd.read_csv(file)
                    frame["stay_id"] = int(Path(member.name).stem)
                    frames.append(frame)
    rows = pd.concat(frames, ignore_index=True)
    clock = rows["Time"].str.split(":", expand=True).astype(float)
    rows["Time"] = clock[0] + clock[1] / 60
    output.mkdir()
    rows.to_parquet(output / "events.parquet")
    return len(rows)


ENGINES: dict[str, Callable[[Path, Path], int]] = {
    "fleximodal": run_fleximodal,
    "pandas": run_pandas,
}


def measure(engine: str, release: Path, output: Path) -> dict[str, float]:
    """Run one engine in a fresh process; return rows, seconds (imports included) and peak MB."""
    command = [sys.executable, __file__, "--release", str(release), "--engine", engine]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    start = time.perf_counter()
    answer = subprocess.run(
        [*command, "--output", str(output)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - start
    return {**json.loads(answer.stdout), "seconds": seconds}


def shorten(release: Path, folder: Path, records: int) -> Path:
    """Write a release with the first `records` records of each set."""
    for name in SETS:
        with (
            tarfile.open(release / f"set-{name}.tar.gz") as full,
            tarfile.open(folder / f"set-{name}.tar.gz", "w:gz") as short,
        ):
            kept = set()
            for member in islice((m for m in full if m.isfile()), records):
                file = full.extractfile(member)
                assert file is not None
                short.addfile(member, io.BytesIO(file.read()))
                kept.add(Path(member.name).stem)
        header, *lines = (release / f"Outcomes-{name}.txt").read_text().splitlines()
        lines = [line for line in lines if line.split(",")[0] in kept]
        (folder / f"Outcomes-{name}.txt").write_text("\n".join([header, *lines]) + "\n")
    return folder


def main() -> None:
    """Measure both engines and print their ratio, or run the one engine that is asked for."""
    data = Path(os.environ.get("FLEXIMODAL_DATA") or ROOT / "../shared/data")
    parser = argparse.ArgumentParser(description="Parse PhysioNet 2012: fleximodal and pandas.")
    parser.add_argument("--release", type=Path, default=data / "physionet-challenge-2012")
    parser.add_argument("--records", type=int, help="records per set (default: all)")
    parser.add_argument("--engine", choices=sorted(ENGINES), help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        rows = ENGINES[options.engine](options.release, options.output)
        # Kilobytes on Linux.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"rows": rows, "peak_mb": peak}))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        release = options.release
        if options.records:
            (folder / "release").mkdir()
            release = shorten(release, folder / "release", options.records)
        found = {engine: measure(engine, release, folder / engine) for engine in ENGINES}
    for engine, result in found.items():
        print(
            f"{engine:>10}: {result['rows']:,} rows, {result['seconds']:.1f} s, "
            f"peak {result['peak_mb']:.0f} MB"
        )
    ours, reference = found["fleximodal"], found["pandas"]
    assert ours["rows"] == reference["rows"]
    print(
        f"parse_physionet2012: {ours['seconds']:.1f} s and {ours['peak_mb']:.0f} MB for "
        f"{ours['rows']:,} rows; pandas.read_csv per file takes "
        f"{reference['seconds'] / ours['seconds']:.1f} times as long and "
        f"{reference['peak_mb'] / ours['peak_mb']:.1f} times the memory"
    )


if __name__ == "__main__":
    main()
