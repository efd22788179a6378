"""Slopes as the simulation stores them, made up so that every number can be told apart."""

import json
from pathlib import Path
from typing import Any

SIZES = [1000, 3000, 10000]
PARAMETERS = ("exp(beta)", "W", "a", "b", "nu")


def entry(setting: str, quantity: str, slope: float | None, **changes: Any) -> dict[str, Any]:
    known = slope is not None
    value = {
        "setting": setting,
        "quantity": quantity,
        "fitted": None,
        "error": None,
        "replicates": 40,
        "statistic": "median",
        "constant": 3.0 if known else None,
        "slope": slope,
        "low": slope - 0.05 if slope is not None else None,
        "high": slope + 0.05 if slope is not None else None,
        "deviation": 0.03 if known else None,
        "fits": 120,
        "sizes": SIZES if known else [],
    }
    return value | changes


def summary(gate: str, *, configuration: str = "identifiable", w: float = -0.3) -> dict[str, Any]:
    """Return a summary whose double-cell slope of W is `w` and whose other slopes are known."""
    medians = [
        entry("exact", "D1", -0.51),
        entry("exact", "D1", -0.6, replicates=5),
        entry("over", "D2", -0.60),
        entry("over", "TV", -0.5),
        entry("over", "lightest share", -0.1),
        *(entry("over", name, w, fitted=2, error="largest") for name in PARAMETERS),
        *(entry("over", name, 2 * w, fitted=2, error="weighted") for name in PARAMETERS[1:]),
        *(entry("exact", name, -0.48, fitted=1, error="largest") for name in PARAMETERS),
        entry("exact", "W", None, fitted=2, error="largest"),
        entry("over", "W", None, fitted=1, error="largest"),
    ]
    means = [
        one | {"statistic": "mean", "slope": None if one["slope"] is None else one["slope"] - 0.01}
        for one in medians
    ]
    points = [
        {
            "setting": setting,
            "quantity": quantity,
            "n": n,
            "mean": 2.2 * n**-0.5,
            "sd": 0.1,
            "median": 2 * n**-0.5,
            "lower_quartile": 1.5 * n**-0.5,
            "upper_quartile": 2.5 * n**-0.5,
            "replicates": 40,
        }
        for setting, quantity in (("exact", "D1"), ("over", "D2"), ("over", "TV"))
        for n in SIZES
    ]
    return {
        "configuration": configuration,
        "gate": gate,
        "sizes": SIZES,
        "replicates": 40,
        "printed_replicates": 5,
        "bootstrap_replicates": 100,
        "slopes": [one for pair in zip(medians, means, strict=True) for one in pair],
        "points": points,
        "counts": {"exact": {"not_converged": 0}, "over": {"not_converged": 2}},
    }


def store(folder: Path, *summaries: dict[str, Any]) -> list[Path]:
    """Write each summary as a slopes.json of its own."""
    files = []
    for one in summaries:
        file = folder / one["configuration"] / one["gate"] / "slopes.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(one))
        files.append(file)
    return files
