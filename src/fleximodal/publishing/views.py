"""What a reader sees of a table: text cells, and a caption that explains every number."""

import pandas as pd

from fleximodal.publishing.declaration import TableDeclaration
from fleximodal.publishing.numbers import LABELS, NONE, count, extent, with_spread
from fleximodal.publishing.table import MEASURED, PUBLISHED

VARYING = {"protocol": "Protocol", "modalities": "Modalities", "variant": "Variant"}


def metric_view(frame: pd.DataFrame, declaration: TableDeclaration) -> pd.DataFrame:
    """Return method and metrics of every row, and what else differs between rows."""
    view = {}
    for column, label in VARYING.items():
        if frame[column].nunique() > 1:
            view[label] = frame[column].fillna(NONE)
    view["Method"] = frame["method"]
    for metric in declaration.metrics:
        view[LABELS[metric]] = frame.apply(with_spread, axis=1, metric=metric)
    view["Runs"] = frame["n_runs"].map(count)
    if (frame["status"] != MEASURED).any():
        view["Status"] = frame["status"]
    if (frame["status"] == PUBLISHED).any():
        view["Reference"] = frame["reference"].fillna(NONE)
    return pd.DataFrame(view)


def cost_view(frame: pd.DataFrame) -> pd.DataFrame:
    """Return what the measured rows cost; empty if there are none."""
    measured = frame[frame["status"] == MEASURED]
    view = {"Modalities": measured["modalities"]} if measured["modalities"].nunique() > 1 else {}
    return pd.DataFrame(
        {
            **view,
            "Method": measured["method"],
            "Training, all runs (s)": measured["train_seconds"].map(count),
            "Peak memory (MB)": measured["peak_memory_mb"].map(count),
            "Parameters": measured["parameters"].map(count),
            "Device": measured["device"],
        }
    )


def data_words(declaration: TableDeclaration) -> str:
    """Return what kind of data the numbers come from."""
    if declaration.source == "synthetic":
        return "synthetic (generated) data"
    return f"real data, source {declaration.source}"


def caption(frame: pd.DataFrame, declaration: TableDeclaration) -> str:
    """Return the declared caption, then the data, n and the meaning of the numbers."""
    measured = frame[frame["status"] == MEASURED]
    words = [declaration.caption.strip(), f"Numbers from {data_words(declaration)}."]
    if len(measured):
        words.append(
            f"Test parts of all splits together: {extent(measured['n_stays'])} stays of "
            f"{extent(measured['n_patients'])} patients, "
            f"{extent(measured['prevalence'], 1, 100)} % positive; mean ± sample standard "
            f"deviation over {extent(measured['n_runs'])} run(s) (split and seed), the deviation "
            "left out for one run; in brackets the 95 % interval of the mean from "
            f"{extent(measured['bootstrap_replicates'])} bootstrap resamples of patients."
        )
    if "calibration_error" in declaration.metrics:
        words.append(
            "Resampling adds noise to the calibration error, so its interval lies towards high "
            "values."
        )
    if (metric_view(frame, declaration) == NONE).any(axis=None):
        words.append(f"A {NONE} stands for what was not run, not published or is undefined.")
    words += frame.loc[frame["status"] == PUBLISHED, "note"].drop_duplicates().tolist()
    return " ".join(words)
