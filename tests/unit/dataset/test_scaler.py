"""Scaling against scikit-learn, and fitted on training stays alone."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from fleximodal.cohorts.fitting import check_scalers, hash_of_stays
from fleximodal.cohorts.verdicts import LeakageError
from fleximodal.dataset.scaler import fit_scaler, read_scalers, write_dataset_scalers
from fleximodal.errors import FleximodalError

from .hospital import CHANNELS, STAYS, Hospital, Stay, values_of

Pack = Callable[..., Hospital]


@settings(max_examples=25, deadline=None)
@given(stays=STAYS, data=st.data())
def test_moments_are_those_of_scikit_learn(
    pack: Pack, stays: list[Stay], data: st.DataObject
) -> None:
    dataset = pack(stays).dataset
    everyone = list(range(len(stays)))
    train = data.draw(st.lists(st.sampled_from(everyone), unique=True, min_size=1))
    scaler = fit_scaler(dataset, np.array(train))
    pooled: dict[tuple[str, int], list[float]] = {}
    for position in train:
        for key, values in values_of(dataset, position).items():
            pooled.setdefault(key, []).extend(values)
    for name, size in {**{name: len(of) for name, of in CHANNELS.items()}, "static": 2}.items():
        for channel in range(size):
            values = pooled.get((name, channel), [])
            mean, std = scaler.mean[name][channel], scaler.std[name][channel]
            if not values:
                assert (mean, std) == (0.0, 1.0)
                continue
            reference = StandardScaler().fit(np.array(values)[:, None])
            # Scikit-learn also takes a deviation within rounding for none.
            spread = reference.scale_[0] if len(set(values)) == 1 else np.std(values)
            np.testing.assert_allclose(mean, reference.mean_[0], rtol=1e-12, atol=1e-10)
            np.testing.assert_allclose(std, spread, rtol=1e-7)


def test_constant_channel_keeps_its_mean(pack: Pack) -> None:
    # 0.1 has no exact float, so that the mean of three differs from it by rounding.
    stays = [Stay({(minute, "K"): float(np.float32(0.1)) for minute in (0, 10, 20)})]
    scaler = fit_scaler(pack(stays).dataset, np.array([0]))
    assert scaler.std["labs"].tolist() == [1.0, 1.0]
    np.testing.assert_allclose(scaler.mean["labs"], [np.float32(0.1), 0.0])


def test_large_offset_loses_no_digits(pack: Pack) -> None:
    values = 100000 + np.arange(2000) % 2  # in float32 sums the deviation would be lost
    stays = [Stay({(minute, "Na"): float(value) for minute, value in enumerate(values)})]
    scaler = fit_scaler(pack(stays).dataset, np.array([0]))
    assert scaler.mean["labs"][1] == pytest.approx(100000.5, rel=1e-14)
    assert scaler.std["labs"][1] == pytest.approx(0.5, rel=1e-12)


def five_stays() -> list[Stay]:
    return [Stay({(0, "HR"): 60.0 + 10 * number}, (40.0, None)) for number in range(5)]


def write_splits(path: Path, **parts: list[str]) -> Path:
    rows = [
        (split, stay, part) for split, of in parts.items() for stay, part in enumerate(of, start=7)
    ]
    pl.DataFrame(rows, schema=["split", "stay_id", "part"], orient="row").write_parquet(path)
    return path


def test_scalers_of_a_dataset_are_written_and_read(pack: Pack, tmp_path: Path) -> None:
    hospital = pack(five_stays())
    splits = write_splits(
        tmp_path / "splits.parquet",
        one=["train", "train", "train", "val", "test"],
        two=["test", "val", "train", "train", "train"],
    )
    path = tmp_path / "official" / "scalers.json"
    write_dataset_scalers(hospital.folder, splits, path)
    raw = json.loads(path.read_text())
    assert raw["one"]["fitted_on"] == "train"
    assert raw["one"]["n_stays"] == 3
    assert raw["one"]["stays_sha256"] == hash_of_stays([7, 8, 9])
    assert check_scalers(pl.read_parquet(splits), raw)["verdict"] == "passed"
    scalers = read_scalers(path)
    assert scalers["one"].mean["vitals"][0] == 70.0
    assert scalers["two"].mean["vitals"][0] == 90.0
    assert list(scalers["one"].mean) == sorted(["vitals", "labs", "static"])
    fitted = fit_scaler(hospital.dataset, np.array([2, 3, 4]))
    for name in fitted.mean:
        np.testing.assert_array_equal(scalers["two"].mean[name], fitted.mean[name])
        np.testing.assert_array_equal(scalers["two"].std[name], fitted.std[name])
    assert (path.parent / "manifest.json").is_file()


def test_values_of_other_parts_do_not_matter(pack: Pack) -> None:
    stays = five_stays()
    train = np.array([0, 1, 2])
    before = fit_scaler(pack(stays).dataset, train)
    stays[4] = Stay({(0, "HR"): 900.0, (3, "K"): 77.0}, (99.0, 200.0))
    after = fit_scaler(pack(stays).dataset, train)
    for name in before.mean:
        np.testing.assert_array_equal(before.mean[name], after.mean[name])
        np.testing.assert_array_equal(before.std[name], after.std[name])
    assert before.stays_sha256 == after.stays_sha256


def test_scaler_of_all_stays_fails_the_gate(pack: Pack, tmp_path: Path) -> None:
    hospital = pack(five_stays())
    splits = pl.read_parquet(
        write_splits(tmp_path / "splits.parquet", one=["train", "train", "train", "val", "test"])
    )
    leaky = fit_scaler(hospital.dataset, np.arange(5))
    entry = {
        "fitted_on": "train",
        "n_stays": leaky.n_stays,
        "stays_sha256": leaky.stays_sha256,
    }
    with pytest.raises(LeakageError, match="fitted on 5 stays"):
        check_scalers(splits, {"one": entry})


def test_training_stay_outside_the_dataset_is_refused(pack: Pack, tmp_path: Path) -> None:
    hospital = pack(five_stays())
    splits = write_splits(tmp_path / "splits.parquet", one=["train"] * 6)
    with pytest.raises(FleximodalError, match="first: 12.* not in dataset"):
        write_dataset_scalers(hospital.folder, splits, tmp_path / "scalers.json")
    assert not (tmp_path / "scalers.json").exists()


def test_absent_scalers_are_named(tmp_path: Path) -> None:
    with pytest.raises(FleximodalError, match="scalers.json does not exist"):
        read_scalers(tmp_path / "scalers.json")
