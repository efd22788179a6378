"""Protocol `complete-test`: sizes, shares of classes, and who can be drawn."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleximodal.cohorts.protocols import make_splits
from fleximodal.errors import FleximodalError

CLASSES = ["CN", "MCI", "dementia"]


def cohort_of(label: list[int], complete: list[bool]) -> pl.DataFrame:
    """Return stays in a mixed order; the incomplete ones lack the one or the other modality."""
    size = len(label)
    table = pl.DataFrame(
        {
            "stay_id": range(100, 100 + size),
            "patient_id": range(100, 100 + size),
            "label": pl.Series([CLASSES[one] for one in label], dtype=pl.Enum(CLASSES)),
            "has_image": [one or number % 2 == 0 for number, one in enumerate(complete)],
            "has_clinical": [one or number % 2 == 1 for number, one in enumerate(complete)],
        }
    )
    return table.sample(fraction=1, shuffle=True, seed=size)


def protocol(**changes: object) -> dict[str, object]:
    given = {"kind": "complete-test", "fractions": (0.7, 0.15, 0.15), "seed": 0}
    return given | {"labels": "stratified"} | changes


def test_sizes_of_the_paper() -> None:
    random = np.random.default_rng(0)
    label = random.choice(3, 2380, p=[0.36, 0.44, 0.2]).tolist()
    complete = [number < 1474 for number in range(2380)]
    cohort = cohort_of(label, complete)
    made = make_splits(cohort, protocol())
    assert made["split"].unique().to_list() == ["complete0"]
    assert made["stay_id"].to_list() == sorted(cohort["stay_id"].to_list())
    assert dict(made.group_by("part").len().rows()) == {"train": 1666, "val": 357, "test": 357}
    assert make_splits(cohort.sort("stay_id", descending=True), protocol()).equals(made)
    other = make_splits(cohort, protocol(seed=1))
    assert other["split"][0] == "complete1"
    assert not other["part"].equals(made["part"])


@given(
    st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=40, max_size=120),
    st.integers(0, 5),
)
def test_held_out_stays_are_complete_and_have_the_classes_shares(
    stays: list[tuple[int, bool]], seed: int
) -> None:
    label, complete = [one for one, _ in stays], [there for _, there in stays]
    sizes = dict.fromkeys(("val", "test"), round(0.15 * len(stays)))
    cohort = cohort_of(label, complete)
    if sum(complete) < sum(sizes.values()):
        with pytest.raises(FleximodalError, match="lower their fractions"):
            make_splits(cohort, protocol(seed=seed))
        return
    members = make_splits(cohort, protocol(seed=seed)).join(cohort, on="stay_id")
    pool = cohort.filter(pl.col("has_image") & pl.col("has_clinical"))
    for part, size in sizes.items():
        drawn = members.filter(part=part)
        assert drawn.height == size
        assert drawn.select(pl.all_horizontal("has_image", "has_clinical").all()).item()
        for name in CLASSES:
            exact = size * pool.filter(label=name).height / pool.height
            # Never more than one off, unless the class is used up.
            count = drawn.filter(label=name).height
            left = members.filter(
                (pl.col("label") == name)
                & (pl.col("part") == "train")
                & pl.all_horizontal("has_image", "has_clinical")
            ).height
            assert count < exact + 2 and (count > exact - 1 or left == 0)


def test_labels_can_be_ignored() -> None:
    cohort = cohort_of([0] * 50 + [1] * 50, [True] * 100)
    shares = {
        seed: make_splits(cohort, protocol(labels="ignored", seed=seed))
        .filter(part="test")
        .join(cohort, on="stay_id")
        .filter(label="CN")
        .height
        for seed in range(8)
    }
    assert len(set(shares.values())) > 1, "the share of a class varies with the draw"
    several = cohort.with_columns(label=pl.Series([[0, 1]] * 100, dtype=pl.Array(pl.Int8, 2)))
    make_splits(several, protocol(labels="ignored"))
    with pytest.raises(FleximodalError, match="protocols.complete-test.labels to ignored"):
        make_splits(several, protocol())


def test_a_binary_label_is_stratified_too() -> None:
    cohort = cohort_of([0, 1] * 50, [True] * 100).with_columns(
        label=(pl.col("label") == "MCI").cast(pl.Int8)
    )
    test = make_splits(cohort, protocol()).filter(part="test").join(cohort, on="stay_id")
    assert test["label"].sum() in (7, 8) and test.height == 15


def test_impossible_fractions_are_refused() -> None:
    cohort = cohort_of([0, 1] * 10, [True] * 20)
    with pytest.raises(FleximodalError, match="three positive numbers"):
        make_splits(cohort, protocol(fractions=(0.9, 0.2, 0.1)))
