"""When each person was seen: phases, visit codes and dates."""

from dataclasses import dataclass, fields

import numpy as np

from fleximodal.sources.synthetic_adni.people import People

PHASES = ("ADNI1", "ADNIGO", "ADNI2", "ADNI3", "ADNI4")
_STARTS = np.array(["2005-09-01", "2009-10-01", "2011-06-01", "2016-09-01", "2022-07-01"], "M8[D]")
# Last day of enrolment, so that a visit or two still fit before the export.
_END = np.array("2023-06-01", "M8[D]")
EXPORT = np.array("2024-04-22", "M8[D]")
# Months of the visits after baseline; the first is the screening, about a month before.
_MONTHS = np.array([-1, 0, 6, 12, 24, 36, 48])
_MORE_VISITS = 0.4


@dataclass(frozen=True)
class Visits:
    """m visits, sorted by person and day.

    Attributes
    ----------
    person
        (m,) position of the person.
    first
        (m,) whether it is the person's first visit.
    month
        (m,) months since baseline, -1 for the screening.
    day
        (m,) days since 1970.
    phase
        (m,) position in `PHASES` by date, never before the phase of enrolment.
    viscode, viscode2
        (m,) code of the phase, and harmonised code.
    """

    person: np.ndarray
    first: np.ndarray
    month: np.ndarray
    day: np.ndarray
    phase: np.ndarray
    viscode: np.ndarray
    viscode2: np.ndarray

    def of(self, chosen: np.ndarray) -> "Visits":
        """Return the chosen visits (mask or positions)."""
        return Visits(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


def draw_visits(rng: np.random.Generator, people: People) -> Visits:
    """Draw one to seven visits per person; converters and reverters have three at least."""
    count = len(people.rid)
    ends = np.append(_STARTS[1:], _END)[people.phase].astype(int) - 60
    start = rng.integers(_STARTS[people.phase].astype(int), ends)
    planned = 1 + rng.binomial(len(_MONTHS) - 1, _MORE_VISITS, count)
    several = np.isin(people.kind, ["converter", "reverter"])
    planned[several] = np.maximum(planned[several], 3)
    person = np.repeat(np.arange(count), planned)
    number = np.arange(len(person)) - np.repeat(planned.cumsum() - planned, planned)
    month = _MONTHS[number]
    day = start[person] + np.rint(month * 30.44).astype(int) + 31
    day += np.where(number > 0, rng.integers(-9, 10, len(day)), 0)
    by_date = np.searchsorted(_STARTS.astype(int), day, side="right") - 1
    phase = np.maximum(by_date, people.phase[person])
    failed = (people.kind == "no_diagnosis") & (people.rid % 2 == 0)
    kept = (day < EXPORT.astype(int)) & ((number == 0) | ~failed[person])
    person, number, month, day, phase = (a[kept] for a in (person, number, month, day, phase))
    rolled = (number > 0) & (np.diff(phase, prepend=0) > 0)
    pairs = [
        ("f", "f") if failed[p] else _codes(int(f), int(k), int(m), bool(r))
        for p, f, k, m, r in zip(person, phase, number, month, rolled, strict=True)
    ]
    return Visits(
        person=person,
        first=number == 0,
        month=month,
        day=day,
        phase=phase,
        viscode=np.array([pair[0] for pair in pairs], dtype=object),
        viscode2=np.array([pair[1] for pair in pairs], dtype=object),
    )


def _codes(phase: int, number: int, month: int, rolled: bool) -> tuple[str, str]:
    """Return the code as the phase writes it, and the harmonised one."""
    harmonised = "sc" if month < 0 else "bl" if month == 0 else f"m{month:02d}"
    name = PHASES[phase]
    if name in ("ADNIGO", "ADNI2"):
        return f"v{number + 1:02d}", harmonised
    code = "init" if rolled else harmonised
    if name == "ADNI3" and month >= 12 and not rolled:
        code = f"y{month // 12}"
    return (f"4_{code}" if name == "ADNI4" else code), harmonised
