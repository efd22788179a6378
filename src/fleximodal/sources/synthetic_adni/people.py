"""Who is in the study: labelled subjects with data, and others that a reader has to leave out."""

from dataclasses import dataclass

import numpy as np

from fleximodal.sources.synthetic_adni.model import COMBINATIONS, LETTERS, PRIOR

# Far above every real roster id.
FIRST_RID = 90_001
_FIRST_SITE, _SITES = 901, 58
# Share of others, per labelled subject.
OUTSIDE = {
    "converter": 0.10,
    "reverter": 0.03,
    "empty_diagnosis": 0.03,
    "diagnosis_only": 0.01,
    "no_diagnosis": 0.03,
}
# Phase of enrolment, of ADNI1, ADNIGO, ADNI2, ADNI3, ADNI4; nobody of ADNI4 is genotyped.
_PHASES_GENOTYPED = (0.36, 0.06, 0.32, 0.26, 0.0)
_PHASES_OTHERS = (0.16, 0.06, 0.20, 0.33, 0.25)


@dataclass(frozen=True)
class People:
    """n persons in random order of roster id.

    Attributes
    ----------
    rid, ptid
        (n,) roster id and its text form SSS_S_RRRR.
    kind
        (n,) `labelled` or a key of `OUTSIDE`.
    classes
        (n,) 0 CN, 1 MCI, 2 dementia: what shows in the data; of converters and reverters the last.
    has
        (n, 4) observed modalities in the order I, G, C, B.
    female
        (n,) bool.
    phase
        (n,) phase of enrolment, position in `visits.PHASES`.
    """

    rid: np.ndarray
    ptid: np.ndarray
    kind: np.ndarray
    classes: np.ndarray
    has: np.ndarray
    female: np.ndarray
    phase: np.ndarray

    @property
    def site(self) -> np.ndarray:
        """Return the number of the site, (n,)."""
        return np.array([int(ptid[:3]) for ptid in self.ptid])

    @property
    def labelled(self) -> np.ndarray:
        """Return which persons are labelled subjects with data, (n,)."""
        return self.kind == "labelled"

    @property
    def combination(self) -> np.ndarray:
        """Return the letters of the observed modalities, (n,) text."""
        return np.array(["".join(np.array(list(LETTERS))[row]) for row in self.has], dtype=object)


def exact_counts(shares: np.ndarray, total: int) -> np.ndarray:
    """Return whole numbers with sum `total`, nearest to the shares (largest remainder)."""
    exact = shares / shares.sum() * total
    counts = np.floor(exact).astype(int)
    first = np.argsort(counts - exact, kind="stable")[: total - counts.sum()]
    counts[first] += 1
    return counts


def draw_people(rng: np.random.Generator, subjects: int) -> People:
    """Draw `subjects` labelled persons with exact counts, and the others.

    Class, combination, sex and phase of enrolment (but for the genotyped) are independent, so what
    is missing tells nothing of the class.
    """
    shares = np.array(list(COMBINATIONS.values()), dtype=float)
    letters = np.array([[letter in name for letter in LETTERS] for name in COMBINATIONS])
    others = {kind: max(3, round(share * subjects)) for kind, share in OUTSIDE.items()}
    kinds = np.array(["labelled", *others], dtype=object)
    kind = np.repeat(kinds, [subjects, *others.values()])
    outside = len(kind) - subjects
    combination = np.concatenate(
        [
            rng.permutation(np.repeat(np.arange(len(shares)), exact_counts(shares, subjects))),
            rng.choice(len(shares), outside, p=shares / shares.sum()),
        ]
    )
    classes = np.concatenate(
        [
            rng.permutation(np.repeat(np.arange(len(PRIOR)), exact_counts(PRIOR, subjects))),
            rng.choice(len(PRIOR), outside, p=PRIOR),
        ]
    )
    classes[kind == "converter"] = rng.integers(1, 3, others["converter"])
    classes[kind == "reverter"] = rng.integers(0, 2, others["reverter"])
    has = letters[combination] & (kind != "diagnosis_only")[:, None]
    count = len(kind)
    number = FIRST_RID + rng.permutation(count)
    site = _FIRST_SITE + rng.integers(0, _SITES, count)
    # The combinations that need a genotype are drawn apart, as no set holds persons of ADNI4.
    phase = np.where(
        has[:, LETTERS.index("G")],
        rng.choice(5, count, p=_PHASES_GENOTYPED),
        rng.choice(5, count, p=_PHASES_OTHERS),
    )
    return People(
        rid=number,
        ptid=np.array([f"{s:03d}_S_{r:04d}" for s, r in zip(site, number, strict=True)], object),
        kind=kind,
        classes=classes,
        has=has,
        female=rng.random(count) < 0.5,
        phase=phase,
    )
