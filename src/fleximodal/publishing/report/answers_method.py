"""Answers about methods: models, splits, choices, code and machines."""

from collections.abc import Mapping
from typing import Any

from fleximodal.publishing.numbers import count
from fleximodal.publishing.report.facts import Facts
from fleximodal.publishing.report.statuses import Answer, applies_not, in_part, not_done, told
from fleximodal.publishing.report.words import gates_of, listed, unique

NO_CELL = "No cell was trained in this run."
SHOWN = ("epochs", "learning_rate", "batch_size", "select_metric")
OWN = ("FuseMoE", "Flex-MoE")


def models(facts: Facts) -> Answer:
    """Return which models were trained, with their sizes."""
    if not facts.trained:
        return not_done(NO_CELL)
    lines = []
    for method in unique(cell["method"] for cell in facts.trained):
        numbers = [c["parameters"] for c in facts.trained if c["method"] == method]
        ends = listed(count(n) for n in (min(numbers), max(numbers)))
        lines.append(f"{method}: {ends.replace(', ', ' to ')} parameters.")
    return told(
        "Input: a stay's modalities; output: a probability per label. Networks are trained with "
        "cross-entropy and the auxiliary losses of their settings; HAIM is boosted trees.",
        *lines,
    )


def model_choice(facts: Facts) -> Answer:
    """Return why these models."""
    return told(
        "The methods are those that the two papers put forward and compare with, and variants that "
        f"ask what a part of them does: {listed(c['method'] for c in facts.trained)}."
    )


def evaluation_method(facts: Facts) -> Answer:
    """Return on what models are evaluated."""
    lines = [
        f"{split['source']}, {split['task']}: protocol {split['protocol']}, "
        f"{len(_parts(split))} split(s)."
        for split in facts.splits
    ]
    return told(
        "Parts train, val and test; test parts take no part in training or in choosing an epoch.",
        *lines,
    )


def _parts(split: Mapping[str, Any]) -> Mapping[str, Any]:
    gates = {gate["name"]: gate["numbers"] for gate in split["gates"]}
    return dict(gates.get("cohort-complete", {}))


def model_selection(facts: Facts) -> Answer:
    """Return how the kept state of each model is chosen."""
    chosen = unique(
        c["training"]["select_metric"] for c in facts.trained if "select_metric" in c["training"]
    )
    if not chosen:
        return not_done(NO_CELL)
    return told(f"The epoch with the best {listed(chosen)} on the validation part is kept.")


def hyperparameters(facts: Facts) -> Answer:
    """Return the values used, and whether any were searched for."""
    if not facts.trained:
        return not_done(NO_CELL)
    values = [
        ", ".join(f"{name} {cell['training'][name]}" for name in SHOWN if name in cell["training"])
        for cell in facts.trained
    ]
    grids = unique(cell["settings"]["grid"] for cell in facts.trained if "grid" in cell["settings"])
    return told(
        *(f"Networks: {value}." for value in unique(values) if value),
        f"Seeds: {listed(facts.configuration['seeds'])}.",
        "Values are those of the configuration; networks are not searched over.",
        f"HAIM: grid {listed(grids)}." if grids else "",
        "run.json of each cell holds all of its settings.",
    )


def baselines(facts: Facts) -> Answer:
    """Return which methods are compared with, and whether on equal terms."""
    others = [c["method"] for c in facts.trained if not c["method"].startswith(OWN)]
    if not others:
        return not_done("No method besides the papers' own was trained.")
    tuned = [c["method"] for c in facts.trained if c["settings"].get("grid", "off") != "off"]
    return told(
        f"{listed(others)}.",
        "They see the same stays, splits and seeds as the papers' methods, and networks the same "
        "training settings.",
        f"Tuned by a grid search of its own: {listed(tuned)}." if tuned else "None is tuned.",
    )


def transformations(facts: Facts) -> Answer:
    """Return how values are prepared, and on which part that was fitted."""
    settings = [cell["settings"] for cell in facts.trained]
    fills = listed(one["imputation"] for one in settings if "imputation" in one)
    fits = listed(one["table_fit"] for one in settings if "table_fit" in one)
    return told(
        f"Values are scaled, items are encoded by frozen encoders, series are filled by: {fills}; "
        f"columns of tables are prepared by numbers fitted on: {fits}.",
        *gates_of(facts, "scalers-fitted-on-training", "autoencoder-fitted-on-training"),
        '"reported" is no pass: the gate states numbers to be read.',
    )


def predictors(facts: Facts) -> Answer:
    """Return what models are given."""
    lines = [
        f"{c['source']}, {c['task']}: {listed(m['modality'] for m in c['availability'])}."
        for c in facts.cohorts
    ]
    return told(
        *lines,
        "manifest.json of each packed dataset lists every channel and feature; times are those of "
        "the measurements.",
    )


def output_kind(facts: Facts) -> Answer:
    """Return what models put out and where it is cut."""
    cut = "f1" in _metrics(facts)
    tuned = "f1_tuned" in _metrics(facts)
    return told(
        "A probability per label or class.",
        "F1 cuts it at 0.5." if cut else "",
        "The tuned threshold is the one with the best F1 on the validation part." if tuned else "",
    )


def _metrics(facts: Facts) -> list[str]:
    return unique(name for cell in facts.evaluated for name in cell["metrics"])


def imbalance(facts: Facts) -> Answer:
    """Return whether rare classes got more weight."""
    weighted = [c["method"] for c in facts.trained if c["training"].get("class_weights")]
    if not weighted:
        return applies_not(
            "No method of this run weighs, draws more of or draws less of any class."
        )
    return told(
        f"Losses are weighted by class for {listed(weighted)}; predictions are not recalibrated "
        "afterwards."
    )


def code_version(facts: Facts) -> Answer:
    """Return which code made the run."""
    environment = facts.environment
    commit = environment["git_commit"]
    version = f"fleximodal {environment['version']}"
    if commit is None:
        return in_part(f"{version}; the checkout has no git history, so no commit can be named.")
    return told(f"{version}, git commit {commit}.")


def infrastructure(facts: Facts) -> Answer:
    """Return on what the run was computed."""
    environment = facts.environment
    devices = listed(cell["device"] for cell in facts.trained)
    hours = sum(cell["wall_seconds"] for cell in facts.trained) / 3600
    peak = max((cell["peak_memory_mb"] for cell in facts.trained), default=0)
    packages = [
        ", ".join(f"{name} {version}" for name, version in job["packages"].items())
        for job in environment["jobs"]
    ]
    return told(
        f"{environment['system']}, {environment['processors']} processors, Python "
        f"{environment['python']}.",
        f"Training: device {devices}, {hours:.2f} hours in all, at most {count(peak)} MB.",
        *(f"Packages of training jobs: {words}." for words in packages),
    )


def model_access(facts: Facts) -> Answer:
    """Return how the models are had."""
    return in_part(
        "The code of every model, its settings (run.json) and seeds are there, so that anybody "
        "with the data trains the same model; trained weights stay with whoever ran them, as they "
        "are made from data that must not be passed on."
        if not facts.generated
        else "The code of every model, its settings (run.json), seeds and the generator are there, "
        "so that anybody trains the same model."
    )
