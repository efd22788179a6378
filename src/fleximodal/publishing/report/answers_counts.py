"""Answers about counts: who is in the cohorts, what was left out, what is missing."""

from collections.abc import Mapping
from typing import Any

from fleximodal.publishing.numbers import count, percent
from fleximodal.publishing.report.facts import Facts
from fleximodal.publishing.report.statuses import Answer, in_part, told
from fleximodal.publishing.report.words import (
    PARTS,
    final_step,
    listed,
    per_cohort,
    positive_words,
    size,
    sources_of,
)


def sampling_frame(facts: Facts) -> Answer:
    """Return the set that cohorts are taken from."""
    return told(
        *per_cohort(
            facts,
            lambda c: f"from {c['steps'][0]['step']} of the source",
            lambda c: size(c["steps"][0], c["unit"]),
        )
    )


def outcome(facts: Facts) -> Answer:
    """Return what is predicted, from which window, and how often it is so."""

    def window(cohort: Mapping[str, Any]) -> str:
        hours = cohort["window_hours"]
        return "no window of time" if hours is None else f"from the first {hours:g} hours"

    def labels(cohort: Mapping[str, Any]) -> str:
        names = cohort["labels"]
        return listed(names) if len(names) <= len(PARTS) else f"{len(names)} labels"

    return told(
        *per_cohort(
            facts,
            lambda c: f"predicted: {labels(c)}, {window(c)}",
            lambda c: positive_words(final_step(c), c["labels"]),
        ),
        "One rule per task makes the labels from the source's tables, the same for everybody; "
        "docs/ has the rules.",
    )


def sample_size(facts: Facts) -> Answer:
    """Return how many there are, with and without the outcome."""
    return told(
        *per_cohort(
            facts,
            lambda c: size(final_step(c), c["unit"]),
            lambda c: positive_words(final_step(c), c["labels"]),
        )
    )


def size_justified(facts: Facts) -> Answer:
    """Return how the size of the study came about."""
    return in_part(
        "The size is that of the data: every patient who passes the selection is taken; no sample "
        "size was calculated.",
        *sample_size(facts).text.split("\n"),
    )


def missing(facts: Facts) -> Answer:
    """Return how often each modality is there, by outcome where it is a single one."""

    def shares(cohort: Mapping[str, Any]) -> str:
        whole = final_step(cohort)
        return ", ".join(_availability(part, whole) for part in cohort["availability"])

    return told(
        "Share of stays with each modality, of all and of the positive ones:",
        *per_cohort(facts, shares),
        "Absent modalities, and values missing inside a series, are handled as each method's "
        "settings say (run.json of each cell).",
    )


def _availability(part: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    shown = f"{part['modality']} {percent(part['stays'] / max(1, whole['stays']))} %"
    positive, of = part.get("positive"), whole.get("positive")
    if isinstance(positive, int) and isinstance(of, int) and of:
        shown += f" ({percent(positive / of)} % of positive)"
    return shown


def exclusions(facts: Facts) -> Answer:
    """Return the steps of each selection with what they leave."""
    lines = []
    for cohort in facts.cohorts:
        steps = "; ".join(f"{s['step']} {count(s['stays'])}" for s in cohort["steps"])
        lines.append(f"{cohort['source']}, {cohort['task']}, {cohort['unit']}: {steps}.")
    return told(*lines)


def flow(facts: Facts) -> Answer:
    """Return the flow of participants."""
    shown = "The figure cohort_flow draws it." if "table5" in facts.configuration["tables"] else ""
    return told(*exclusions(facts).text.split("\n"), *sample_size(facts).text.split("\n"), shown)


def faulty_values(facts: Facts) -> Answer:
    """Return how impossible and repeated values were handled, with numbers."""
    lines = []
    for source, cohort in sources_of(facts).items():
        counts = ", ".join(f"{name} {count(n)}" for name, n in cohort["dropped"].items())
        if counts:
            lines.append(f"{source}: rows left out: {counts}.")
    return told(
        "canonical/SOURCE/counts.json in the results counts what the reader of each source "
        "dropped, clipped or found repeated.",
        *lines,
    )


def parts(facts: Facts) -> Answer:
    """Return how many there are in each part of the first split, with the outcome."""
    lines = []
    for split in facts.splits:
        gates = {gate["name"]: gate["numbers"] for gate in split["gates"]}
        numbers: dict[str, Any] = gates.get("cohort-complete", {})
        for name, told_of in list(numbers.items())[:1]:
            words = "; ".join(
                f"{part} {size(told_of[part], 'stays')}, {positive_words(told_of[part], ())}"
                for part in PARTS
            )
            others = f" (1 of {len(numbers)} splits)" if len(numbers) > 1 else ""
            lines.append(f"{split['source']}, {split['task']}, {name}{others}: {words}.")
    return told(*lines)


def characteristics(facts: Facts) -> Answer:
    """Return what is told of the participants."""
    return in_part(
        *sample_size(facts).text.split("\n"),
        *missing(facts).text.split("\n"),
        "Age, sex and other demographics are not tabulated.",
    )
