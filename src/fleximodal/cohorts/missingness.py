"""How much of the label is told by which modalities exist, before any value is read."""

from typing import Any

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score


def missingness_only(cohort: pl.DataFrame, splits: pl.DataFrame) -> dict[str, Any]:
    """Fit a logistic regression on the `has_{modality}` flags of train and score test, per split.

    A baseline to read other results by, not a gate: an AUROC well above 0.5 says that the pattern
    of missing modalities carries the outcome.

    Parameters
    ----------
    cohort
        stay_id, label and the boolean flags.
    splits
        split, stay_id, part.

    Returns
    -------
    dict
        Per split: `auroc` on test (None where train or test has one class only), `n_train`,
        `n_test`.
    """
    flags = [name for name in cohort.columns if name.startswith("has_")]
    rows = splits.join(cohort.select("stay_id", "label", *flags), on="stay_id", how="inner")
    report: dict[str, Any] = {}
    for name in splits["split"].unique().sort().to_list():
        train, test = (
            rows.filter((pl.col("split") == name) & (pl.col("part") == part)).sort("stay_id")
            for part in ("train", "test")
        )
        report[name] = {
            "auroc": _auroc(train, test, flags),
            "n_train": train.height,
            "n_test": test.height,
        }
    return report


def _auroc(train: pl.DataFrame, test: pl.DataFrame, flags: list[str]) -> float | None:
    if train["label"].n_unique() < 2 or test["label"].n_unique() < 2:
        return None
    model = LogisticRegression().fit(
        train.select(flags).to_numpy().astype(np.float64), train["label"].to_numpy()
    )
    scores = model.decision_function(test.select(flags).to_numpy().astype(np.float64))
    return float(roc_auc_score(test["label"].to_numpy(), scores))
