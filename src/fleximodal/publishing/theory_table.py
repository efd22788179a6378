"""Table 2 of FuseMoE: rates of estimation in theory beside the slopes that were measured."""

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fleximodal.errors import FleximodalError
from fleximodal.publishing.claims import Claim, judge, write_claims
from fleximodal.publishing.formats import write_page
from fleximodal.publishing.numbers import rounded
from fleximodal.publishing.own_declaration import OwnTable
from fleximodal.publishing.theory_page import page_of_table2

DATA = "simulation"
HEADLINE, BESIDE = "median", "mean"
DIFFERENCE = "laplace minus softmax"
ROOT_N = -0.5  # theory for D1, D2 and TV (theorems 4.1 to 4.3, up to log factors)
MARGIN = 0.12  # an exponent this near to the theory's or a printed one is as good
TAIL = 1.959964  # standard deviations of a normal 95 % interval
RATES = ("gate", "parameter", "rate", "exponent_cell_1", "exponent_cell_2", "source")
FITS = ("setting", "gate", "quantity", "constant", "exponent", "source")
COLUMNS = [
    *("table", "data", "configuration", "gate", "setting", "replicates", "quantity"),
    *("fitted_in_cell", "error", "rate", "theory", "printed", "slope", "low", "high"),
    *("against_theory", "near_theory", "against_printed", "mean_slope", "mean_low", "mean_high"),
    *("constant", "deviation", "fits", "sizes", "smallest_n", "largest_n", "not_converged"),
]
INTEGERS = ("fitted_in_cell", "fits", "smallest_n", "largest_n", "not_converged")


def write_table2(
    table: OwnTable,
    slopes: Sequence[Path | str],
    rates: Path | str,
    printed: Path | str,
    folder: Path | str,
    claims: Path | str,
) -> None:
    """Write table2 in four formats and its part of the claims.

    Parameters
    ----------
    table
        The declaration.
    slopes
        slopes.json of every configuration and gate.
    rates, printed
        Published rates (config/published/fusemoe_table2.csv) and fits (fusemoe_convergence.csv).
    folder, claims
        Folder of the table, and the CSV of the claims.

    Raises
    ------
    FleximodalError
        If a published file lacks a column or holds something that is no number.
    """
    theory, fits = read_rates(rates), read_printed(printed)
    frame = build_table2([read_slopes(path) for path in slopes], theory, fits)
    write_page(frame, page_of_table2(frame, table), folder)
    write_claims(theory_claims(frame, theory, fits), claims)


def read_slopes(path: Path | str) -> dict[str, Any]:
    """Return what a slopes.json holds."""
    values: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return values


def read_rates(path: Path | str) -> pd.DataFrame:
    """Return the published rates; exponents, fractions in the file, as numbers."""
    frame = _read(path, RATES)
    for column in RATES[3:5]:
        frame[column] = _numbers(frame[column], column, path)
    return frame


def read_printed(path: Path | str) -> pd.DataFrame:
    """Return the published fits: constant and exponent as numbers."""
    frame = _read(path, FITS)
    for column in ("constant", "exponent"):
        frame[column] = _numbers(frame[column], column, path)
    return frame


def build_table2(
    summaries: Sequence[Mapping[str, Any]], rates: pd.DataFrame, printed: pd.DataFrame
) -> pd.DataFrame:
    """Return one row per configuration, gate, setting, quantity and number fitted in a cell.

    `error` is the "largest" of a cell's components, or their mean "weighted" by mass.
    `slope`, `low`, `high` and `constant` are of the median over replicates. The rows of
    `DIFFERENCE` hold the gates against one another, with a normal interval from the resampled
    deviations.
    """
    rows = [row for summary in summaries for row in _rows(summary, rates, printed)]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame = pd.concat([frame, *_differences(frame)], ignore_index=True)
    return frame.astype(dict.fromkeys(INTEGERS, "Int64"))


