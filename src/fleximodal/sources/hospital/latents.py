"""Latent truth of stays: what is drawn, and what of it a task's window shows."""

from dataclasses import dataclass

import numpy as np

from fleximodal.sources.hospital.model import EARLY_DAYS, MODALITIES, LatentModel

# Items in the first two days: 1 + Poisson(rate * share of the two days that the stay lasts).
ITEM_RATES = {"vitals": 0.0, "notes": 1.5, "cxr": 0.8, "ecg": 0.6}


@dataclass(frozen=True)
class Latents:
    """Latent truth of n stays.

    `u`, `days`, `died` have shape (n,); `w`, `x`, `early`, `late`, `first_day` have shape (n, 4);
    `phenotypes` (n, 25). `early` and `late`: an item before or after the end of the second day;
    `first_day`: an item within 24 hours. `rows`: the stay has numeric rows; else it has no cohort.
    """

    u: np.ndarray
    w: np.ndarray
    x: np.ndarray
    days: np.ndarray
    early: np.ndarray
    late: np.ndarray
    first_day: np.ndarray
    died: np.ndarray
    phenotypes: np.ndarray
    rows: np.ndarray

    def of(self, chosen: np.ndarray) -> "Latents":
        """Return the truth of the chosen stays (mask or positions)."""
        return Latents(**{name: values[chosen] for name, values in vars(self).items()})

    @staticmethod
    def concat(parts: "list[Latents]") -> "Latents":
        """Join the truth of several groups of stays."""
        names = vars(parts[0])
        return Latents(**{n: np.concatenate([vars(part)[n] for part in parts]) for n in names})


def draw_days(rng: np.random.Generator, model: LatentModel, u: np.ndarray) -> np.ndarray:
    """Draw lengths of stay in days, of at least half an hour and at most 150 days."""
    noise = rng.standard_normal(len(u))
    return np.clip(np.exp(model.los_0 + model.los_u * u + model.los_s * noise), 1 / 48, 150)


def draw_shown(rng: np.random.Generator, model: LatentModel, u: np.ndarray) -> np.ndarray:
    """Draw what each modality shows of the severity, shape (n, 4)."""
    return u[:, None] + model.sigma * rng.standard_normal((len(u), len(MODALITIES)))


def draw_presence(
    rng: np.random.Generator, model: LatentModel, u: np.ndarray, days: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draw whether each modality has items in the first two days, and after; each (n, 4)."""
    each = range(len(MODALITIES))
    early = np.stack([model.early(m, u, days) for m in each], axis=1)
    late = np.stack([model.late(m, days) for m in each], axis=1)
    return rng.random(early.shape) < early, rng.random(late.shape) < late


def in_first_day(m: int, days: np.ndarray) -> np.ndarray:
    """Return the probability that a stay with early items of modality `m` has one within 24 h.

    The 1 + Poisson(rate * exposure) items lie uniformly over the first two days of the stay.
    """
    shown = np.minimum(days, EARLY_DAYS)
    after = np.maximum(1 - 1 / shown, 0)
    rate = ITEM_RATES[MODALITIES[m]] * shown / EARLY_DAYS
    return np.where(MODALITIES[m] == "vitals", 1.0, 1 - after * np.exp(-rate * (1 - after)))


def draw_reference(rng: np.random.Generator, model: LatentModel, stays: int) -> Latents:
    """Draw stays of different patients straight from the model, all with numeric rows."""
    u = rng.standard_normal(stays)
    w = rng.standard_normal((stays, len(MODALITIES)))
    days = draw_days(rng, model, u)
    early, late = draw_presence(rng, model, u, days)
    first = np.stack([in_first_day(m, days) for m in range(len(MODALITIES))], axis=1)
    phenotypes = model.phenotypes(u, w)
    return Latents(
        u=u,
        w=w,
        x=draw_shown(rng, model, u),
        days=days,
        early=early,
        late=late,
        first_day=early & (rng.random(first.shape) < first),
        died=rng.random(stays) < model.risk(u, w),
        phenotypes=rng.random(phenotypes.shape) < phenotypes,
        rows=np.ones(stays, dtype=bool),
    )
