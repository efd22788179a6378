"""Answers about results: leakage, metrics, uncertainty, where they hold."""

from fleximodal.evaluation.names import is_synthetic
from fleximodal.publishing.numbers import LABELS, PERCENT, percent, rounded
from fleximodal.publishing.report.facts import Facts
from fleximodal.publishing.report.statuses import Answer, applies_not, in_part, not_done, told
from fleximodal.publishing.report.words import gates_of, listed, unique

NO_METRIC = "No cell was evaluated in this run."
HEADLINE = "auroc"


def separation(facts: Facts) -> Answer:
    """Return whether preparation and training kept to the training part."""
    lines = gates_of(
        facts, "stays-disjoint", "scalers-fitted-on-training", "autoencoder-fitted-on-training"
    )
    if not lines:
        return not_done("No gate was passed: no dataset was packed.")
    return told(*lines, "Where a gate is not passed, nothing is trained.")


def duplicates(facts: Facts) -> Answer:
    """Return what train and test have in common besides."""
    lines = gates_of(facts, "patients-disjoint", "near-duplicate-notes")
    shared = [
        split
        for split in facts.splits
        for gate in split["gates"]
        if gate["name"] == "patients-disjoint" and gate["verdict"] != "passed"
    ]
    words = listed(f"{split['source']} {split['task']}" for split in shared)
    return told(
        *lines,
        f"Patients are in several parts, as the papers split by stay: {words}." if shared else "",
    )


def legitimacy(facts: Facts) -> Answer:
    """Return whether predictors could give the label away."""
    lines = gates_of(facts, "hours-within-window", "window-independent-of-label")
    for split in facts.splits:
        values = [
            told_of["auroc"]
            for splits in split["missingness_only"].values()
            for told_of in splits.values()
            if told_of["auroc"] is not None
        ]
        if values:
            lines.append(
                f"{split['source']}, {split['task']}, {split['protocol']}: which modalities are "
                f"there tells the label with an AUROC of up to {percent(max(values))} %."
            )
    return told(*lines) if lines else not_done("No gate was passed: no dataset was packed.")


def metrics(facts: Facts) -> Answer:
    """Return which metrics were computed."""
    names = unique(name for cell in facts.evaluated for name in cell["metrics"])
    if not names:
        return not_done(NO_METRIC)
    shown = listed(LABELS.get(name, name).removesuffix(" (%)") for name in names)
    return told(
        f"From stored predictions alone: {shown}.",
        "Discrimination and calibration; clinical utility is not measured.",
    )


def uncertainty(facts: Facts) -> Answer:
    """Return how intervals were made."""
    if not facts.evaluated:
        return not_done(NO_METRIC)
    runs = listed(sorted({cell["n_runs"] for cell in facts.evaluated}))
    resamples = listed(sorted({cell["replicates"] for cell in facts.evaluated}))
    return told(
        f"95 % intervals from {resamples} bootstrap resamples of patients; sample standard "
        f"deviation over {runs} run(s) per cell (none for one run)."
    )


def tests(facts: Facts) -> Answer:
    """Return which tests were made."""
    claims = facts.configuration["claims"]
    margins = ", ".join(
        f"{LABELS[name].removesuffix(' (%)')} {percent(value)} points"
        for name, value in claims["margin"].items()
    )
    return told(
        f"Published values: two one-sided Welch tests at level {claims['level']:g} with margins "
        f"{margins}, fixed in the configuration before the run. Orders of methods: paired "
        "comparisons over resampled patients, corrected for choosing the best; docs/claims.md has "
        "the reasons.",
        "A test does not know of the many others of the same table.",
    )


def performance(facts: Facts) -> Answer:
    """Return the extent of the results; tables have each."""
    if not facts.evaluated:
        return not_done(NO_METRIC)
    lines = []
    for key in dict.fromkeys((c["source"], c["task"]) for c in facts.evaluated):
        cells = [c for c in facts.evaluated if (c["source"], c["task"]) == key]
        means = [
            cell["metrics"][HEADLINE]["mean"]
            for cell in cells
            if cell["metrics"].get(HEADLINE, {}).get("mean") is not None
        ]
        if means:
            ends = " to ".join(unique(percent(end) for end in (min(means), max(means))))
            lines.append(f"{key[0]}, {key[1]}: AUROC {ends} % over {len(means)} cell(s).")
    return in_part(
        *lines,
        "Each with its interval stands in the tables and on the model card; no subgroup is scored.",
    )


def heterogeneity(facts: Facts) -> Answer:
    """Return what is known of differences between centres."""
    return not_done(
        "Sources are evaluated one by one; centres inside a source are not told apart."
        if "adni" in {cell["source"] for cell in facts.evaluated}
        else "Each evaluated source is of one centre or generated; nothing is compared between "
        "centres."
    )


def external(facts: Facts) -> Answer:
    """Return whether a model was evaluated on another source than it was trained on."""
    return not_done(
        "Every model is trained and evaluated on parts of the same source: "
        f"{listed(cell['source'] for cell in facts.evaluated)}."
    )


def scope(facts: Facts) -> Answer:
    """Return where results are not expected to hold."""
    generated = unique(c["source"] for c in facts.cohorts if is_synthetic(c["source"]))
    shared = [s for s in facts.splits if s["protocol"] == "stay"]
    note = facts.configuration["note"]
    return told(
        f"Numbers from {listed(generated)} hold for the generator alone." if generated else "",
        "Other hospitals, other times and other ways of recording are not covered.",
        "Protocol stay shares patients between parts; its numbers are not those of new patients."
        if shared
        else "",
        f"The configuration calls this run: {note}." if note else "",
    )


def limitations(facts: Facts) -> Answer:
    """Return what weakens the results."""
    runs = sorted({cell["n_runs"] for cell in facts.evaluated})
    smallest = min((cell["n_stays"] for cell in facts.evaluated), default=None)
    undefined = sum(
        one["mean"] is None for cell in facts.evaluated for one in cell["metrics"].values()
    )
    return told(
        *scope(facts).text.split("\n"),
        f"The smallest test part has {smallest} stays." if smallest is not None else "",
        f"Some cells have {runs[0]} run only, so that training's own chance is not seen."
        if runs and runs[0] == 1
        else "",
        f"{undefined} metrics are undefined in some cell." if undefined else "",
        f"{sum(facts.absent.values())} cells were not run, as their data are absent."
        if facts.absent
        else "",
    )


def interpretation(facts: Facts) -> Answer:
    """Return where the results are read against the papers."""
    if facts.generated:
        return applies_not(
            "On generated data no published value is reproduced or contradicted; the page of "
            "claims says so for each."
        )
    return in_part(
        "The page of claims holds each published value against the measured one with a verdict, "
        "and each order of methods; fairness is not part of it."
    )


def calibration_words(facts: Facts) -> list[str]:
    """Return a sentence per source and task: the extent of slope and error of calibration."""
    lines = []
    for key in dict.fromkeys((c["source"], c["task"]) for c in facts.evaluated):
        told_of = []
        for name in ("calibration_slope", "calibration_error"):
            values = [
                cell["metrics"][name]["mean"]
                for cell in facts.evaluated
                if (cell["source"], cell["task"]) == key
                and cell["metrics"].get(name, {}).get("mean") is not None
            ]
            if values:
                scale = 100 if PERCENT[name] else 1
                ends = [rounded(end, 2, scale) for end in (min(values), max(values))]
                told_of.append(f"{LABELS[name].lower()} {' to '.join(unique(ends))}")
        if told_of:
            lines.append(f"{key[0]}, {key[1]}: {', '.join(told_of)}.")
    return lines
