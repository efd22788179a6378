"""Phrases that several answers are made of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fleximodal.publishing.cohort_entries import positives_of
from fleximodal.publishing.numbers import count, percent
from fleximodal.publishing.report.facts import Facts

PARTS = ("train", "val", "test")


def unique(values: Iterable[Any]) -> list[str]:
    """Return values as text, each once, in their order."""
    return list(dict.fromkeys(str(value) for value in values))


def listed(values: Iterable[Any]) -> str:
    """Return values as text, each once, joined by commas; "none" if there are none."""
    return ", ".join(unique(values)) or "none"


def sources_of(facts: Facts) -> dict[str, dict[str, Any]]:
    """Return the sources of a run, each with one of its cohorts."""
    return {cohort["source"]: cohort for cohort in facts.cohorts}


def of_cohort(cohort: Mapping[str, Any]) -> str:
    """Return "source, task: "."""
    return f"{cohort['source']}, {cohort['task']}: "


def per_cohort(facts: Facts, *parts: Any) -> list[str]:
    """Return a line for each cohort, from functions of a cohort that give its words."""
    return [of_cohort(c) + "; ".join(part(c) for part in parts) + "." for c in facts.cohorts]


def final_step(cohort: Mapping[str, Any]) -> dict[str, Any]:
    """Return the last step of a cohort's selection."""
    return dict(cohort["steps"][-1])


def size(step: Mapping[str, Any], unit: str) -> str:
    """Return "N stays of M patients" of a step of a selection."""
    return f"{count(step['stays'])} {unit} of {count(step['patients'])} patients"


def positive_words(part: Mapping[str, Any], labels: Sequence[str]) -> str:
    """Return how many are positive: of one label, of each of a few, or the extent of many."""
    told = positives_of(dict(part))
    if not told:
        return "positives not told"
    if told["labels"] == 1:
        shown = percent(told["prevalence"]) if "prevalence" in told else "0"
        return f"{count(told['positives_most'])} positive ({shown} %)"
    if len(labels) == told["labels"] <= len(PARTS):
        pairs = zip(labels, part["positive"], strict=True)
        return ", ".join(f"{count(number)} {label}" for label, number in pairs)
    return (
        f"{told['labels']} labels, each with {count(told['positives_least'])} to "
        f"{count(told['positives_most'])} positive"
    )


def gates_of(facts: Facts, *names: str) -> list[str]:
    """Return a line per source, task and protocol with the verdicts of the named gates."""
    lines = []
    for split in facts.splits:
        verdicts = {gate["name"]: gate["verdict"] for gate in split["gates"]}
        told = [f"{name} {verdicts[name]}" for name in names if name in verdicts]
        if told:
            place = f"{split['source']}, {split['task']}, protocol {split['protocol']}"
            lines.append(f"{place}: {', '.join(told)}.")
    return lines