def _rows(
    summary: Mapping[str, Any], rates: pd.DataFrame, printed: pd.DataFrame
) -> list[dict[str, Any]]:
    key = ("setting", "quantity", "fitted", "error", "replicates")
    beside = {
        tuple(entry[name] for name in key): entry
        for entry in summary["slopes"]
        if entry["statistic"] == BESIDE
    }
    rows = []
    for entry in summary["slopes"]:
        if entry["statistic"] != HEADLINE:
            continue
        setting, quantity, fitted = entry["setting"], entry["quantity"], entry["fitted"]
        if setting == "exact" and fitted == 2:
            continue  # such a cell leaves another one empty; the theory has no rate for it
        rate, theory = _theory(rates, summary["gate"], quantity, fitted)
        target = _printed(printed, summary["gate"], setting, quantity)
        mean = beside[tuple(entry[name] for name in key)]
        sizes = entry["sizes"]
        rows.append(
            {
                "table": "table2",
                "data": DATA,
                **{name: summary[name] for name in ("configuration", "gate")},
                **{name: entry[name] for name in ("setting", "replicates", "quantity")},
                "fitted_in_cell": fitted,
                "error": entry["error"],
                "rate": rate,
                "theory": theory,
                "printed": target,
                **{name: entry[name] for name in ("slope", "low", "high", "constant")},
                "deviation": entry["deviation"],
                "against_theory": against_theory(theory, entry["low"], entry["high"]),
                "near_theory": _near(theory, entry["slope"]) if fitted is None else "",
                "against_printed": against_printed(target, entry["low"], entry["high"]),
                **{f"mean_{name}": mean[name] for name in ("slope", "low", "high")},
                "fits": entry["fits"],
                "sizes": len(sizes),
                "smallest_n": min(sizes, default=None),
                "largest_n": max(sizes, default=None),
                "not_converged": summary["counts"][setting]["not_converged"],
            }
        )
    return rows


def _theory(
    rates: pd.DataFrame, gate: str, quantity: str, fitted: int | None
) -> tuple[str | None, float | None]:
    """Return the rate in words and its exponent; the loss and TV fall as the root of n."""
    if fitted is None:
        return ("n^(-1/2)", ROOT_N) if quantity.startswith(("D1", "D2", "TV")) else (None, None)
    found = rates[(rates["gate"] == gate) & (rates["parameter"] == quantity)]
    if found.empty:
        return None, None
    row = found.iloc[0]
    rate = "n^(-1/2)" if fitted == 1 else str(row["rate"])
    return rate, float(row[f"exponent_cell_{fitted}"])


def _printed(printed: pd.DataFrame, gate: str, setting: str, quantity: str) -> float | None:
    found = printed[
        (printed["gate"] == gate)
        & (printed["setting"] == setting)
        & (printed["quantity"] == quantity)
    ]
    return None if found.empty else float(found.iloc[0]["exponent"])


def against_theory(theory: float | None, low: float | None, high: float | None) -> str:
    """Say where the interval of a slope lies from the exponent of an upper bound."""
    if theory is None or low is None or high is None:
        return ""
    if high < theory:
        return "falls faster than the rate"
    return "falls slower than the rate" if low > theory else "interval contains the rate"


def against_printed(printed: float | None, low: float | None, high: float | None) -> str:
    """Say whether the interval of a slope contains the printed one."""
    if printed is None or low is None or high is None:
        return ""
    verb = "contains" if low <= printed <= high else "excludes"
    return f"interval {verb} {rounded(printed, 2)}"


def _near(theory: float | None, slope: float | None) -> str:
    """Say whether a slope is within `MARGIN` of the theory's; a bound has no such margin."""
    if theory is None or slope is None:
        return ""
    return "yes" if abs(slope - theory) <= MARGIN else "no"


