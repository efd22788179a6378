"""How numbers look to a reader; the only place where anything is rounded."""

from decimal import ROUND_HALF_UP, Decimal

import pandas as pd

LABELS = {
    "auroc": "AUROC (%)",
    "auprc": "AUPRC (%)",
    "f1": "F1 at 0.5 (%)",
    "f1_tuned": "F1, tuned threshold (%)",
    "brier": "Brier score (%)",
    "calibration_slope": "Calibration slope",
    "calibration_error": "Calibration error (%)",
    "auroc_hard": "AUROC of 0/1 predictions (%)",
    "accuracy": "Accuracy (%)",
    "macro_f1": "Macro F1 (%)",
}
PERCENT = {metric: label.endswith("(%)") for metric, label in LABELS.items()}
NONE = "–"


def rounded(value: float, places: int, scale: int = 1) -> str:
    """Return `value` times `scale` with `places` decimals, halves away from zero.

    In decimal arithmetic, so that 0.8415 in percent is 84.2 however binary stores it.
    """
    exact = Decimal(str(float(value))) * scale
    return f"{exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,}"


def percent(value: float) -> str:
    """Return a fraction in percent with one decimal."""
    return rounded(value, 1, scale=100)


def with_spread(row: "pd.Series[float]", metric: str) -> str:
    """Return "mean ± sd [low, high]" of a metric in a row of a table, without what is missing."""

    def shown(statistic: str) -> str:
        value = row[f"{metric}_{statistic}"]
        return percent(value) if PERCENT[metric] else rounded(value, 2)

    def given(statistic: str) -> bool:
        return bool(pd.notna(row[f"{metric}_{statistic}"]))

    if not given("mean"):
        return NONE
    spread = f" ± {shown('sd')}" if given("sd") else ""
    interval = f" [{shown('low')}, {shown('high')}]" if given("low") else ""
    return shown("mean") + spread + interval


def count(value: float) -> str:
    """Return a whole number with separated thousands, a dash if there is none."""
    return NONE if pd.isna(value) else rounded(value, 0)


def share(value: float) -> str:
    """Return a fraction in percent with one decimal, a dash if there is none."""
    return NONE if pd.isna(value) else percent(value)


def extent(values: "pd.Series[float]", places: int = 0, scale: int = 1) -> str:
    """Return the one value of a column, or its least and greatest joined by "to"."""
    ends = [rounded(end, places, scale) for end in (values.min(), values.max())]
    return " to ".join(dict.fromkeys(ends))


def positives(prevalences: "pd.Series[float]") -> str:
    """Return ", N % positive" of a column of fractions; nothing for several classes.

    These have no such fraction, and their prevalence is missing.
    """
    known = prevalences.dropna().astype(float)
    return f", {extent(known, 1, scale=100)} % positive" if len(known) else ""
