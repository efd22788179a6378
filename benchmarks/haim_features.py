"""Eleven statistics per channel: one flat pass in blocks against a numpy loop over stays.

    python benchmarks/haim_features.py --stays 9000

Both run on one thread in the same process, in turn, on the same generated stays, fully observed
(84 times x 30 channels each). The loop takes some minutes for 9,000 stays and three rounds.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from scipy.signal import find_peaks

from fleximodal.dataset.packed import PackedDataset, Series
from fleximodal.dataset.scaler import Scaler, fit_scaler
from fleximodal.training.haim_features import haim_features

CHANNELS = 30
TIMES = 84
TOLERANCE = 1e-9


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


def per_stay_loop(dataset: PackedDataset, scaler: Scaler) -> np.ndarray:
    """Compute the statistics one stay and channel at a time."""
    series = dataset.modalities["series"]
    assert isinstance(series, Series)
    mean, std = scaler.mean["series"], scaler.std["series"]
    table = np.zeros((dataset.num_stays, CHANNELS, 11))
    for stay in range(dataset.num_stays):
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


def seconds(work: Callable[[], object]) -> float:
    """Return the processor seconds of this process for one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """Check that both agree, then time them in turn and print medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stays", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    dataset = generate(arguments.stays)
    series = dataset.modalities["series"]
    assert isinstance(series, Series)
    scaler = fit_scaler(dataset, np.arange(dataset.num_stays))

    flat = haim_features(dataset, scaler, max_rows=TIMES)
    difference = float(np.abs(flat - per_stay_loop(dataset, scaler)).max())
    assert difference <= TOLERANCE, f"flat pass and loop differ by {difference}"
    print(f"{dataset.num_stays} stays, {len(series.value)} values; difference {difference:.1e}")

    values = series.value.astype(np.float64)
    rounds = []
    for _ in range(arguments.rounds):
        rounds.append(
            (
                seconds(lambda: haim_features(dataset, scaler, max_rows=TIMES)),
                seconds(lambda: per_stay_loop(dataset, scaler)),
                seconds(values.sum),
            )
        )
    ours, loop, read = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(one[1] / one[0] for one in rounds)
    print(f"flat pass {ours:.3f} s, loop over stays {loop:.2f} s, one read {read:.4f} s")
    print(f"flat pass is x{ratio:.0f} the loop's speed and {ours / read:.0f} reads of the data")


if __name__ == "__main__":
    main()
