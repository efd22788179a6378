"""The lines that end a run: where the results are, what was not run, the headline numbers."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fleximodal.publishing.baseline import MISSINGNESS
from fleximodal.publishing.numbers import LABELS, count, share, with_spread
from fleximodal.publishing.optimum import OPTIMUM
from fleximodal.publishing.table import ABSENT, measured_cells

HEADLINE = "auroc"


def summarise(tables: Sequence[Path | str]) -> str:
    """Return a few lines about tables that a run has made.

    Parameters
    ----------
    tables
        The CSV files of the tables, in `results/tables/`; figures lie in `results/figures/`.
    """
    lines: list[str] = []
    for path in map(Path, tables):
        if path.is_file():
            lines += _lines_of(path)
        else:
            lines.append(f"Table {path.stem}: not made by this run")
    return "\n".join(lines)


def _lines_of(path: Path) -> list[str]:
    frame = pd.read_csv(path)
    kind = " and ".join(dict.fromkeys(frame["data"]))
    figure = path.parent.parent / "figures" / f"{path.stem}.png"
    lines = [f"Table {path.stem} ({kind} data): {path} (also .md, .tex, .html)"]
    if figure.is_file():
        lines.append(f"  figure: {figure} (also .svg, .pdf, .csv)")
    if "verdict" in frame:
        return lines + _counts(frame)
    if "status" in frame:
        lines += _headline(measured_cells(frame)) + _absent(frame)
    return lines


def _headline(measured: pd.DataFrame) -> list[str]:
    """Return the headline metric of each cell that was run, with its optimum where it is known."""
    if f"{HEADLINE}_mean" not in measured or measured.empty:
        return []
    names = measured["method"]
    if measured["modalities"].nunique() > 1:
        names = names + " on " + measured["modalities"]
    width = names.str.len().max()
    known = OPTIMUM in measured
    title = f"  {LABELS[HEADLINE]}: mean ± sd over runs [95 % interval of the mean]"
    lines = [f"{title}; best reachable" if known else title]
    for name, (_, row) in zip(names, measured.iterrows(), strict=True):
        best = f"; {share(row[OPTIMUM])}" if known else ""
        lines.append(f"    {name:<{width}}  {with_spread(row, HEADLINE)}{best}")
    return lines


def _absent(frame: pd.DataFrame) -> list[str]:
    """Return how many cells of each source were not run, and which modalities they wait for."""
    lines = []
    cells = frame[(frame["status"] == ABSENT) & (frame["method"] != MISSINGNESS)]
    for source, rows in cells.groupby("source"):
        of_source = frame[frame["source"] == source]
        there = _modalities(measured_cells(of_source)["modalities"])
        waited_for = [name for name in _modalities(rows["modalities"]) if name not in there]
        needing = f" needing {', '.join(waited_for)}" if there and waited_for else ""
        lines.append(
            f"  {ABSENT}: {len(rows)} cell(s) of source {source}{needing}; "
            f"give the folders under sources.{source} in the configuration"
        )
    return lines


def _modalities(sets: "pd.Series[str]") -> list[str]:
    return list(dict.fromkeys(name for one in sets for name in one.split("+")))


def _counts(frame: pd.DataFrame) -> list[str]:
    """Return how many counts of cohorts got which verdict, and each that is off."""
    numbers = frame["verdict"].value_counts(sort=False)
    told = ", ".join(f"{number} {verdict}" for verdict, number in numbers.items())
    lines = [f"  counts against the published ones: {told}"]
    off = frame[frame["verdict"] == "off"]
    for _, row in off.iterrows():
        lines.append(
            f"    off: {row['source']} {row['task']} {row['count']}: {count(row['stays'])} instead "
            f"of {count(row['published'])}"
        )
    for source, rows in frame[frame["verdict"] == ABSENT].groupby("source", sort=False):
        lines.append(f"  {ABSENT}: {len(rows)} count(s) of source {source}")
    return lines
