"""The model card of a run: use, data, metrics with intervals, calibration, limits."""

from pathlib import Path
from typing import Any

import pandas as pd

from fleximodal.evaluation.names import METRICS
from fleximodal.publishing.numbers import (
    LABELS,
    NONE,
    PERCENT,
    count,
    percent,
    rounded,
    share,
)
from fleximodal.publishing.report import answers_method as method
from fleximodal.publishing.report import answers_results as results
from fleximodal.publishing.report import answers_sources as sources
from fleximodal.publishing.report import answers_study as study
from fleximodal.publishing.report.document import Document, begin
from fleximodal.publishing.report.facts import CELL, Facts, read_facts
from fleximodal.publishing.report.words import positive_words

CALIBRATION = ("brier", "calibration_slope", "calibration_error")
NOTHING = "Nothing of it was run."
SECTIONS = (
    ("Models", (method.models, method.hyperparameters, method.model_selection)),
    ("Evaluation", (method.evaluation_method, results.uncertainty)),
    ("Leakage", (results.separation, results.duplicates, results.legitimacy)),
    ("Limits", (results.limitations, results.heterogeneity, results.external)),
    ("Software and machines", (method.code_version, method.infrastructure)),
)


def write_model_card(facts: Path | str, output: Path | str) -> None:
    """Write the page.

    Raises
    ------
    FleximodalError
        If the facts cannot be read.
    """
    told = read_facts(facts)
    document = begin("Model card", told)
    document.heading("Intended use")
    document.text(study.NOT_FOR_USE)
    document.text(study.INTENDED)
    document.heading("Data")
    for words in (sources.population(told), sources.origin(told), sources.data_sharing(told)):
        document.points(words.text.split("\n"))
    _data_tables(document, told)
    document.heading("Metrics")
    document.text("Mean over runs on the test part, with its 95 % interval in brackets.")
    plain = [name for name in METRICS if name not in CALIBRATION]
    document.table(_metrics(told, plain), "Metrics", NOTHING)
    document.heading("Calibration")
    document.text("A slope of 1 and an error of 0 are ideal; the Brier score mixes both with rank.")
    document.points(results.calibration_words(told))
    document.table(_metrics(told, CALIBRATION), "Calibration", NOTHING)
    document.heading("Subgroups")
    document.text(
        "No metric is computed by age, sex, ethnicity, insurance or hospital, so nothing here says "
        "that a model does as well in one group as in another."
    )
    for heading, parts in SECTIONS:
        document.heading(heading)
        for part in parts:
            document.points(part(told).text.split("\n"))
    document.write(output)


def _data_tables(document: Document, facts: Facts) -> None:
    document.heading("Cohort flow")
    flow = [
        {**_place(cohort), "Step": step["step"], **_numbers(step, cohort)}
        for cohort in facts.cohorts
        for step in cohort["steps"]
    ]
    document.table(pd.DataFrame(flow), "Cohort flow", NOTHING)
    document.heading("Modalities of those who were kept")
    there = [
        {
            **_place(cohort),
            "Modality": part["modality"],
            "Share (%)": share(part["stays"] / max(1, cohort["steps"][-1]["stays"])),
            **_numbers(part, cohort),
        }
        for cohort in facts.cohorts
        for part in cohort["availability"]
    ]
    document.table(pd.DataFrame(there), "Modalities", NOTHING)


def _place(cohort: dict[str, Any]) -> dict[str, str]:
    return {name.capitalize(): str(cohort[name]) for name in ("source", "task", "data", "unit")}


def _numbers(part: dict[str, Any], cohort: dict[str, Any]) -> dict[str, str]:
    return {
        "Number": count(part["stays"]),
        "Patients": count(part["patients"]),
        "Outcome": positive_words(part, cohort["labels"]),
    }


def _metrics(facts: Facts, names: list[str] | tuple[str, ...]) -> pd.DataFrame:
    there = [name for name in names if any(name in cell["metrics"] for cell in facts.evaluated)]
    return pd.DataFrame(
        [
            {
                "Data": cell["data"],
                **{name.capitalize(): str(cell[name]) for name in CELL},
                "Runs": count(cell["n_runs"]),
                "Stays": count(cell["n_stays"]),
                "Patients": count(cell["n_patients"]),
                **{LABELS[name]: _interval(cell["metrics"].get(name), name) for name in there},
            }
            for cell in facts.evaluated
        ]
    )


def _interval(summary: dict[str, float | None] | None, metric: str) -> str:
    mean = None if summary is None else summary["mean"]
    if summary is None or mean is None:
        return NONE
    values = [value for value in (summary["low"], summary["high"]) if value is not None]
    shown = [percent(v) if PERCENT[metric] else rounded(v, 2) for v in (mean, *values)]
    return shown[0] + (f" [{', '.join(shown[1:])}]" if len(shown) == 3 else "")
