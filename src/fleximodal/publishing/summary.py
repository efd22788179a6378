"""The lines that end a run: where the results are, what was not run, the headline numbers."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fleximodal.publishing.numbers import LABELS, with_spread
from fleximodal.publishing.table import ABSENT, MEASURED

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
    measured = frame[frame["status"] == MEASURED]
    if f"{HEADLINE}_mean" in frame and len(measured):
        names = measured["method"]
        if measured["modalities"].nunique() > 1:
            names = names + " on " + measured["modalities"]
        width = names.str.len().max()
        lines.append(f"  {LABELS[HEADLINE]}: mean ± sd over runs [95 % interval of the mean]")
        lines += [
            f"    {name:<{width}}  {with_spread(row, HEADLINE)}"
            for name, (_, row) in zip(names, measured.iterrows(), strict=True)
        ]
    absent = frame[frame["status"] == ABSENT]
    for source, rows in absent.groupby("source"):
        lines.append(
            f"  {ABSENT}: {len(rows)} cell(s) of source {source}; "
            f"give sources.{source}.folder in the configuration"
        )
    return lines
