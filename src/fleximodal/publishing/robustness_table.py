"""The table of robustness: a row per condition, a column per method."""

from pathlib import Path

import pandas as pd

from fleximodal.publishing.figure_declaration import FigureDeclaration
from fleximodal.publishing.figure_inputs import FigureInputs
from fleximodal.publishing.formats import write_page
from fleximodal.publishing.numbers import LABELS, NONE, extent, percent, positives, share
from fleximodal.publishing.page import Page
from fleximodal.publishing.robustness_numbers import robustness_numbers
from fleximodal.publishing.views import data_words, several_classes

LOSS_TITLE = "AUROC lost against intact data (points), with its 95 % interval"


def write_robustness(
    declaration: FigureDeclaration, inputs: FigureInputs, folder: Path | str
) -> None:
    """Write the table as CSV, Markdown, LaTeX and HTML into `folder`."""
    frame = robustness_numbers(declaration, inputs)
    write_page(frame, page_of_robustness(frame, declaration), folder)


def page_of_robustness(frame: pd.DataFrame, declaration: FigureDeclaration) -> Page:
    """Return what a reader sees: AUROC with its interval, then losses, then F1."""
    f1 = "macro_f1" if several_classes(frame) else "f1"
    frame = frame.assign(at_test=frame.apply(_words, axis=1))
    return Page(
        name=declaration.name,
        title=f"{declaration.title} (AUROC, %)",
        view=_view(frame, frame.apply(_with_interval, axis=1, name="auroc")),
        caption=_caption(frame, declaration),
        more=(
            (LOSS_TITLE, _view(frame, frame.apply(_with_interval, axis=1, name="auroc_loss"))),
            (LABELS[f1], _view(frame, frame["f1_mean"].map(share))),
        ),
    )


def _view(frame: pd.DataFrame, cells: "pd.Series[str]") -> pd.DataFrame:
    """Return text cells with a row per condition and a column per method, in their order."""
    order = list(dict.fromkeys(frame["at_test"]))
    methods = list(dict.fromkeys(frame["method"]))
    table = frame.assign(shown=cells).pivot(index="at_test", columns="method", values="shown")
    table = table.reindex(index=order, columns=methods).fillna(NONE)
    return table.rename_axis(columns=None).rename_axis("There at test time").reset_index()


def _words(row: "pd.Series[str]") -> str:
    if row["kind"] == "subset":
        return f"at most {row['subset']}"
    return "all, intact" if row["kind"] == "intact" else f"all, {row['percent']} % dropped"


def _with_interval(row: "pd.Series[float]", name: str) -> str:
    mean, low, high = (row[f"{name}_{end}"] for end in ("mean", "low", "high"))
    if pd.isna(mean):
        return NONE
    interval = "" if pd.isna(low) else f" [{percent(low)}, {percent(high)}]"
    return percent(mean) + interval


def _caption(frame: pd.DataFrame, declaration: FigureDeclaration) -> str:
    words = [declaration.caption.strip()]
    if frame.empty:
        return words[0]
    words += [
        f"Numbers from {data_words(declaration.source)}.",
        f"Test part: {extent(frame['n_stays'])} stays of {extent(frame['n_patients'])} patients"
        f"{positives(frame['prevalence'])}; mean over {extent(frame['n_runs'])} "
        "run(s); in brackets the 95 % interval of the mean from "
        f"{extent(frame['bootstrap_replicates'])} bootstrap resamples of patients, drawn together "
        "for all conditions of a method, so that the intervals of losses are paired. The draws of "
        "what is dropped are not repeated.",
        *several_classes(frame),
    ]
    return " ".join(words)
