"""Gates on time: nothing outside the window, and no window that the label decides."""

from collections.abc import Mapping
from math import isnan
from typing import Any

import numpy as np
import polars as pl
from sklearn.metrics import roc_auc_score

from fleximodal.cohorts.counting import labels_of
from fleximodal.cohorts.verdicts import LeakageError, passed, reported

# A length of stay is told to four decimals of a day, that is to 4.3 seconds.
ROUNDING_HOURS = 0.0013


def check_hours(
    hours_range: Mapping[str, tuple[float, float]], window_hours: float | None
) -> dict[str, Any]:
    """Fail if an observation or item that models get is before admission or after the window.

    Parameters
    ----------
    hours_range
        Least and greatest hour per packed modality, one without any observation left out.
    window_hours
        End of the observations, itself included; None is the whole stay.
    """
    for name, (least, greatest) in hours_range.items():
        late = window_hours is not None and greatest > window_hours
        if isnan(least) or isnan(greatest) or least < 0 or late:
            window = "the whole stay" if window_hours is None else f"0 to {window_hours:g} hours"
            raise LeakageError(
                f"Modality {name} of the packed dataset reaches from hour {least:g} to "
                f"{greatest:g}, but the window is {window}; pack the dataset again."
            )
    numbers = {name: {"least": low, "greatest": high} for name, (low, high) in hours_range.items()}
    return passed("hours-within-window", {"window_hours": window_hours, "modalities": numbers})


def check_window(
    cohort: pl.DataFrame, window_hours: float | None, *, full_window: bool
) -> dict[str, Any]:
    """Fail if a stay ended before a window did that all stays must fill.

    Otherwise its length could tell the label. Where stays may be shorter, or there is no window,
    the AUROC of the length of stay alone is reported, over the labels that have both classes; a
    source that does not tell lengths is reported as such.

    Parameters
    ----------
    cohort
        label and hours, the length of each stay, null where not told.
    window_hours
        End of the observations; None is the whole stay.
    full_window
        Whether the task promises stays that last as long as the window.
    """
    name = "window-independent-of-label"
    known = cohort.filter(pl.col("hours").is_not_null())
    numbers: dict[str, Any] = {
        "window_hours": window_hours,
        "stays": cohort.height,
        "unknown_length": cohort.height - known.height,
    }
    if window_hours is None or not full_window:
        return reported(name, numbers | _length_auroc(known))
    short = known.filter(pl.col("hours") < window_hours - ROUNDING_HOURS).height
    if short:
        raise LeakageError(
            f"{short} stays of the cohort ended before the window of {window_hours:g} hours did; "
            "leave them out of the cohort or observe the whole stay."
        )
    if known.height < cohort.height:
        return reported(name, numbers)
    return passed(name, numbers)


def _length_auroc(known: pl.DataFrame) -> dict[str, Any]:
    hours = known["hours"].to_numpy()
    columns = [column for column in labels_of(known).T if len(np.unique(column)) == 2]
    single = [float(roc_auc_score(column, hours)) for column in columns]
    return {
        "auroc": float(np.mean(single)) if single else None,
        "undefined_labels": labels_of(known).shape[1] - len(single),
    }
