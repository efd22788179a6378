"""What a paper claims about the order of methods, and what paired comparisons say of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from fleximodal.config.cell import Cell
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.paired import Replicated, difference, replicate_files
from fleximodal.io.atomic import write_json, write_text
from fleximodal.publishing.claims import (
    ABSENT,
    CONFIRMED,
    CONTRADICTED,
    INCOMPARABLE,
    UNDECIDED,
)
from fleximodal.publishing.published_declaration import PublishedTable
from fleximodal.publishing.published_values import Key, Printed

BEST = "best"
GATES = "gates"
PERCENT = 100


@dataclass(frozen=True, kw_only=True)
class RankingClaim:
    """One order of methods that a table shows.

    Attributes
    ----------
    claim, paper, table, modalities, task, metric
        A name of its own, and where the order stands.
    kind
        "best": the method with the highest printed mean is ahead of every other. "gates": the best
        of the paper's own methods is ahead of the best baseline, or behind it; left out where it
        says no more than "best".
    printed_first, printed_second, printed_difference
        The method ahead as printed, the best of the other side, and how far apart, in percent.
    our_first, our_second
        The same sides as measured: the best of the side that is printed ahead, the best of the
        other.
    difference, low, high
        our_first minus our_second, in percent, with its 95 % interval from resampled patients.
    p_patients, p_seeds, n_pairs
        Of that difference: see `fleximodal.evaluation.paired.Difference`.
    p_printed, p_reverse
        That the printed order holds, and that the reverse does, corrected for choosing the best.
    source, data, outcome, verdict
        On what it was measured; `outcome` is "confirmed", "contradicted", "undecided" or empty,
        and `verdict` the same unless the data do not allow one.
    """

    claim: str
    paper: str
    table: str
    modalities: str
    task: str
    metric: str
    kind: str
    printed_first: str
    printed_second: str
    printed_difference: float
    our_first: str = ""
    our_second: str = ""
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p_patients: float | None = None
    p_seeds: float | None = None
    n_pairs: int | None = None
    p_printed: float | None = None
    p_reverse: float | None = None
    source: str
    data: str
    outcome: str = ""
    verdict: str


COLUMNS = [field.name for field in fields(RankingClaim)]


def write_rankings(
    table: PublishedTable,
    cells: Sequence[Mapping[str, Any]],
    printed: Mapping[Key, Printed],
    output: Path | str,
    *,
    level: float,
    replicates: int,
    seed: int,
) -> None:
    """Write the ranking claims of a table as JSON; parameters are those of `build_rankings`."""
    claims = build_rankings(table, cells, printed, level=level, replicates=replicates, seed=seed)
    write_json(Path(output), {"table": table.name, "rankings": [asdict(c) for c in claims]})


def build_rankings(
    table: PublishedTable,
    cells: Sequence[Mapping[str, Any]],
    printed: Mapping[Key, Printed],
    *,
    level: float,
    replicates: int,
    seed: int,
) -> list[RankingClaim]:
    """Hold every order of methods that a table shows against the stored predictions.

    A side is ahead if one of its methods is ahead of every method of the other side: all its
    two-sided p-values over resampled patients are below the level, the best of them multiplied by
    the number of methods the side could have put forward (Bonferroni). The printed order is
    confirmed if the side printed ahead is, contradicted if the other one is, else undecided.
    Extensions take no part. All methods are compared in the same metric, also where the paper
    computed it in another way for one of them.

    Parameters
    ----------
    table
        The declaration.
    cells
        In the order of its cells: "cell" and "predictions" (predictions.parquet, None where data
        are absent).
    printed
        What `read_printed` returned.
    level
        Level of the tests.
    replicates, seed
        Number of resamples of patients, and the seed of their draw.

    Raises
    ------
    FleximodalError
        If predictions cannot be evaluated.
    """
    files = {Cell(**entry["cell"]): entry["predictions"] for entry in cells}
    claims = []
    for modalities, task in product(table.modalities, table.tasks):
        of_methods = {
            method: files[table.cell(task, table.modalities[modalities], registered)]
            for method, registered in table.methods.items()
        }
        found: Mapping[str, Mapping[str, Replicated]] = {}
        if None not in of_methods.values():
            found = replicate_files(
                of_methods,
                list(table.metrics.values()),
                replicates=replicates,
                seed=seed,
            )
        for metric, ours in table.metrics.items():
            means = {
                method: printed[modalities, task, metric, method].mean for method in table.methods
            }
            claims += [
                _claim(
                    table, (modalities, task, metric), kind, sides, means, found.get(ours), level
                )
                for kind, sides in _orders(table, means).items()
            ]
    return claims


def collect_rankings(parts: Sequence[Path | str], output: Path | str) -> None:
    """Write the ranking claims of all tables into one CSV, in their order.

    Raises
    ------
    FleximodalError
        If a part cannot be read or holds other keys.
    """
    rows: list[dict[str, Any]] = []
    for path in parts:
        try:
            told = json.loads(Path(path).read_text(encoding="utf-8"))["rankings"]
        except (OSError, ValueError, KeyError) as error:
            raise FleximodalError(f"{path}: holds no rankings ({error}); delete it") from None
        if any(set(row) != set(COLUMNS) for row in told):
            raise FleximodalError(f"{path}: has other keys than {', '.join(COLUMNS)}; delete it")
        rows += told
    frame = pd.DataFrame(rows, columns=COLUMNS).astype({"n_pairs": "Int64"})
    write_text(output, frame.to_csv(index=False, lineterminator="\n"))


Sides = tuple[list[str], list[str]]  # methods of the side printed ahead, and of the other


def _orders(table: PublishedTable, means: Mapping[str, float]) -> dict[str, Sides]:
    """Return the sides of each kind of claim, from the printed means."""
    best = max(means, key=lambda method: means[method])
    gates = list(table.gates)
    baselines = [method for method in means if method not in gates]
    ahead = max(means[m] for m in gates) > max(means[m] for m in baselines)
    orders = {BEST: ([best], [method for method in means if method != best])}
    if not (ahead and gates == [best]):
        orders[GATES] = (gates, baselines) if ahead else (baselines, gates)
    return orders


def _claim(
    table: PublishedTable,
    where: tuple[str, str, str],
    kind: str,
    sides: Sides,
    means: Mapping[str, float],
    found: Mapping[str, Replicated] | None,
    level: float,
) -> RankingClaim:
    first, second = (max(side, key=lambda method: means[method]) for side in sides)
    head: dict[str, Any] = {
        "claim": "-".join((table.name, *where, kind)),
        "paper": table.paper,
        "table": table.name,
        **dict(zip(("modalities", "task", "metric"), where, strict=True)),
        "kind": kind,
        "printed_first": first,
        "printed_second": second,
        "printed_difference": round(means[first] - means[second], 2),
        "source": table.source,
        "data": table.data,
    }
    if found is None:
        return RankingClaim(**head, verdict=ABSENT)
    our_first, our_second = (max(side, key=lambda method: found[method].mean) for side in sides)
    apart = difference(found[our_first], found[our_second])
    ahead = _ahead(found, *sides)
    behind = _ahead(found, *reversed(sides))
    outcome = CONFIRMED if ahead < level else CONTRADICTED if behind < level else UNDECIDED
    return RankingClaim(
        **head,
        our_first=our_first,
        our_second=our_second,
        difference=_percent(apart.value),
        low=_percent(apart.low),
        high=_percent(apart.high),
        p_patients=apart.p_patients,
        p_seeds=apart.p_seeds,
        n_pairs=apart.n_pairs,
        p_printed=ahead,
        p_reverse=behind,
        outcome=outcome,
        verdict=INCOMPARABLE.get(table.data, outcome),
    )


def _ahead(found: Mapping[str, Replicated], side: Sequence[str], other: Sequence[str]) -> float:
    """Return the p-value that some method of a side is ahead of all of the other side."""

    def against(method: str, rival: str) -> float:
        apart = difference(found[method], found[rival])
        if apart.value is None or apart.p_patients is None or apart.value <= 0:
            return 1.0
        return apart.p_patients

    best = min(max(against(method, rival) for rival in other) for method in side)
    return min(1.0, best * len(side))


def _percent(value: float | None) -> float | None:
    return None if value is None else value * PERCENT
