"""What a run can say of itself: numbers of its small files and settings, no row of any patient."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from fleximodal import __version__
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.names import data_kind, is_synthetic
from fleximodal.io.atomic import write_json
from fleximodal.io.job_record import read_job_record
from fleximodal.io.manifest import git_commit
from fleximodal.publishing.cohort_entries import Cohort, cohort_entries, read_cohort

CELL = ("source", "task", "protocol", "cases", "modalities", "method", "variant")
COSTS = ("wall_seconds", "peak_memory_mb", "parameters", "device", "threads")


@dataclass(frozen=True)
class Facts:
    """The facts of a run that pages are written from.

    Attributes
    ----------
    configuration
        Values of the configuration: tables, figures, seeds, training, evaluation, claims, ...
    environment
        Version and commit of the package, system, processors; under `jobs` each different
        environment that cells were trained in.
    absent
        Number of cells that wait for data, by source.
    cohorts
        Per source and task: release, kind of data, unit, labels, window, and flow.json.
    splits
        Per source, task and protocol: the gates with their verdicts and numbers, and the AUROC
        from missingness alone.
    trained
        Per cell: its names, seeds, splits, training, settings, wall time (s), memory (MB),
        parameters, device.
    evaluated
        Per cell: its names, runs, stays, patients, prevalence, resamples, and `metrics`, each
        with mean, sd, low and high.
    """

    configuration: dict[str, Any]
    environment: dict[str, Any]
    absent: dict[str, int]
    cohorts: list[dict[str, Any]]
    splits: list[dict[str, Any]]
    trained: list[dict[str, Any]]
    evaluated: list[dict[str, Any]]

    @property
    def kinds(self) -> list[str]:
        """The kinds of data in this run: "real", "synthetic", "demo"."""
        return sorted({cohort["data"] for cohort in self.cohorts})

    @property
    def generated(self) -> bool:
        """Whether every cohort of this run is generated."""
        return bool(self.cohorts) and all(is_synthetic(one["source"]) for one in self.cohorts)


def gather_facts(
    output: Path | str,
    *,
    configuration: Mapping[str, Any],
    absent: Mapping[str, int],
    flows: Sequence[Path | str],
    canonical: Sequence[Path | str],
    leakage: Sequence[Path | str],
    costs: Sequence[Path | str],
    metrics: Sequence[Path | str],
) -> None:
    """Write the facts of a run as JSON.

    Parameters
    ----------
    output
        The file to write.
    configuration, absent
        As in `Facts`.
    flows, canonical
        flow.json of each cohort, and counts.json of the canonical tables of each source.
    leakage
        Files SOURCE/TASK/leakage/PROTOCOL/leakage.json.
    costs, metrics
        cost.json and metrics.json of the cells; run.json stands beside cost.json.

    Raises
    ------
    FleximodalError
        If one of the files is absent or no JSON.
    """
    entries = cohort_entries([Path(f).parent for f in flows], [Path(c).parent for c in canonical])
    facts = Facts(
        configuration=dict(configuration),
        environment=_environment(costs),
        absent=dict(absent),
        cohorts=[_cohort(read_cohort(entry)) for entry in entries],
        splits=[_splits(Path(path)) for path in leakage],
        trained=[_trained(Path(path)) for path in costs],
        evaluated=[_evaluated(Path(path)) for path in metrics],
    )
    write_json(Path(output), asdict(facts))


def read_facts(path: Path | str) -> Facts:
    """Return the facts that `gather_facts` wrote.

    Raises
    ------
    FleximodalError
        If the file cannot be read or holds other keys.
    """
    told = _json(Path(path))
    if not isinstance(told, dict) or set(told) != {field.name for field in fields(Facts)}:
        raise FleximodalError(f"{path}: holds other keys than the facts of a run; delete it")
    return Facts(**told)


def _environment(costs: Sequence[Path | str]) -> dict[str, Any]:
    jobs: list[dict[str, Any]] = []
    for record in map(read_job_record, costs):
        if record is not None and record["environment"] not in jobs:
            jobs.append(record["environment"])
    return {
        "version": __version__,
        "git_commit": git_commit(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "jobs": jobs,
    }


def _cohort(cohort: Cohort) -> dict[str, Any]:
    origin = {
        name: value
        for name, value in cohort.origin.items()
        if isinstance(value, str | int | float | bool)
    }
    return {
        "source": cohort.entry.source,
        "task": cohort.entry.task,
        "data": cohort.data,
        "unit": cohort.unit,
        "origin": origin,
        "dropped": _dropped(cohort.origin),
        **{name: cohort.task[name] for name in ("labels", "window_hours", "horizon_hours")},
        **{name: cohort.flow[name] for name in ("steps", "availability")},
    }


def _dropped(counts: Mapping[str, Any]) -> dict[str, int]:
    """Return how many raw rows of each table were left out, where its counts say so."""
    found: dict[str, int] = {}
    for name, told in counts.items():
        if not isinstance(told, Mapping):
            continue
        if isinstance(told.get("dropped"), Mapping):
            found[name] = _total(told["dropped"])
        elif {"rows_read", "rows_kept"} <= set(told):
            found[name] = told["rows_read"] - told["rows_kept"]
    return found


def _total(numbers: Mapping[str, Any]) -> int:
    """Return the sum of counts by reason, or by reason and channel."""
    return sum(_total(value) if isinstance(value, Mapping) else value for value in numbers.values())


def _splits(path: Path) -> dict[str, Any]:
    source, task, _, protocol = path.parent.parts[-4:]
    told = _json(path)
    return {
        "source": source,
        "task": task,
        "protocol": protocol,
        "gates": told["gates"],
        "missingness_only": told.get("missingness_only", {}),
    }


def _trained(path: Path) -> dict[str, Any]:
    cost, run = _json(path), _json(path.with_name("run.json"))
    head = {name: run[name] for name in (*CELL, "seeds", "splits", "training", "settings")}
    return {**head, **{name: cost[name] for name in COSTS}}


def _evaluated(path: Path) -> dict[str, Any]:
    told = _json(path)
    return {
        **{name: told["cell"][name] for name in CELL},
        "data": told.get("data", data_kind(told["cell"]["source"])),
        **{name: told[name] for name in ("n_runs", "n_stays", "n_patients", "prevalence")},
        "replicates": told["bootstrap"]["replicates"],
        "metrics": told["summary"],
    }


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FleximodalError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError:
        raise FleximodalError(f"{path}: is not JSON; delete it and run snakemake again") from None
