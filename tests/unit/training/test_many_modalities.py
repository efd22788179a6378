"""Generated modalities: what is planted, the best that can be reached, and the cost of more."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from fleximodal.config.training import Training
from fleximodal.dataset.packed import Table
from fleximodal.methods.registry import find_method
from fleximodal.methods.settings import NetworkSettings
from fleximodal.training.many_data import Generated, generate
from fleximodal.training.many_modalities import scale_modalities, with_enough_experts
from fleximodal.training.many_settings import ManyModalities

SIZES: dict[str, Any] = {"width": 8, "heads": 2, "layers": 1, "grid_steps": 4}


def rows_of(made: Generated) -> np.ndarray:
    """Return the features of all modalities side by side, NaN where absent."""
    columns = []
    for table in made.dataset.modalities.values():
        assert isinstance(table, Table)
        there = np.diff(table.row_offsets) > 0
        values = np.full((len(there), len(table.features)), np.nan)
        values[there] = table.features_array
        columns.append(values)
    return np.concatenate(columns, axis=1)


def test_probability_is_that_of_the_label() -> None:
    made = generate(4, stays=60_000, features=6, missing=0.4, seed=3)
    labels = made.dataset.label
    place = np.digitize(made.probability, np.linspace(0, 1, 11)[1:-1])
    for bin_ in range(10):
        inside = place == bin_
        expected = made.probability[inside].mean()
        error = np.sqrt(expected * (1 - expected) / inside.sum())
        assert abs(labels[inside].mean() - expected) < 4.5 * error + 1e-3


def test_nothing_told_by_complete_features_is_left_out() -> None:
    made = generate(3, stays=40_000, features=6, missing=0.0, seed=4)
    rows, labels = rows_of(made), made.dataset.label
    half = len(rows) // 2
    fitted = LogisticRegression(max_iter=500).fit(rows[:half], labels[:half])
    reached = roc_auc_score(labels[half:], fitted.predict_proba(rows[half:])[:, 1])
    best = roc_auc_score(labels[half:], made.probability[half:])
    assert reached == pytest.approx(best, abs=0.002)
    # Each modality tells a part: without one there is less.
    fewer = LogisticRegression(max_iter=500).fit(rows[:half, :12], labels[:half])
    less = roc_auc_score(labels[half:], fewer.predict_proba(rows[half:, :12])[:, 1])
    assert less < reached - 0.03


def test_presence_is_as_asked_and_no_stay_is_empty() -> None:
    made = generate(5, stays=4000, features=3, missing=0.5, seed=5)
    present = np.stack([np.diff(t.row_offsets) for t in made.dataset.modalities.values()])
    assert present.sum(0).min() == 1
    # One of the five is kept for certain, each of the others with probability 1/2.
    assert present.mean() == pytest.approx(0.2 + 0.8 * 0.5, abs=0.02)
    assert sum(len(part) for part in made.parts.values()) == 4000
    assert len(set(np.concatenate(list(made.parts.values())))) == 4000
    assert all(table.fault(4000) is None for table in made.dataset.modalities.values())


def test_equal_arguments_give_equal_stays() -> None:
    arguments: dict[str, Any] = {"stays": 200, "features": 3, "missing": 0.3}
    one, same, other = (generate(3, **arguments, seed=seed) for seed in (6, 6, 7))
    np.testing.assert_array_equal(rows_of(one), rows_of(same))
    np.testing.assert_array_equal(one.parts["test"], same.parts["test"])
    assert not np.array_equal(one.dataset.label, other.dataset.label)


@pytest.mark.parametrize(
    ("method", "modalities", "experts"),
    [
        ("Flex-MoE", 4, 16),
        ("Flex-MoE", 6, 63),
        ("Flex-MoE", 10, None),
        ("Flex-MoE-without-ES", 10, 16),
        ("Flex-MoE-without-experts", 10, 16),
    ],
)
def test_experts_are_given_where_they_are_needed(
    method: str, modalities: int, experts: int | None
) -> None:
    settings = find_method(method).settings
    assert isinstance(settings, NetworkSettings)
    given = with_enough_experts(settings, modalities, 255)
    assert (None if given is None else given.model_dump()["experts"]) == experts


def scaled(folder: Path, modalities: int, method: str) -> dict[str, Any]:
    settings = find_method(method).settings.model_dump() | SIZES
    many = ManyModalities(
        stays=300, features=8, seeds=[0, 1], epochs=8, learning_rate=0.01, expert_limit=20
    )
    output = folder / "many.json"
    scale_modalities(
        modalities,
        method,
        output,
        settings=settings,
        many=many.model_dump(),
        training=Training(device="cpu").model_dump(),
        state=folder / "state",
        threads=1,
    )
    assert not (folder / "state").exists()
    found: dict[str, Any] = json.loads(output.read_text())
    return found


def test_bank_grows_and_little_else(tmp_path: Path) -> None:
    two, three = (scaled(tmp_path / str(number), number, "Flex-MoE") for number in (2, 3))
    for number, told in ((2, two), (3, three)):
        assert told["bank_parameters"] == (2**number - 1) * number * 4 * 8
        assert told["combinations_in_training"] == told["combinations"] == 2**number - 1
        assert [run["seed"] for run in told["runs"]] == [0, 1]
        assert 0.5 < np.mean([run["auroc"] for run in told["runs"]]) < 0.97
        assert told["optimum"]["auroc"] > 0.75
        assert told["seconds_per_iteration"] > 0 and told["peak_memory_mb"] > 10
    # Besides the bank: an encoder, positions, and the head's columns for one modality more.
    encoder, positions, head = 2 * 8 + 8, 4 * 8, 2 * 8
    rest = [told["parameters"] - told["bank_parameters"] for told in (two, three)]
    assert rest[1] - rest[0] == encoder + positions + head


def test_what_needs_too_many_experts_is_not_run(tmp_path: Path) -> None:
    told = scaled(tmp_path, 5, "Flex-MoE")
    assert told["not_run"] == "31 experts are above the limit" and told["runs"] == []
    assert told["combinations"] == 31 and told["optimum"]["auroc"] > 0.7


def test_faulty_settings_are_refused() -> None:
    with pytest.raises(ValidationError, match="an entry of numbers occurs twice"):
        ManyModalities(numbers=[3, 3])
    with pytest.raises(ValidationError, match="less than or equal to 12"):
        ManyModalities(numbers=[13])
