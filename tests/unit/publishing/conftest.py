"""A small declared table and the stored results of its cells."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fleximodal.evaluation.names import METRICS, data_kind
from fleximodal.publishing.declaration import TableDeclaration

DECLARED = {
    "name": "deaths",
    "title": "Deaths & survival_in 100 % of stays",
    "caption": "Pseudo-modalities: one record <cut> into parts | 50 % each.",
    "source": "physionet2012",
    "task": "48-IHM",
    "protocol": "five-random",
    "modalities": ["vitals+labs"],
    "methods": ["HAIM", "Concat", "FuseMoE-Laplace"],
    "metrics": ["auroc", "auprc", "calibration_slope"],
}


def summary_of(number: int) -> dict[str, dict[str, float]]:
    base = 0.8415 + 0.01 * number
    return {
        metric: {"mean": base, "sd": 0.0025, "low": base - 0.01, "high": base + 0.01}
        for metric in METRICS
    }


def curves_of(number: int) -> dict[str, dict[str, list[float]]]:
    grid = np.linspace(0, 1, 101)
    steep = 0.2 + 0.05 * number
    bins = np.linspace(0.02, 0.6, 10)
    return {
        "roc": {"false_positive_rate": list(grid), "true_positive_rate": list(grid**steep)},
        "precision_recall": {"recall": list(grid), "precision": list(1 - 0.8 * grid**steep)},
        "reliability": {
            "mean_score": list(bins),
            "observed_fraction": list(bins * (0.8 + steep)),
            "n": [40] * 10,
        },
    }


def store(folder: Path, cell: dict[str, str], number: int) -> dict[str, Any]:
    """Write metrics.json, curves.json and cost.json; return the entry that names them."""
    folder.mkdir(parents=True)
    head = {
        "cell": cell,
        "data": data_kind(cell["source"]),
        "n_runs": 5,
        "n_stays": 4000,
        "n_patients": 3990,
        "prevalence": 0.1425,
    }
    values = {
        "metrics": {**head, "summary": summary_of(number), "bootstrap": {"replicates": 1000}},
        "curves": {**head, **curves_of(number)},
        "cost": {
            "wall_seconds": 1234.5,
            "peak_memory_mb": 812.3,
            "parameters": 123_456 + number,
            "device": "cpu",
        },
    }
    entry: dict[str, Any] = {"cell": cell}
    for name, value in values.items():
        entry[name] = folder / f"{name}.json"
        entry[name].write_text(json.dumps(value))
    return entry


def write_leakage(root: Path, declaration: TableDeclaration, aurocs: list[float | None]) -> Path:
    """Write leakage.json where the graph has it; each modality set adds 0.01 to the AUROCs."""
    folder = root / "cohorts" / declaration.source / declaration.task
    path = folder / "leakage" / declaration.protocol / "leakage.json"
    path.parent.mkdir(parents=True)
    report = {
        modality_set: {
            f"split{place}": {
                "auroc": None if auroc is None else auroc + 0.01 * number,
                "n_train": 80,
                "n_test": 20,
            }
            for place, auroc in enumerate(aurocs, 1)
        }
        for number, modality_set in enumerate(declaration.modalities)
    }
    path.write_text(json.dumps({"gates": [], "missingness_only": report}))
    return path


def write_truth(root: Path, declaration: TableDeclaration) -> Path:
    """Write truth.json; the optimum of the sets is 0.90, 0.88, 0.86, ... in their order."""
    path = root / "raw" / declaration.source / "truth.json"
    path.parent.mkdir(parents=True)
    optimum = {
        modality_set: {"expected": round(0.9 - 0.02 * number, 2), "sample": 0.91}
        for number, modality_set in enumerate(declaration.modalities)
    }
    path.write_text(json.dumps({"optimum": {declaration.task: optimum}}))
    return path


Declare = Callable[..., TableDeclaration]
Entries = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def declare() -> Declare:
    def build(**changes: Any) -> TableDeclaration:
        return TableDeclaration.model_validate(DECLARED | changes)

    return build


@pytest.fixture
def entries(tmp_path: Path) -> Entries:
    def build(
        declaration: TableDeclaration,
        absent: tuple[int, ...] = (),
        leakage: list[float | None] | None = None,
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for number, cell in enumerate(declaration.cells()):
            if number in absent:
                found.append({"cell": asdict(cell), "metrics": None, "cost": None, "curves": None})
            else:
                found.append(store(tmp_path / "stored" / cell.path, asdict(cell), number))
        if leakage is not None:
            report = write_leakage(tmp_path, declaration, leakage)
            found = [{**entry, "leakage": report} for entry in found]
        return found

    return build
