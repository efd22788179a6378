"""Eleven statistics per channel: one flat pass in blocks against loops over stays.

    python benchmarks/haim_features.py --stays 9000 --loop-stays 300 --rounds 9

All run on one thread in the same process, in turn, on generated stays, fully observed (84 times x
30 channels each). The loops, one in numpy and one in pandas, take the same time for every stay:
they are timed on the first `--loop-stays` and scaled up to all. Processor time counts.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from scipy.signal import find_peaks

from fleximodal.dataset.packed import PackedDataset, Series
from fleximodal.dataset.scaler import Scaler, fit_scaler
from fleximodal.methods.settings import HAIMSettings
from fleximodal.training.haim_features import haim_features

CHANNELS = 30
TIMES = 84
TOLERANCE = 1e-9
GOALS = {"numpy": 150, "pandas": 300}


def generate(stays: int) -> PackedDataset:
    """Return random walks, rounded so that flat stretches occur."""
    random = np.random.default_rng(0)
    rows = stays * TIMES
    walks = random.normal(size=(stays, TIMES, CHANNELS)).cumsum(axis=1).round(1)
    series = Series(
        name="series",
        channels=tuple(f"channel{number}" for number in range(CHANNELS)),
        row_offsets=np.arange(stays + 1) * TIMES,
        hours=np.tile(np.linspace(0, 48, TIMES, dtype=np.float32), stays),
        observation_offsets=np.arange(rows + 1) * CHANNELS,
        channel=np.tile(np.arange(CHANNELS, dtype=np.int16), rows),
        value=walks.astype(np.float32).ravel(),
    )
    ids = np.arange(stays)
    label = (ids % 2).astype(np.int8)
    return PackedDataset(
        "generated", "none", 48.0, 48.0, ("label",), ids, ids, label, {"series": series}
    )


def numpy_loop(dataset: PackedDataset, scaler: Scaler, stays: int) -> np.ndarray:
    """Compute the statistics one stay and channel at a time."""
    series = dataset.modalities["series"]
    assert isinstance(series, Series)
    mean, std = scaler.mean["series"], scaler.std["series"]
    table = np.zeros((stays, CHANNELS, 11))
    for stay in range(stays):
        first, last = series.observation_offsets[series.row_offsets[stay : stay + 2]]
        channel, value = series.channel[first:last], series.value[first:last]
        for number in range(CHANNELS):
            v = (value[channel == number] - mean[number]) / std[number]
            d = np.diff(v)
            table[stay, number] = (
                v.max(),
                v.min(),
                v.mean(),
                v.var(ddof=1),
                d.mean(),
                np.abs(d).mean(),
                np.abs(d).max(),
                np.abs(d).sum(),
                v[-1] - v[0],
                len(find_peaks(v)[0]),
                np.polyfit(np.arange(len(v)), v, 1)[0],
            )
    return table.reshape(len(table), -1)


def pandas_loop(dataset: PackedDataset, scaler: Scaler, stays: int) -> np.ndarray:
    """Compute the statistics of one stay at a time from its table of (channel, value) rows."""
    series = dataset.modalities["series"]
    assert isinstance(series, Series)
    mean, std = scaler.mean["series"], scaler.std["series"]
    table = np.zeros((stays, CHANNELS, 11))
    for stay in range(stays):
        first, last = series.observation_offsets[series.row_offsets[stay : stay + 2]]
        channel = series.channel[first:last]
        value = (series.value[first:last] - mean[channel]) / std[channel]
        rows = pd.DataFrame({"channel": channel, "value": value})
        for number in range(CHANNELS):
            v = rows.loc[rows["channel"] == number, "value"]
            d = v.diff().dropna()
            table[stay, number] = (
                v.max(),
                v.min(),
                v.mean(),
                v.var(),
                d.mean(),
                d.abs().mean(),
                d.abs().max(),
                d.abs().sum(),
                v.iloc[-1] - v.iloc[0],
                len(find_peaks(v)[0]),
                np.polyfit(np.arange(len(v)), v, 1)[0],
            )
    return table.reshape(len(table), -1)


def seconds(work: Callable[[], object]) -> float:
    """Return the processor seconds of this process for one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """Check that all agree, then time them in turn and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stays", type=int, default=9000)
    parser.add_argument("--loop-stays", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()

    dataset = generate(arguments.stays)
    stays, few = dataset.num_stays, min(arguments.loop_stays, dataset.num_stays)
    series = dataset.modalities["series"]
    assert isinstance(series, Series)
    scaler = fit_scaler(dataset, np.arange(stays))
    settings = HAIMSettings()

    flat = haim_features(dataset, scaler, settings)[:few]
    loops = {"numpy": numpy_loop, "pandas": pandas_loop}
    for name, loop in loops.items():
        difference = float(np.abs(flat - loop(dataset, scaler, few)).max())
        assert difference <= TOLERANCE, f"flat pass and {name} loop differ by {difference}"
        print(f"{name} loop: largest difference {difference:.1e}")

    values = series.value.astype(np.float64)
    rounds = []
    for _ in range(arguments.rounds):
        rounds.append(
            (
                seconds(lambda: haim_features(dataset, scaler, settings)),
                seconds(values.sum),
                *(
                    seconds(partial(loop, dataset, scaler, few)) * stays / few
                    for loop in loops.values()
                ),
            )
        )
    ours, read, *loop_times = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"{stays} stays, {len(values)} values, one thread, processor time")
    print(f"flat pass {ours:.3f} s, one read of the data {read:.4f} s")
    reads = statistics.median(one[0] / one[1] for one in rounds)
    print(f"flat pass takes {reads:.0f} reads of the data (goal: 60 at most)")
    for place, (name, took) in enumerate(zip(loops, loop_times, strict=True), start=2):
        ratio = statistics.median(one[place] / one[0] for one in rounds)
        goal = GOALS[name]
        print(f"{name} loop {took:.1f} s: x{ratio:.0f} (goal: x{goal}), from {few} stays")


if __name__ == "__main__":
    main()
