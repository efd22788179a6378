"""The baseline of missing modalities, against a fit on the rows one by one."""

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from fleximodal.cohorts.missingness import missingness_only


def parts(train: int, test: int, split: str = "only") -> pl.DataFrame:
    number = train + test
    part = ["train"] * train + ["test"] * test
    return pl.DataFrame({"split": [split] * number, "stay_id": range(1, number + 1), "part": part})


def test_ranks_test_stays_by_the_rate_of_their_pattern() -> None:
    # In train, 3 of 4 without labs die and 1 of 4 with labs: the flag alone ranks the test stays.
    has_labs = [False] * 4 + [True] * 4 + [False, False, True, True, True]
    label = [1, 1, 1, 0] + [1, 0, 0, 0] + [1, 0, 1, 0, 0]
    cohort = pl.DataFrame(
        {"stay_id": range(1, 14), "label": label, "has_labs": has_labs, "has_static": [True] * 13}
    )
    wanted = roc_auc_score(label[8:], [not flag for flag in has_labs[8:]])
    entry = {"auroc": pytest.approx(wanted), "n_train": 8, "n_test": 5}
    assert missingness_only(cohort, parts(8, 5)) == {
        "labs": {"only": entry},
        "static": {"only": {**entry, "auroc": 0.5}},
        "labs+static": {"only": entry},
    }


def test_one_class_is_none() -> None:
    cohort = pl.DataFrame({"stay_id": [1, 2, 3], "label": [0, 1, 0], "has_labs": [True] * 3})
    assert missingness_only(cohort, parts(2, 1))["labs"]["only"]["auroc"] is None


def test_every_subset_and_label_equals_a_fit_on_the_rows() -> None:
    rng = np.random.default_rng(0)
    flags = rng.random((600, 3)) < [0.8, 0.5, 0.3]
    chance = 1 / (1 + np.exp(2 - flags @ np.array([[1.0, -1.0], [0.5, 1.5], [2.0, 0.2]])))
    label = np.column_stack([rng.random((600, 2)) < chance, np.zeros(600)]).astype(np.int8)
    names = ["vitals", "notes", "cxr"]
    cohort = pl.DataFrame(
        {"stay_id": range(1, 601), "label": pl.Series(label, dtype=pl.Array(pl.Int8, 3))}
    ).with_columns(**{f"has_{name}": flags[:, place] for place, name in enumerate(names)})
    report = missingness_only(cohort, pl.concat([parts(400, 200, "a"), parts(300, 300, "b")]))
    assert list(report) == [
        *("vitals", "notes", "cxr", "vitals+notes", "vitals+cxr", "notes+cxr"),
        "vitals+notes+cxr",
    ]
    for modalities, per_split in report.items():
        chosen = flags[:, [names.index(name) for name in modalities.split("+")]].astype(float)
        for split, cut in (("a", 400), ("b", 300)):
            scores = [
                roc_auc_score(
                    label[cut:, place],
                    LogisticRegression(tol=1e-10)
                    .fit(chosen[:cut], label[:cut, place])
                    .decision_function(chosen[cut:]),
                )
                for place in (0, 1)
            ]
            assert per_split[split] == {
                "auroc": pytest.approx(np.mean(scores), abs=1e-9),
                "n_train": cut,
                "n_test": 600 - cut,
                "undefined": 1,
            }
