"""The claims table: every published value, what was measured for it, and a verdict."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pandas as pd

from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import write_text

EQUIVALENT, DIFFERENT, INCONCLUSIVE = "equivalent", "different", "inconclusive"
NOT_COMPARABLE = "not comparable: synthetic data"
DEMO_RELEASE = "not comparable: demo release"
INCOMPARABLE = {"synthetic": NOT_COMPARABLE, "demo": DEMO_RELEASE}  # by kind of data
ABSENT = "not run: data absent"
NO_TARGET = "not a target: "  # followed by the reason
# On orders of methods.
CONFIRMED, CONTRADICTED, UNDECIDED = "confirmed", "contradicted", "undecided"
VERDICTS = (EQUIVALENT, DIFFERENT, INCONCLUSIVE, *INCOMPARABLE.values(), ABSENT)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One published value.

    Attributes
    ----------
    claim
        A name of its own, such as "table3-48-IHM-auroc-Laplace".
    paper, table, dataset, modalities, task, metric, method, variant
        Where the value stands and what it is; empty where a word has no meaning.
    published_mean, published_sd, published_n
        As printed, in the unit of `metric`, and the number of runs behind it.
    measured, sd, low, high, n
        The same quantity as measured, its deviation over runs, its 95 % interval, and the number
        of runs behind it.
    source, protocol, cases, data
        On what it was measured, and what kind of data that is.
    difference, difference_low, difference_high
        measured minus published_mean, with the interval that the verdict is read from.
    margin, p
        The largest difference that counts as equivalent, and the p-value of equivalence.
    verdict
        One of `VERDICTS`, or "not a target: " and the reason.
    """

    claim: str
    paper: str = "FuseMoE"
    table: str
    dataset: str
    modalities: str
    task: str
    metric: str
    method: str
    variant: str
    published_mean: float
    published_sd: float | None = None
    published_n: int | None = None
    measured: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    source: str = ""
    protocol: str = ""
    cases: str = ""
    data: str
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    margin: float | None = None
    p: float | None = None
    verdict: str


COLUMNS = [field.name for field in fields(Claim)]
INTEGERS = ("published_n", "n")
NUMBERS = (
    *("published_mean", "published_sd", "published_n", "measured", "sd", "low", "high", "n"),
    *("difference", "difference_low", "difference_high", "margin", "p"),
)


def judge(published: float, low: float | None, high: float | None, margin: float) -> str:
    """Return the verdict on an interval.

    "equivalent" if the interval lies within `margin` of the published value; else "different" if
    it excludes the value, and "inconclusive" if it contains it or there is none.
    """
    if low is None or high is None:
        return INCONCLUSIVE
    if published - margin <= low and high <= published + margin:
        return EQUIVALENT
    return INCONCLUSIVE if low <= published <= high else DIFFERENT


def judge_number(published: float, measured: float | None, tolerance: float, data: str) -> str:
    """Return the verdict on a number without spread, such as a count, beside its printed value.

    "equivalent" within the tolerance and "different" beyond it; `data` is the kind of data, of
    which none but real ones are comparable.
    """
    if measured is None:
        return ABSENT
    if data in INCOMPARABLE:
        return INCOMPARABLE[data]
    # A tolerance that is half of the last printed digit is not exact in binary.
    within = abs(measured - published) <= tolerance * (1 + 1e-9) + 1e-9
    return EQUIVALENT if within else DIFFERENT


def write_claims(claims: Sequence[Claim], path: Path | str) -> None:
    """Write a part of the claims table as CSV."""
    frame = pd.DataFrame([asdict(claim) for claim in claims], columns=COLUMNS)
    write_text(
        path,
        frame.astype(dict.fromkeys(INTEGERS, "Int64")).to_csv(index=False, lineterminator="\n"),
    )


def collect_claims(parts: Sequence[Path | str], output: Path | str) -> None:
    """Write all parts of the claims table into one CSV, in their order.

    Raises
    ------
    FleximodalError
        If a part cannot be read, has other columns, an unknown verdict or a value that is no
        number, or if a claim occurs twice.
    """
    frames = [_read_part(path) for path in parts]
    found: dict[str, Path | str] = {}
    for path, frame in zip(parts, frames, strict=True):
        for name in frame["claim"]:
            if name in found:
                raise FleximodalError(
                    f"{path}: claim {name!r} is also in {found[name]}; each published value has "
                    "one row"
                )
            found[name] = path
    empty = pd.DataFrame(columns=COLUMNS)
    whole = pd.concat(frames, ignore_index=True) if frames else empty
    write_text(output, whole.to_csv(index=False, lineterminator="\n"))


def _read_part(path: Path | str) -> pd.DataFrame:
    """Return a part as text, so that no number changes its digits on the way."""
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise FleximodalError(f"{path}: cannot be read as CSV ({error})") from None
    if list(frame.columns) != COLUMNS:
        raise FleximodalError(
            f"{path}: the columns are not {', '.join(COLUMNS)}; write the part with write_claims"
        )
    for row, verdict in enumerate(frame["verdict"], start=1):
        if verdict not in VERDICTS and not re.fullmatch(f"{NO_TARGET}.+", verdict):
            raise FleximodalError(
                f"{path}: row {row}: unknown verdict {verdict!r}; one of {', '.join(VERDICTS)} or "
                f"'{NO_TARGET}' and a reason"
            )
    for name in NUMBERS:
        numbers = pd.to_numeric(frame[name].replace("", "nan"), errors="coerce")
        faulty = (numbers.isna() & (frame[name] != "")).to_numpy()
        if faulty.any():
            row = int(faulty.argmax())
            raise FleximodalError(
                f"{path}: row {row + 1}: {name} {frame[name].iloc[row]!r} is no number; mend it"
            )
    return frame
