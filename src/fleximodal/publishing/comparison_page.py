"""What a reader sees of a comparison: values, differences, verdicts."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fleximodal.methods.differences import find_difference
from fleximodal.methods.variants import NOISE, SHUFFLED_LABELS, parse_variant
from fleximodal.publishing.comparison import REFERENCE
from fleximodal.publishing.comparison_declaration import Comparison
from fleximodal.publishing.numbers import LABELS, NONE, extent, positives, rounded
from fleximodal.publishing.page import Page
from fleximodal.publishing.table import ABSENT, MEASURED
from fleximodal.publishing.views import data_words, several_classes

PERCENT = 100
PLACES = 1


def comparison_page(frame: pd.DataFrame, declaration: Comparison) -> Page:
    """Return the page of `build_comparison`'s frame."""
    rows = [_view_row(row) for row in frame.to_dict("records")]
    view = pd.DataFrame(rows)
    alike = {
        "Modalities": declaration.modalities,
        "Variant": declaration.variants,
        "What it does": declaration.variants,
        "Cases": declaration.all_cases,
    }
    view = view.drop(columns=[name for name, values in alike.items() if len(values) == 1])
    return Page(
        name=declaration.name,
        title=declaration.title,
        view=view,
        caption=_caption(frame, declaration),
    )


def changes(variant: str) -> str:
    """Return what a variant does, in words."""
    chosen = parse_variant(variant)
    words = []
    for switch in chosen.switches:
        found = find_difference(switch)
        if found is not None:
            words.append(found.code if chosen.base == "paper" else found.text)
    for control in chosen.controls:
        if control == SHUFFLED_LABELS:
            words.append("labels of other stays")
        else:
            words.append(f"{control.removeprefix(NOISE)} replaced by noise")
    if words:
        return "; ".join(words)
    return "as the text says" if chosen.base == "paper" else "as the released code does, in all"


def _view_row(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "Modalities": row["modalities"],
        "Cases": row["cases"],
        "Method": row["method"],
        "Variant": row["variant"],
        "What it does": changes(row["variant"]),
        "Metric": LABELS[row["metric"]],
        "Mean ± sd [interval]": _value(row),
        "Against": _against(row),
        "Difference [interval], points": _points(row),
        "p (patients)": _p(row["p_patients"]),
        "p (seeds)": _p(row["p_seeds"]),
        "Verdict": row["verdict"] if isinstance(row["verdict"], str) else NONE,
    }


def _shown(value: float) -> str:
    return rounded(value, PLACES, PERCENT)


def _value(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["mean"]):
        return NONE
    spread = "" if pd.isna(row["sd"]) else f" ± {_shown(row['sd'])}"
    ends = "" if pd.isna(row["low"]) else f" [{_shown(row['low'])}, {_shown(row['high'])}]"
    return _shown(row["mean"]) + spread + ends


def _against(row: Mapping[Any, Any]) -> str:
    """Return in what the cell that a row is held against differs from it."""
    if row["verdict"] == REFERENCE or not isinstance(row["against_variant"], str):
        return NONE
    words = [
        f"{word}{row[f'against_{name}']}"
        for name, word in (
            ("method", ""),
            ("variant", ""),
            ("cases", "cases "),
            ("modalities", "on "),
        )
        if row[f"against_{name}"] != row[name]
    ]
    return " ".join(words)


def _points(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["difference"]):
        return NONE
    low, high = _shown(row["difference_low"]), _shown(row["difference_high"])
    return f"{_shown(row['difference'])} [{low}, {high}]"


def _p(value: float) -> str:
    if pd.isna(value):
        return NONE
    return "< 0.001" if value < 0.001 else rounded(value, 3)


def _caption(frame: pd.DataFrame, declaration: Comparison) -> str:
    measured = frame[frame["status"] == MEASURED]
    words = [
        declaration.caption.strip(),
        f"Numbers from {data_words(declaration.source)}, task {declaration.task}, protocol "
        f"{declaration.protocol}, modalities {', '.join(declaration.modalities)}.",
    ]
    if len(declaration.variants) == 1:
        words.append(f"Variant of every row: {declaration.variants[0]}.")
    if len(measured):
        words.append(
            f"Test part: {extent(measured['n_stays'])} stays of {extent(measured['n_patients'])} "
            f"patients{positives(measured['prevalence'])}; "
            f"{extent(measured['n_runs'])} run(s) of each row. Intervals of 95 % from "
            f"{extent(measured['bootstrap_replicates'])} bootstrap resamples of patients; those of "
            "differences from resamples that both rows share, as p (patients); p (seeds) from "
            "Student's paired test over seeds, where there are several. Each row is one test: "
            "of twenty rows without any effect, one is expected to show one."
        )
    words += several_classes(measured)
    if (frame["status"] == ABSENT).any():
        words.append(f"{ABSENT[0].upper()}{ABSENT[1:]}: the source is not there.")
    words.append(f"A {NONE} stands for what does not apply or is undefined.")
    return " ".join(words)
