"""What a reader sees of a table: text cells, and a caption that explains every number."""

import pandas as pd

from fleximodal.evaluation.names import is_demo, is_synthetic
from fleximodal.publishing.baseline import MISSINGNESS
from fleximodal.publishing.declaration import TableDeclaration
from fleximodal.publishing.numbers import LABELS, NONE, count, extent, positives, share, with_spread
from fleximodal.publishing.optimum import known_optima, optimum_columns
from fleximodal.publishing.page import Page
from fleximodal.publishing.table import MEASURED, PUBLISHED, measured_cells

COST_TITLE = "Cost of the same rows"
VARYING = {
    "protocol": "Protocol",
    "cases": "Cases",
    "modalities": "Modalities",
    "variant": "Variant",
}
OPTIMUM_LABELS = {
    "auroc": ("Best reachable AUROC (%)", "Best minus measured (points)"),
    "accuracy": ("Best reachable accuracy (%)", "Best minus measured accuracy (points)"),
}


def page_of(frame: pd.DataFrame, declaration: TableDeclaration) -> Page:
    """Return what a reader sees of a declared table: metrics, caption, costs."""
    costs = cost_view(frame)
    return Page(
        name=declaration.name,
        title=declaration.title,
        view=metric_view(frame, declaration),
        caption=caption(frame, declaration),
        more=((COST_TITLE, costs),) if len(costs) else (),
    )


def metric_view(frame: pd.DataFrame, declaration: TableDeclaration) -> pd.DataFrame:
    """Return method and metrics of every row, and what else differs between rows."""
    view = {}
    for column, label in VARYING.items():
        if frame[column].nunique() > 1:
            view[label] = frame[column].fillna(NONE)
    view["Method"] = frame["method"]
    optima = known_optima(declaration.source, declaration.metrics) if declaration.optimum else []
    for metric in declaration.metrics:
        view[LABELS[metric]] = frame.apply(with_spread, axis=1, metric=metric)
        if metric in optima:
            named = zip(OPTIMUM_LABELS[metric], optimum_columns(metric), strict=True)
            view |= {label: frame[column].map(share) for label, column in named}
    view["Runs"] = frame["n_runs"].map(count)
    if (frame["status"] != MEASURED).any():
        view["Status"] = frame["status"]
    if (frame["status"] == PUBLISHED).any():
        view["Reference"] = frame["reference"].fillna(NONE)
    return pd.DataFrame(view)


def cost_view(frame: pd.DataFrame) -> pd.DataFrame:
    """Return what the measured rows cost; empty if there are none."""
    measured = measured_cells(frame)
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


def data_words(source: str, release: str = "") -> str:
    """Return what kind of data the numbers come from; `release` where it was asked for."""
    if is_synthetic(source):
        return f"synthetic (generated) data, source {source}"
    demo = f" of the demonstration {release}" if is_demo(release) else ""
    return f"real data{demo}, source {source}"


def several_classes(measured: pd.DataFrame) -> list[str]:
    """Return how the metrics of measured rows are meant, where they are of several classes."""
    if measured.empty or measured["prevalence"].notna().any():
        return []
    return [
        "AUROC and AUPRC are means over the classes, each against the rest; for accuracy and macro "
        "F1 (the mean over all classes) the most probable class is the predicted one."
    ]


def caption(frame: pd.DataFrame, declaration: TableDeclaration) -> str:
    """Return the declared caption, then the data, n and the meaning of the numbers."""
    measured = measured_cells(frame)
    words = [declaration.caption.strip(), f"Numbers from {data_words(declaration.source)}."]
    if len(measured):
        words.append(
            f"Test parts of all splits together: {extent(measured['n_stays'])} stays of "
            f"{extent(measured['n_patients'])} patients{positives(measured['prevalence'])}; mean ± "
            f"sample standard deviation over {extent(measured['n_runs'])} run(s) (split and seed), "
            "the deviation left out for one run; in brackets the 95 % interval of the mean from "
            f"{extent(measured['bootstrap_replicates'])} bootstrap resamples of patients."
        )
    words += several_classes(measured)
    if (frame["method"] == MISSINGNESS).any():
        words.append(
            f"{MISSINGNESS}: logistic regression on which of the modalities are there, no value of "
            "them read; its runs are the splits."
        )
    if declaration.optimum:
        words.append(
            "Each method is read over the sets of modalities. The best reachable value is that of "
            "the true probability of the label given these modalities, in expectation over the "
            "generator; it is known because the data are generated. A measured value can lie above "
            "it by the chance of a test part."
        )
    if "calibration_error" in declaration.metrics:
        words.append(
            "Resampling adds noise to the calibration error, so its interval lies towards high "
            "values."
        )
    if (metric_view(frame, declaration) == NONE).any(axis=None):
        words.append(
            f"A {NONE} stands for what was not run, not measured, not published or is undefined."
        )
    words += frame.loc[frame["status"] == PUBLISHED, "note"].drop_duplicates().tolist()
    return " ".join(words)
