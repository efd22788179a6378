"""The eleven statistics against hand-worked vectors, another library and recorded arrays."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import find_peaks

from fleximodal.training.statistics import STATISTICS, segment_statistics


def one(values: list[float]) -> dict[str, float]:
    row = segment_statistics(np.array(values, dtype=float), np.array([len(values)]))[0]
    return dict(zip(STATISTICS, row, strict=True))


def brute_force(v: np.ndarray) -> np.ndarray:
    if len(v) == 0:
        return np.zeros(11)
    if len(v) == 1:
        return np.array([v[0], v[0], v[0], *[0] * 8])
    d = np.diff(v)
    peaks, _ = find_peaks(v)
    slope = np.polyfit(np.arange(len(v)), v, 1)[0]
    return np.array(
        [v.max(), v.min(), v.mean(), v.var(ddof=1), d.mean(), np.abs(d).mean(), np.abs(d).max(),
         np.abs(d).sum(), v[-1] - v[0], len(peaks), slope]
    )  # fmt: skip


def test_hand_worked_series() -> None:
    expected = {
        "max": 5, "min": 1, "mean": 2.6, "variance": 2.3, "meandiff": 1, "meanabsdiff": 1.5,
        "maxdiff": 3, "sumabsdiff": 6, "diff": 4, "npeaks": 1, "trend": 0.7,
    }  # fmt: skip
    assert one([1, 3, 2, 2, 5]) == pytest.approx(expected, abs=1e-12)


def test_single_value_and_empty_series() -> None:
    assert one([4.5]) == {name: 4.5 if name in ("max", "min", "mean") else 0 for name in STATISTICS}
    assert one([]) == dict.fromkeys(STATISTICS, 0)


@pytest.mark.parametrize(
    ("values", "peaks"),
    [
        ([0, 2, 2, 0], 1),
        ([2, 2, 0], 0),
        ([0, 2, 2], 0),
        ([0, 1, 1, 2, 1], 1),
        ([0, 2, 1, 1, 2, 0], 2),
        ([3, 3, 3], 0),
    ],
)
def test_flat_tops_count_once_and_ends_never(values: list[float], peaks: int) -> None:
    assert one(values)["npeaks"] == peaks


def test_no_peak_arises_between_neighbouring_series() -> None:
    rising, falling = [0.0, 1.0], [0.5, -1.0]
    rows = segment_statistics(np.array(rising + falling + rising), np.array([2, 2, 2]))
    assert (rows[:, STATISTICS.index("npeaks")] == 0).all()


values = st.lists(
    st.one_of(st.integers(-3, 3).map(float), st.floats(-1e3, 1e3, width=32)), max_size=12
)


@given(st.lists(values, min_size=1, max_size=8))
def test_many_series_equal_one_series_at_a_time(series: list[list[float]]) -> None:
    flat = np.array([v for one_series in series for v in one_series], dtype=float)
    rows = segment_statistics(flat, np.array([len(one_series) for one_series in series]))
    expected = np.stack([brute_force(np.array(one_series)) for one_series in series])
    np.testing.assert_allclose(rows, expected, rtol=1e-9, atol=1e-9)


def golden_cases(golden: Path) -> list[tuple[dict, dict[str, np.ndarray]]]:
    cases = []
    for path in sorted((golden / "haim").glob("*.json")):
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
            cases.append((json.loads(path.read_text()), dict(arrays)))
    assert cases, f"no cases in {golden / 'haim'}"
    return cases


def assert_close(rows: np.ndarray, reference: np.ndarray, tolerance: float) -> None:
    scale = np.abs(reference).max()
    assert np.abs(rows - reference).max() <= tolerance * scale


def statistics_of(series: list[np.ndarray], extra_zero: bool) -> np.ndarray:
    if extra_zero:
        series = [np.append(one_series, 0.0) for one_series in series]
    return segment_statistics(np.concatenate(series), np.array([len(s) for s in series]))


def known(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)].astype(np.float64)


def test_recorded_arrays(golden: Path) -> None:
    """Published behaviour: a zero is appended to each series; order is table order."""
    compared = 0
    for case, arrays in golden_cases(golden):
        assert tuple(case["config"]["feature_order"]) == STATISTICS
        tolerance = case["tolerance"]["forward"]
        values = arrays.get("input/values")
        if values is None:  # one patient's table of (label, value) rows
            labels, numbers = arrays["input/label"], arrays["input/value"]
            series = [known(numbers[labels == i]) for i in range(len(case["config"]["labels"]))]
            rows = statistics_of(series, extra_zero=True).ravel()
            assert_close(rows, arrays["output/features"], tolerance)
            compared += 1
        else:
            lengths = arrays["input/length"]
            series = [known(row[:length]) for row, length in zip(values, lengths, strict=True)]
            for extra_zero, key in (
                (True, "output/features"),
                (False, "output/features_without_extra_zero"),
            ):
                rows, reference = statistics_of(series, extra_zero), arrays[key]
                for row, wanted in zip(rows, reference, strict=True):
                    assert_close(
                        row, wanted, tolerance
                    ) if wanted.any() else np.testing.assert_array_equal(row, wanted)
                compared += 1
    assert compared >= 5
