"""Made-up results of the cells of the papers' figures, stored as the graph stores them."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from fleximodal.config.cell import Cell
from fleximodal.evaluation.names import data_kind
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.figure_declaration import FigureDeclaration, load_figure
from fleximodal.publishing.figure_inputs import FigureInputs, read_inputs
from fleximodal.training.conditions import conditions_of

CONFIG = Path(__file__).parents[3] / "config"
SEEDS = (32, 42, 52)
COUNTS = {"n_stays": 300, "n_patients": 290, "prevalence": 0.125}


def declared(name: str, papers_data: str = "generated") -> FigureDeclaration:
    """Return a declaration of the project; methods that are not there yet count as known."""
    methods = {*known_methods(), "MISTS", "TF", "MAG", "MulT"}
    return load_figure(CONFIG / "figures" / f"{name}.yaml", methods, papers_data=papers_data)


def summary(mean: float, sd: float | None = 0.01) -> dict[str, float | None]:
    return {"mean": mean, "sd": sd, "low": mean - 0.05, "high": mean + 0.04}


def level_of(cell: Cell, number: int) -> float:
    """Return an AUROC (fraction) for a cell."""
    base = {"48-IHM": 0.80, "LOS": 0.74, "25-PHE": 0.66}[cell.task]
    return base + 0.006 * number


def cost(cell: Cell, number: int) -> dict[str, Any]:
    seconds = 3.0 + 1.5 * number + (4 if cell.task == "25-PHE" else 0)
    runs = [{"seed": seed, "wall_seconds": seconds + 0.1 * i} for i, seed in enumerate(SEEDS)]
    return {
        "device": "cpu",
        "threads": 1,
        "wall_seconds": 3 * seconds + 0.3,
        "seconds_per_epoch": seconds / 3,
        "peak_memory_mb": 610.0 + 35 * number,
        "parameters": 20_000 * 3**number,
        "runs": runs,
    }


def metrics(cell: Cell, number: int) -> dict[str, Any]:
    mean = level_of(cell, number)
    runs = [
        {"split": "stay0", "seed": seed, "metrics": {"auroc": mean + 0.01 * (i - 1)}}
        for i, seed in enumerate(SEEDS)
    ]
    return {
        "cell": asdict(cell),
        "data": data_kind(cell.source),
        "n_runs": len(runs),
        **COUNTS,
        "runs": runs,
        "summary": {"auroc": summary(mean)},
        "bootstrap": {"replicates": 200},
    }


def shares(cell: Cell, number: int) -> dict[str, Any]:
    names = cell.modalities.split("+")
    weights = dict(zip(names, (0.4, 0.3, 0.1, 0.2), strict=True))
    runs = [
        {
            "split": "stay0",
            "seed": seed,
            "presence": weights,
            "norm": {name: weight + 0.02 * (i - 1) for name, weight in weights.items()},
        }
        for i, seed in enumerate(SEEDS)
    ]
    return {"cell": asdict(cell), "part": "test", "runs": runs}


def conditions(declaration: FigureDeclaration) -> dict[str, Any]:
    """Return what `evaluate_conditions` writes: the fewer modalities, the less."""
    found = []
    for number, cell in enumerate(declaration.cells()):
        full = level_of(cell, number)
        told = []
        for condition in conditions_of(cell.modalities):
            left = condition.subset.count("+") + 1
            loss = 0.05 * (4 - left) * (1 + 0.1 * number) + 0.002 * condition.percent
            loss -= 0.06 * (condition.subset == "vitals+notes+cxr")
            told.append(
                {
                    "condition": condition.name,
                    **asdict(condition),
                    "metrics": {"auroc": summary(full - loss), "f1": summary(0.4 - loss / 2)},
                    "loss": {
                        metric: {"mean": loss, "low": loss - 0.02, "high": loss + 0.02}
                        for metric in ("auroc", "f1")
                    },
                }
            )
        found.append(
            {
                "cell": asdict(cell),
                "data": data_kind(cell.source),
                "n_runs": 3,
                **COUNTS,
                "conditions": told,
            }
        )
    return {"bootstrap": {"replicates": 200, "seed": 0}, "cells": found}


def common_test(declaration: FigureDeclaration) -> dict[str, Any]:
    """Return what `evaluate_common_test` writes: all cells two points above their own test."""
    found = []
    for number, cell in enumerate(declaration.cells()):
        mean = level_of(cell, number) + 0.02
        runs = [
            {"split": "stay0", "seed": seed, "auroc": mean + 0.01 * (i - 1), "f1": 0.4}
            for i, seed in enumerate(SEEDS)
        ]
        found.append(
            {
                "cell": asdict(cell),
                "data": data_kind(cell.source),
                "n_runs": 3,
                **COUNTS,
                "n_stays": 80,
                "runs": runs,
                "metrics": {"auroc": summary(mean), "f1": summary(0.4)},
            }
        )
    return {"bootstrap": {"replicates": 200, "seed": 0}, "cells": found}


def traced(generated: bool) -> dict[str, Any]:
    """Return what `trace_autoencoder` writes, with a short stand-in for the layers."""
    x = np.linspace(0, 3, 1500)
    beat = np.sin(2 * np.pi * 1.2 * x) ** 31
    layers = [
        layer("encoder.0", "convolution", 5, 0.1, [12, 4096], [16, 4096]),
        layer("encoder.1", "convolution", 5, 0.1, [16, 2048], [16, 2048]),
        layer("to_latent", "linear", None, None, [2048], [256]),
        layer("before_latent", "dropout", None, 0.5, [256], [256]),
    ]
    examples = [
        {
            "lead": lead,
            "hertz": 500,
            "number": number,
            "signal": beat.tolist(),
            "reconstruction": (0.9 * beat).tolist(),
        }
        for number in (1, 2)
        for lead in ("II", "V2", "V5")
    ]
    leads = ("I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6")
    hertz = np.arange(0.25, 60, 0.5)
    return {
        "layers": layers,
        "quality": {"validation_mse": 0.01, "validation_variance": 0.05},
        "records": 200,
        "patients": 120,
        "leads": [{"lead": lead, "mse": 0.01, "variance": 0.05} for lead in leads],
        "spectrum": {
            "hertz": hertz.tolist(),
            "signal": (1e-3 / (1 + hertz**2)).tolist(),
            "reconstruction": (8e-4 / (1 + hertz**2.5)).tolist(),
        },
        "examples": examples if generated else [],
    }


def layer(
    name: str, kind: str, kernel: int | None, rate: float | None, given: list[int], back: list[int]
) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "kernel": kernel,
        "dropout": rate,
        "parameters": 100,
        "given": given,
        "returned": back,
    }


PER_CELL: dict[str, Callable[[Cell, int], dict[str, Any]]] = {
    "cost": cost,
    "experts": metrics,
    "shares": shares,
    "missing": metrics,
}
WHOLE: dict[str, Callable[[FigureDeclaration], dict[str, Any]]] = {
    "shares": conditions,
    "missing": common_test,
    "robustness": conditions,
    "autoencoder": lambda declaration: traced(declaration.source.startswith("synthetic-")),
}


def stored_inputs(
    declaration: FigureDeclaration, folder: Path, *, absent: bool = False
) -> FigureInputs:
    """Store the results of a figure's cells below `folder` and read them back."""
    files: list[Path] = []
    make, whole = PER_CELL.get(declaration.kind), WHOLE.get(declaration.kind)
    if make is not None and not absent:
        for number, cell in enumerate(declaration.cells()):
            path = folder / "stored" / cell.path / "stored.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(make(cell, number % max(1, len(declaration.methods)))))
            files.append(path)
    common = None
    if whole is not None and not absent:
        common = folder / "whole.json"
        common.write_text(json.dumps(whole(declaration)))
    published = declaration.published and CONFIG / "published" / declaration.published
    return read_inputs(declaration, files=files, whole=common, published=published)
