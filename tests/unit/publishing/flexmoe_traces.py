"""Made-up traces and metrics of Flex-MoE cells, stored as the graph stores them."""

import json
from collections.abc import Callable
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from fleximodal.config.cell import Cell
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.figure_declaration import FigureDeclaration, load_figure
from fleximodal.publishing.figure_inputs import FigureInputs, read_inputs

CONFIG = Path(__file__).parents[3] / "config"
NAMES = [
    *("IGCB", "IGC", "IGB", "ICB", "GCB", "IG", "IC", "IB", "GC", "GB", "CB"),
    *("I", "G", "C", "B"),
]
OCCURRING = ("IGCB", "ICB", "GCB", "IC", "CB", "C")
EXPERTS = 17  # two more than combinations


def declared(name: str, papers_data: str = "generated") -> FigureDeclaration:
    return load_figure(
        CONFIG / "figures" / f"{name}.yaml", known_methods(), papers_data=papers_data
    )


def overlap(one: str, other: str) -> float:
    return len(set(one) & set(other)) / len(set(one) | set(other))


def choices(run: int) -> np.ndarray:
    """Return choices (combinations, experts): each combination its own expert, half the buffer."""
    counts = np.zeros((len(NAMES), EXPERTS), dtype=int)
    for place, name in enumerate(OCCURRING):
        number = NAMES.index(name)
        counts[number, number] = 10 * (place + 1)
        counts[number, 15:] = 5 + run
    counts[0, 3] = 30 + 10 * run  # complete stays on the expert of ICB
    return counts


def trace(cell: Cell, number: int) -> dict[str, Any]:
    runs = []
    for run in range(2):
        model_inputs = {
            f"{a}|{b}": overlap(a, b) + 0.01 * run for a, b in combinations(OCCURRING, 2)
        }
        missing = {f"{a}|{b}": 0.5 for a, b in combinations("IGCB", 2)}
        nothing: dict[str, float | None] = dict.fromkeys(model_inputs)
        runs.append(
            {
                "split": "complete0",
                "seed": run,
                "stays": {name: 10 * (name in OCCURRING) for name in NAMES},
                "routing": {
                    "layers": [
                        {
                            "layer": 0,
                            "top_k": choices(run).tolist(),
                            "top_1": (choices(run) > 0).astype(int).tolist(),
                            "specialisation": [],
                        }
                    ]
                },
                "similarity": {
                    "combinations": {
                        "model_inputs": model_inputs,
                        "bank_rows": {name: -value for name, value in model_inputs.items()},
                        "used_cells": nothing | {"IC|C": 0.25},
                    },
                    "missing": {
                        "model_inputs": missing | {"I|C": None, "G|C": None, "C|B": None},
                        "bank_rows": missing,
                        "used_cells": dict.fromkeys(missing),
                    },
                },
                "bank": {
                    "distances": [
                        {
                            "modality": "G",
                            "used": used,
                            "cells": 2,
                            "stays": 50,
                            "spread": 1.0,
                            "distance": 2.0,
                            "relative": 2.0 + run,
                            "length": 1.5,
                        }
                        for used in (True, False)
                    ],
                    "probe": {
                        "encoder": 0.9,
                        "tokens": 100,
                        "used": {
                            "cells": 3,
                            "as_own": 0.25 + 0.5 * run,
                            "combination": {"accuracy": 0.5, "chance": 0.2},
                            "modality": None,
                        },
                        "unused": {
                            "cells": 0,
                            "as_own": None,
                            "combination": None,
                            "modality": None,
                        },
                    },
                },
                "class_of_combination": {"alone": 0.44, "combination": 0.5},
            }
        )
    told = {"cell": asdict(cell), "part": "train", "letters": "IGCB", "combinations": NAMES}
    return told | {"runs": runs}


def metrics(cell: Cell, number: int) -> dict[str, Any]:
    mean = 0.60 + 0.002 * number
    summary = {"mean": mean, "sd": 0.01, "low": mean - 0.02, "high": mean + 0.03}
    return {
        "n_runs": 3,
        "n_stays": 300,
        "n_patients": 300,
        "summary": {"accuracy": summary},
    }


def many(modalities: int, method: str) -> dict[str, Any]:
    """Return many.json; Flex-MoE is not run with ten modalities."""
    told: dict[str, Any] = {
        "modalities": modalities,
        "method": method,
        "n_stays": 1000,
        "n_test": 200,
        "combinations": 2**modalities - 1,
        "combinations_in_training": min(2**modalities - 1, 500),
        "optimum": {"auroc": 0.9, "accuracy": 0.8},
        "runs": [],
    }
    if (method, modalities) == ("Flex-MoE", 10):
        return told | {"not_run": "1023 experts are above the limit"}
    return told | {
        "runs": [{"seed": seed, "auroc": 0.8 + 0.02 * seed, "accuracy": 0.7} for seed in (0, 1)],
        "experts": 16,
        "parameters": 1000 * 2**modalities,
        "bank_parameters": 100 * 2**modalities,
        "forward_gflops_per_stay": 0.1,
        "seconds_per_iteration": 0.01 * modalities,
        "peak_memory_mb": 400.0,
        "device": "cpu",
        "threads": 1,
    }


PER_CELL: dict[str, Callable[[Cell, int], dict[str, Any]]] = {
    "bank": trace,
    "activation": trace,
    "sensitivity": metrics,
}


def stored_inputs(
    declaration: FigureDeclaration, folder: Path, *, absent: bool = False
) -> FigureInputs:
    """Store the results of a figure below `folder` and read them back."""
    contents: dict[str, dict[str, Any]] = {}
    if declaration.kind == "many_modalities":
        for method in ("Flex-MoE", "Concat"):
            for number in (2, 4, 10):
                contents[f"{number}/{method}"] = many(number, method)
    elif not absent:
        for number, cell in enumerate(declaration.cells()):
            contents[cell.path] = PER_CELL[declaration.kind](cell, number)
    files = []
    for name, content in contents.items():
        path = folder / "stored" / name / "stored.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
        files.append(path)
    published = declaration.published and CONFIG / "published" / declaration.published
    return read_inputs(declaration, files=files, published=published)