def _differences(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """Return, per configuration, the slopes of Laplace minus those of softmax in double cells."""
    key = ["configuration", "setting", "replicates", "quantity", "fitted_in_cell", "error"]
    double = frame[(frame["fitted_in_cell"] == 2) & frame["slope"].notna()]
    gates = [double[double["gate"] == gate].set_index(key) for gate in ("laplace", "softmax")]
    rows = []
    for place in gates[0].index.intersection(gates[1].index, sort=False):
        ours, theirs = (gate.loc[place] for gate in gates)
        slope = ours["slope"] - theirs["slope"]
        reach = TAIL * float(np.hypot(ours["deviation"], theirs["deviation"]))
        low, high, theory = slope - reach, slope + reach, ours["theory"] - theirs["theory"]
        rows.append(
            {
                **{name: ours[name] for name in ("table", "data", "sizes")},
                **dict(zip(key, place, strict=True)),
                "gate": DIFFERENCE,
                "rate": "difference of the rates",
                "theory": theory,
                "slope": slope,
                "low": low,
                "high": high,
                "against_theory": _visible(theory, low, high),
                "mean_slope": ours["mean_slope"] - theirs["mean_slope"],
                "fits": ours["fits"] + theirs["fits"],
                **{name: ours[name] for name in ("smallest_n", "largest_n")},
                "not_converged": ours["not_converged"] + theirs["not_converged"],
            }
        )
    return [pd.DataFrame(rows, columns=COLUMNS)] if rows else []


def _visible(theory: float, low: float, high: float) -> str:
    """Say whether a difference of the gates is seen, and whether it can be the theory's."""
    seen = "no difference between the gates is seen"
    if low > 0 or high < 0:
        seen = "the gates differ"
    verb = "contains" if low <= theory <= high else "excludes"
    return f"{seen}; interval {verb} the theory's difference"


def theory_claims(frame: pd.DataFrame, rates: pd.DataFrame, printed: pd.DataFrame) -> list[Claim]:
    """Return one claim per rate of table 2 and per number of the two printed fits.

    Measured is the `identifiable` configuration with all its replicates; a rate is held against
    the largest error in the cells of two fitted components.
    """
    ours = frame[frame["configuration"] == "identifiable"]
    ours = ours[ours["replicates"] == ours["replicates"].max()]
    claims = []
    for row in rates.itertuples():
        found = ours[
            (ours["gate"] == row.gate)
            & (ours["quantity"] == row.parameter)
            & (ours["fitted_in_cell"] == 2)
            & (ours["error"] == "largest")
        ]
        claims.append(
            _claim(
                found,
                f"table2-{row.gate}-{row.parameter}",
                "table2",
                gate=str(row.gate),
                metric=f"exponent of {row.parameter}, two fitted in a cell",
                published=float(str(row.exponent_cell_2)),
                column="slope",
                reason="an upper bound on the error; {against_theory}",
            )
        )
    for row in printed.itertuples():
        found = ours[
            (ours["gate"] == row.gate)
            & (ours["setting"] == row.setting)
            & (ours["quantity"] == row.quantity)
        ]
        shared = {"gate": str(row.gate), "table": "figure3", "found": found}
        claims.append(
            _claim(
                identity=f"figure3-{row.quantity}-exponent",
                metric=f"exponent of {row.quantity}",
                published=float(str(row.exponent)),
                column="slope",
                reason=None,
                **shared,
            )
        )
        claims.append(
            _claim(
                identity=f"figure3-{row.quantity}-constant",
                metric=f"constant of {row.quantity}",
                published=float(str(row.constant)),
                column="constant",
                reason="the level depends on the drawn truth, d and the jitter, which are not "
                "printed",
                **shared,
            )
        )
    return claims


def _claim(
    found: pd.DataFrame,
    identity: str,
    table: str,
    *,
    gate: str,
    metric: str,
    published: float,
    column: str,
    reason: str | None,
) -> Claim:
    head: dict[str, Any] = {
        "claim": identity,
        "table": table,
        "dataset": DATA,
        "modalities": "",
        "task": "estimation",
        "metric": metric,
        "method": f"maximum likelihood, {gate} gate",
        "variant": "identifiable",
        "published_mean": published,
        "data": DATA,
    }
    row = None if found.empty else found.iloc[0]
    if row is None or pd.isna(row[column]):
        return Claim(**head, verdict="not run: data absent")
    low, high = (float(row[end]) if column == "slope" else None for end in ("low", "high"))
    if reason is None:
        verdict = judge(published, low, high, MARGIN)
    else:
        verdict = "not a target: " + reason.format(against_theory=row["against_theory"])
    measured = float(row[column])
    return Claim(
        **head,
        measured=measured,
        low=low,
        high=high,
        n=int(row["fits"]),
        difference=measured - published,
        verdict=verdict,
    )


def _read(path: Path | str, columns: Sequence[str]) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise FleximodalError(f"{path}: cannot be read as CSV ({error})") from None
    for name in columns:
        if name not in frame:
            raise FleximodalError(f"{path}: column {name!r} is missing; add it")
    return frame


def _numbers(texts: "pd.Series[str]", column: str, path: Path | str) -> list[float]:
    numbers = []
    for row, text in enumerate(texts, start=1):
        try:
            numbers.append(float(Fraction(text)))
        except (ValueError, ZeroDivisionError):
            raise FleximodalError(
                f"{path}: row {row}: {column} {text!r} is no number; give one such as -1/4 or -0.25"
            ) from None
    return numbers
