"""Diagnosis codes of admissions, from their phenotypes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from fleximodal.sources.hospital.people import People
from fleximodal.sources.hospital.phenotypes import (
    OTHER_ICD9,
    OTHER_ICD10,
    PHENOTYPES,
    YOUNG_ICD10,
)
from fleximodal.sources.hospital.rows import Mess

_SECOND_CODE_SHARE = 0.3
_YOUNG_SHARE = 0.15
_OTHER_CODES = 5.0


@dataclass(frozen=True)
class Codes:
    """Codes, sorted by admission and rank: admission (position), seq (from 1), code, version."""

    admission: np.ndarray
    seq: np.ndarray
    code: pl.Series
    version: np.ndarray


def draw_codes(rng: np.random.Generator, mess: Mess, people: People, version: np.ndarray) -> Codes:
    """Draw the codes of every admission, in the version (9 or 10) of each."""
    owners, words = [], []

    def add(admission: np.ndarray, codes: Sequence[str]) -> None:
        owners.append(admission)
        words.append(np.array(codes, dtype=object)[rng.integers(0, len(codes), len(admission))])

    for k, phenotype in enumerate(PHENOTYPES):
        for number, codes in ((9, phenotype.icd9), (10, phenotype.icd10)):
            having = np.flatnonzero(people.phenotypes[:, k] & (version == number))
            add(having, codes)
            add(having[rng.random(len(having)) < _SECOND_CODE_SHARE], codes)
            if number == 10 and phenotype.ccs in YOUNG_ICD10:
                young = having[rng.random(len(having)) < _YOUNG_SHARE]
                add(young, [YOUNG_ICD10[phenotype.ccs]])
    for number, others in ((9, OTHER_ICD9), (10, OTHER_ICD10)):
        of_version = np.flatnonzero(version == number)
        add(np.repeat(of_version, 1 + rng.poisson(_OTHER_CODES, len(of_version))), others)
    drawn = pl.DataFrame(
        {"admission": np.concatenate(owners), "code": np.concatenate(words).tolist()}
    ).unique(maintain_order=True)
    rank = rng.random(drawn.height)
    ordered = drawn.with_columns(rank=rank).sort("admission", "rank", maintain_order=True)
    admission = ordered["admission"].to_numpy()
    starts = np.searchsorted(admission, admission)
    code = ordered["code"]
    everyone = np.ones(len(admission), dtype=bool)
    blank = mess.some("codes with blanks at the end", everyone, 0.01)
    code = code.scatter(blank, code.gather(blank) + "  ")
    mess.counts["codes with a zero in front"] = int(code.str.starts_with("0").sum())
    return Codes(admission, np.arange(len(admission)) - starts + 1, code, version[admission])


def dictionary() -> list[tuple[str, int, str]]:
    """Return code, version and title of every code there is, sorted."""
    rows = []
    for phenotype in PHENOTYPES:
        rows += [(code, 9, phenotype.name) for code in phenotype.icd9]
        rows += [(code, 10, phenotype.name) for code in phenotype.icd10]
        if phenotype.ccs in YOUNG_ICD10:
            rows.append((YOUNG_ICD10[phenotype.ccs], 10, phenotype.name))
    rows += [(code, 9, "Other condition, unspecified") for code in OTHER_ICD9]
    rows += [(code, 10, 'Other condition, "not elsewhere classified"') for code in OTHER_ICD10]
    return sorted(rows)
