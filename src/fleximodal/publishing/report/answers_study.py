"""Answers about the study as a whole: its aim, its use, what it did not look at."""

from fleximodal.evaluation.names import is_synthetic
from fleximodal.publishing.report.facts import Facts
from fleximodal.publishing.report.statuses import Answer, applies_not, in_part, not_done, told
from fleximodal.publishing.report.words import listed

NOT_FOR_USE = (
    "No model of this run is meant for use on patients: not for diagnosis, prognosis, triage or "
    "any decision about care."
)
INTENDED = "Models are trained to see whether published results can be had again."


def intended_use(facts: Facts) -> Answer:
    """Return what models are for: nothing clinical."""
    generated = "They have seen no patient." if facts.generated else ""
    return applies_not(NOT_FOR_USE, generated, INTENDED)


def objective(facts: Facts) -> Answer:
    """Return what is studied."""
    configuration = facts.configuration
    return told(
        "Development and internal evaluation, to hold two papers' published values against values "
        "measured anew.",
        f"Tables: {listed(configuration['tables'])}. Figures: {listed(configuration['figures'])}.",
    )


def guide(facts: Facts) -> Answer:
    """Return where it says how results are made again."""
    return told(
        "README.md and docs/ of the project; config/README.md explains every key. The report holds "
        f"the rules and settings of its {len(facts.trained)} trained cells."
    )


def script(facts: Facts) -> Answer:
    """Return the one command that makes everything."""
    tables = len(facts.configuration["tables"])
    return told(
        f"`snakemake all` with this configuration makes its {tables} table(s) and all figures from "
        "raw files; nothing is copied by hand."
    )


def treatments(facts: Facts) -> Answer:
    """Return how treatments enter."""
    if facts.generated:
        return applies_not("Generated patients are given no treatments.")
    return in_part(
        "Treatments are those of routine care as recorded; they enter only where they are among "
        "the predictors, and their effect on the outcome is not modelled."
    )


def assessors(facts: Facts) -> Answer:
    """Return who judged the outcome."""
    if facts.generated:
        return applies_not("Labels are drawn from the generator; nobody assessed them.")
    judged = [c["source"] for c in facts.cohorts if c["task"] == "diagnosis"]
    judged = [source for source in judged if not is_synthetic(source)]
    if not judged:
        return applies_not("Outcomes are read from records by rule; nobody judged them here.")
    return in_part(
        f"{listed(judged)}: clinicians of the study made the diagnosis; their release says who and "
        "how. Nobody assessed anything anew."
    )


def updating(facts: Facts) -> Answer:
    """Return whether models were updated."""
    return not_done(
        f"None of the {len(facts.evaluated)} evaluated cells was recalibrated or updated after "
        "evaluation."
    )


def predictions(facts: Facts) -> Answer:
    """Return how predictions were calculated."""
    return told(
        "Each split and seed of a cell is scored by the model just trained, and its probabilities "
        f"are stored; all metrics of the {len(facts.evaluated)} evaluated cells are computed from "
        "stored probabilities."
    )


def fairness(facts: Facts) -> Answer:
    """Return what was done about fairness."""
    whom = " Generated patients have no groups to be fair to." if facts.generated else ""
    return not_done(f"No measure was taken and no group is scored by itself.{whom}")


def protocol(facts: Facts) -> Answer:
    """Return where it was fixed beforehand what would be done."""
    claims = facts.configuration["claims"]
    return in_part(
        "No protocol was published. What is held against what, at level "
        f"{claims['level']:g} and with which margins, is fixed in config/ under version control."
    )


def next_steps(facts: Facts) -> Answer:
    """Return what would have to come next."""
    absent = f"Running what waits for data: {listed(facts.absent)}." if facts.absent else ""
    return told(
        absent,
        "Evaluation on another hospital than the one trained on, and by demographic group, before "
        "anything is said about use.",
    )
