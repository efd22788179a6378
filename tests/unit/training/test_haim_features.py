"""The feature table against a loop over stays and channels."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fleximodal.dataset.packed import Items, PackedDataset, Series
from fleximodal.dataset.scaler import Scaler, fit_scaler
from fleximodal.methods.settings import HAIMSettings
from fleximodal.training import haim_features as module
from fleximodal.training.haim_features import feature_names, haim_features
from tests.unit.training.test_statistics import brute_force
from tests.unit.training.toy import cohort


def by_loop(dataset: PackedDataset, scaler: Scaler, max_rows: int) -> np.ndarray:
    table = []
    for stay in range(dataset.num_stays):
        row: list[float] = []
        for name, modality in dataset.modalities.items():
            mean, std = scaler.mean[name], scaler.std[name]
            end = modality.row_offsets[stay + 1]
            start = max(modality.row_offsets[stay], end - max_rows)
            if isinstance(modality, Series):
                begin, stop = modality.observation_offsets[[start, end]]
                channel, value = modality.channel[begin:stop], modality.value[begin:stop]
                for c in range(len(modality.channels)):
                    row += brute_force((value[channel == c] - mean[c]) / std[c]).tolist()
            else:
                known = (modality.features_array[start:end] - mean) / std
                row += np.nan_to_num(known).mean(axis=0).tolist()
        table.append(row)
    return np.array(table)


@pytest.mark.parametrize("max_rows", [128, 4, 1])
@pytest.mark.parametrize("block", [80_000, 100])
def test_equals_a_loop_over_stays(
    max_rows: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_VALUES", block)
    dataset = cohort(60)
    scaler = fit_scaler(dataset, np.arange(40))
    features = haim_features(dataset, scaler, HAIMSettings(max_rows=max_rows))
    np.testing.assert_allclose(features, by_loop(dataset, scaler, max_rows), rtol=1e-9, atol=1e-9)


def test_columns_are_channel_major_and_named() -> None:
    dataset = cohort(10)
    names = feature_names(dataset)
    scaler = fit_scaler(dataset, np.arange(10))
    features = haim_features(dataset, scaler, HAIMSettings())
    assert features.shape == (10, 11 * 5 + 3) == (10, len(names))
    assert names[:2] == ["vitals0_max", "vitals0_min"]
    assert names[11] == "vitals1_max"
    assert names[-3:] == ["age", "height", "weight"]


def test_broken_entries_and_absent_items_give_zero() -> None:
    dataset = cohort(3).select(["static"])
    scaler = fit_scaler(dataset, np.arange(3))
    array = np.array([[np.inf, 1e7, np.nan], [1, 2, 3], [3, 4, 5]], dtype=np.float32)
    items = Items("static", ("a", "b", "c"), np.array([0, 1, 1, 3]), np.zeros(3), array)
    changed = replace(dataset, modalities={"static": items})
    features = haim_features(changed, scaler, HAIMSettings())
    mean, std = scaler.mean["static"], scaler.std["static"]
    assert (features[:2] == 0).all()
    np.testing.assert_allclose(features[2], ([2, 3, 4] - mean) / std)


def by_definition(dataset: PackedDataset, scaler: Scaler, settings: HAIMSettings) -> np.ndarray:
    """Return the statistics of the series under any switches, one stay and channel at a time."""
    table = []
    for stay in range(dataset.num_stays):
        row: list[float] = []
        for name in ("vitals", "labs"):
            series = dataset.modalities[name]
            assert isinstance(series, Series)
            mean, std = scaler.mean[name], scaler.std[name]
            rows = range(series.row_offsets[stay], series.row_offsets[stay + 1])
            kept = rows[: settings.max_rows]
            if settings.slices == "paper":
                kept = rows[-settings.max_rows :]
            for c in range(len(series.channels)):
                values = []
                for time in kept:
                    seen = slice(*series.observation_offsets[[time, time + 1]])
                    found = series.value[seen][series.channel[seen] == c]
                    if len(found):
                        values.append((float(found[0]) - mean[c]) / std[c])
                    elif settings.unobserved == "zero":
                        values.append(0.0)
                if settings.zero_row:
                    raw = settings.unobserved == "ignore"
                    values.append(-mean[c] / std[c] if raw else 0.0)
                v = np.array(values)
                statistics = brute_force(v)
                if settings.variance_ddof == 0 and len(v):
                    statistics[3] = v.var()
                row += statistics.tolist()
        table.append(row)
    return np.array(table)


@pytest.mark.parametrize("slices", ["paper", "authors"])
@pytest.mark.parametrize("unobserved", ["ignore", "zero"])
@pytest.mark.parametrize("zero_row", [False, True])
@pytest.mark.parametrize("variance_ddof", [1, 0])
def test_switches_against_their_definitions(
    slices: str, unobserved: str, zero_row: bool, variance_ddof: int
) -> None:
    dataset = cohort(30).select(["vitals", "labs"])
    scaler = fit_scaler(dataset, np.arange(20))
    settings = HAIMSettings.model_validate(
        {
            "slices": slices,
            "unobserved": unobserved,
            "zero_row": zero_row,
            "variance_ddof": variance_ddof,
            "max_rows": 3,
        }
    )
    found = haim_features(dataset, scaler, settings)
    expected = by_definition(dataset, scaler, settings)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    # The switch matters on these data.
    if settings.model_copy(update={"max_rows": 128}) != HAIMSettings():
        plain = haim_features(dataset, scaler, HAIMSettings(max_rows=3))
        assert not np.allclose(found, plain)


def test_notes_are_the_last_five_or_those_after_the_fifth() -> None:
    counts = np.array([0, 1, 5, 7])
    offsets = np.concatenate([[0], np.cumsum(counts)])
    array = np.arange(13 * 2, dtype=np.float32).reshape(13, 2)
    hours = np.zeros(13, dtype=np.float32)
    dataset = replace(
        cohort(4),
        modalities={
            name: Items(name, ("a", "b"), offsets, hours, array) for name in ("notes", "cxr")
        },
    )
    scaler = fit_scaler(dataset, np.arange(4))
    scaled = (array - scaler.mean["notes"]) / scaler.std["notes"]
    zero, nan = np.zeros(2), np.full(2, np.nan)
    whole = [zero, scaled[0], scaled[1:6].mean(axis=0), scaled[6:].mean(axis=0)]

    paper = haim_features(dataset, scaler, HAIMSettings())
    np.testing.assert_allclose(paper[:, :2], [*whole[:3], scaled[8:].mean(axis=0)])
    authors = haim_features(dataset, scaler, HAIMSettings(slices="authors"))
    # No note is an absent modality, zero; notes that are all dropped give a mean over nothing.
    np.testing.assert_allclose(authors[:, :2], [zero, nan, nan, scaled[11:].mean(axis=0)])
    for features in (paper, authors):
        np.testing.assert_allclose(features[:, 2:], whole)


def test_recorded_tables(golden: Path) -> None:
    """Of one patient's (label, value) rows, in raw units, with the zero that HAIM appends."""
    tables = sorted((golden / "haim").glob("table_*.json"))
    assert len(tables) == 3
    for path in tables:
        case = json.loads(path.read_text())
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
            label, value = arrays["input/label"], arrays["input/value"]
            expected = arrays["output/features"]
        names = case["config"]["labels"]
        kept = (label < len(names)) & ~np.isnan(value)
        rows = np.arange(kept.sum() + 1)
        series = Series(
            "table",
            tuple(names),
            np.array([0, kept.sum()]),
            np.zeros(kept.sum(), dtype=np.float32),
            rows,
            label[kept].astype(np.int16),
            value[kept],
        )
        dataset = replace(cohort(1), modalities={"table": series})
        scaler = Scaler(
            {"table": np.zeros(len(names))}, {"table": np.ones(len(names))}, stays_sha256=""
        )
        settings = HAIMSettings(zero_row=True, max_rows=10_000)
        found = haim_features(dataset, scaler, settings)[0]
        assert found.shape == expected.shape
        tolerance = case["tolerance"]["forward"] * np.abs(expected).max()
        assert np.abs(found - expected).max() <= tolerance
