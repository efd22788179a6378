"""The lines that end a run: where the results are, what was not run, the headline numbers."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fleximodal.publishing.baseline import MISSINGNESS
from fleximodal.publishing.claims import CONTRADICTED, DIFFERENT, INCOMPARABLE, NO_TARGET
from fleximodal.publishing.comparison_declaration import CHANCE, NOT_CHANCE
from fleximodal.publishing.numbers import LABELS, count, percent, rounded, share, with_spread
from fleximodal.publishing.optimum import OPTIMUM
from fleximodal.publishing.table import ABSENT, measured_cells

HEADLINES = ("auroc", "accuracy")  # the first of them that a table has
LARGEST = 5  # differences that are named


def summarise(
    tables: Sequence[Path | str],
    claims: Path | str | None = None,
    rankings: Path | str | None = None,
) -> str:
    """Return a few lines about tables that a run has made.

    Parameters
    ----------
    tables
        The CSV files of the tables, in `results/tables/`; figures lie in `results/figures/`.
    claims, rankings
        claims.csv and rankings.csv, None where nothing was held against published values.
    """
    lines: list[str] = []
    for path in map(Path, tables):
        if path.is_file():
            lines += _lines_of(path)
        else:
            lines.append(f"Table {path.stem}: not made by this run")
    if claims is not None and Path(claims).is_file():
        lines += _claims(Path(claims))
    if rankings is not None and Path(rankings).is_file():
        lines += _rankings(Path(rankings))
    return "\n".join(lines)


def _claims(path: Path) -> list[str]:
    """Return how many published values got which verdict, and the largest differences."""
    frame = pd.read_csv(path)
    lines = [f"Published values ({len(frame)}): {path}", f"  {_tally(frame['verdict'])}"]
    apart = frame[frame["verdict"] == DIFFERENT].copy()
    if apart.empty:
        return lines
    # Differences of different quantities are told in margins, where there are any.
    apart["size"] = (apart["difference"] / apart["margin"].fillna(1.0)).abs()
    lines.append("  largest differences, in margins:")
    for _, row in apart.nlargest(LARGEST, "size").iterrows():
        lines.append(
            f"    {row['claim']}: {rounded(row['measured'], 2)} instead of "
            f"{rounded(row['published_mean'], 2)} ({rounded(row['size'], 1)} margins)"
        )
    return lines


def _rankings(path: Path) -> list[str]:
    """Return how many orders of methods got which verdict, and those that are contradicted."""
    frame = pd.read_csv(path)
    if frame.empty:
        return []
    lines = [f"Orders of methods ({len(frame)}): {path}", f"  {_tally(frame['verdict'])}"]
    for verdict in INCOMPARABLE.values():
        rows = frame[frame["verdict"] == verdict]
        if len(rows):
            lines.append(f"  on the {verdict.split(': ')[1]}: {_tally(rows['outcome'])}")
    for _, row in frame[frame["verdict"] == CONTRADICTED].iterrows():
        lines.append(
            f"    contradicted: {row['claim']}: {row['our_second']} is ahead of {row['our_first']}"
        )
    return lines


def _tally(values: "pd.Series[str]") -> str:
    """Return each value with its number; reasons of one kind of verdict are taken together."""
    words = values.map(lambda word: NO_TARGET.strip(": ") if word.startswith(NO_TARGET) else word)
    return ", ".join(f"{number} {word}" for word, number in words.value_counts(sort=False).items())


def _lines_of(path: Path) -> list[str]:
    frame = pd.read_csv(path)
    if "data" not in frame:
        return [f"Table {path.stem} (facts): {path} (also .md, .tex, .html)"]
    kind = " and ".join(dict.fromkeys(frame["data"]))
    figure = path.parent.parent / "figures" / f"{path.stem}.png"
    lines = [f"Table {path.stem} ({kind} data): {path} (also .md, .tex, .html)"]
    if figure.is_file():
        lines.append(f"  figure: {figure} (also .svg, .pdf, .csv)")
    if "count" in frame:
        return lines + _counts(frame)
    if "published_mean" in frame:
        return lines + _run(frame)
    if "against_variant" in frame:
        return lines + _run(frame) + _verdicts(frame)
    if "status" in frame:
        lines += _headline(measured_cells(frame)) + _absent(frame)
    return lines


def _run(frame: pd.DataFrame) -> list[str]:
    """Return how many values wait for data."""
    absent = int((frame["status"] == ABSENT).sum())
    return [f"  {ABSENT}: {absent} of {len(frame)} values"] if absent else []


def _verdicts(frame: pd.DataFrame) -> list[str]:
    """Return the verdict on the headline metric of each cell that has one."""
    headline = next((name for name in HEADLINES if (frame["metric"] == name).any()), None)
    judged = frame[(frame["metric"] == headline) & frame["difference"].notna()]
    several = frame["cases"].nunique() > 1
    lines = []
    for _, row in judged.iterrows():
        told, low, high = "difference", "difference_low", "difference_high"
        if row["verdict"] in (CHANCE, NOT_CHANCE):
            told, low, high = "mean", "low", "high"
        values = f"{percent(row[told])} [{percent(row[low])}, {percent(row[high])}]"
        name = LABELS[row["metric"]].removesuffix(" (%)")
        words = f"points of {name}" if told == "difference" else f"% {name}"
        cell = f"{row['method']} {row['variant']}" + (f" cases {row['cases']}" if several else "")
        lines.append(f"    {cell}: {values} {words}; {row['verdict']}")
    return lines


def _headline(measured: pd.DataFrame) -> list[str]:
    """Return the headline metric of each cell that was run, with its optimum where it is known."""
    headline = next((name for name in HEADLINES if f"{name}_mean" in measured), None)
    if headline is None or measured.empty:
        return []
    names = measured["method"]
    if measured["modalities"].nunique() > 1:
        names = names + " on " + measured["modalities"]
    width = names.str.len().max()
    known = OPTIMUM in measured
    title = f"  {LABELS[headline]}: mean ± sd over runs [95 % interval of the mean]"
    lines = [f"{title}; best reachable" if known else title]
    for name, (_, row) in zip(names, measured.iterrows(), strict=True):
        best = f"; {share(row[OPTIMUM])}" if known else ""
        lines.append(f"    {name:<{width}}  {with_spread(row, headline)}{best}")
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
