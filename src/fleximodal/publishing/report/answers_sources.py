"""Answers about sources: which data, from where, for whom they stand, on which terms."""

from collections.abc import Mapping
from typing import Any

from fleximodal.evaluation.names import is_synthetic
from fleximodal.publishing.report.facts import Facts
from fleximodal.publishing.report.releases import named, release_of
from fleximodal.publishing.report.statuses import Answer, applies_not, in_part, not_done, told
from fleximodal.publishing.report.words import listed, per_cohort, sources_of, unique

MADE_HERE = "made by this program from a seed."
NO_COHORT = "no cohort was built: no data of a configured table are there"


def _named(cohort: Mapping[str, Any]) -> str:
    return named(cohort["source"], str(cohort["origin"].get("release", "")))


def _missing_sources(facts: Facts) -> str:
    absent = ", ".join(f"{source} ({n} cells)" for source, n in facts.absent.items())
    return f"Not run, as their data are absent: {absent}." if absent else ""


def population(facts: Facts) -> Answer:
    """Return about whom the numbers speak."""
    if not facts.cohorts:
        return not_done(f"None: {NO_COHORT}.", _missing_sources(facts))
    lines = []
    for source, cohort in sources_of(facts).items():
        real = f"patients of {release_of(source).setting}"
        whom = "generated patients, no claim about real ones" if is_synthetic(source) else real
        lines.append(f"{_named(cohort)}: {whom}.")
    return told(*lines, _missing_sources(facts))


def why_population(facts: Facts) -> Answer:
    """Return why these data were taken."""
    why = "The two papers that are reproduced report on MIMIC and ADNI."
    if facts.configuration["papers_data"] == "real":
        return told(why, "Their tables are computed from these releases where they are there.")
    return told(
        why,
        "In this run generated data in the same layouts stand in for them, so that the program can "
        "be tried without credentials.",
    )


def datasets(facts: Facts) -> Answer:
    """Return which releases were read and where they are had."""
    lines = [
        f"{_named(cohort)}: "
        + (MADE_HERE if is_synthetic(source) else f"{release_of(source).reference}.")
        for source, cohort in sources_of(facts).items()
    ]
    return told(*lines, _missing_sources(facts)) if lines else not_done(f"None: {NO_COHORT}.")


def origin(facts: Facts) -> Answer:
    """Return where, when and how the data were collected."""
    lines = []
    for source, cohort in sources_of(facts).items():
        if is_synthetic(source):
            lines.append(f"{source}: generated; labels follow from the generator's known model.")
            continue
        release = release_of(source)
        lines.append(
            f"{_named(cohort)}: {release.setting}; {release.dates}; labels are read from the "
            "release's own tables."
        )
    return told(*lines, "Training and evaluation use parts of the same source.")


def dates(facts: Facts) -> Answer:
    """Return when patients were seen."""
    real = [source for source in sources_of(facts) if not is_synthetic(source)]
    if not real:
        return applies_not("The patients are generated.")
    return in_part(*(f"{source}: {release_of(source).dates}." for source in real))


def setting(facts: Facts) -> Answer:
    """Return where patients were seen, and at how many places."""
    real = [source for source in sources_of(facts) if not is_synthetic(source)]
    if not real:
        return applies_not("The patients are generated.")
    return told(*(f"{source}: {release_of(source).setting}." for source in real))


def suitability(facts: Facts) -> Answer:
    """Return why the data fit the task."""
    lines = per_cohort(
        facts,
        lambda c: f"holds {listed(m['modality'] for m in c['availability'])} and the label",
    )
    if facts.generated:
        lines.append(
            "Being generated, they can show that methods run and recover a known optimum, not how "
            "methods do on patients."
        )
    return told(*lines)


def representative(facts: Facts) -> Answer:
    """Return how the evaluated part relates to the population."""
    whom = "generated patients" if facts.generated else "the source"
    return in_part(
        f"Test parts are drawn from {whom} by these protocols: "
        f"{listed(split['protocol'] for split in facts.splits)}.",
        "They stand for the cohort they are drawn from, not for other hospitals."
        if not facts.generated
        else "They stand for no real patients.",
        "Protocol complete-test evaluates those alone who have every modality."
        if any(split["protocol"] == "complete-test" for split in facts.splits)
        else "",
    )


def ethics(facts: Facts) -> Answer:
    """Return who approved of the study."""
    real = unique(s for s in sources_of(facts) if not is_synthetic(s))
    if not real:
        return applies_not("No patients are involved: the data are generated.")
    return in_part(
        f"Read here: {listed(real)}, already collected and de-identified; their publishers state "
        "ethical approval and consent. Approval of a new study is to be stated by its authors."
    )


def data_sharing(facts: Facts) -> Answer:
    """Return on which terms the data are had."""
    lines = []
    for source in sources_of(facts):
        if is_synthetic(source):
            lines.append(f"{source}: anybody makes the same data with this program and its seed.")
        else:
            release = release_of(source)
            lines.append(f"{source}: {release.access}; {release.reference}.")
    return told(*lines)
