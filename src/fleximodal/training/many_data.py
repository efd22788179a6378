"""Generated stays with any number of modalities, each of which tells a part of the label."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from fleximodal.dataset.packed import Items, PackedDataset, Series, Table

FRACTIONS = (0.6, 0.2)  # of train and val; the rest is test
UNSEEN = 0.25  # variance, per modality, of what decides the label and no modality shows
FEATURE_NOISE = 2.0  # standard deviation of a feature around what its modality shows


@dataclass(frozen=True)
class Generated:
    """Stays, their parts, and the true probability of label 1 given what is there, (n,)."""

    dataset: PackedDataset
    parts: dict[str, np.ndarray]
    probability: np.ndarray


def generate(modalities: int, *, stays: int, features: int, missing: float, seed: int) -> Generated:
    """Return stays with a binary label to which every modality contributes alike.

    Latent ``z_m`` ~ N(0, 1) of each modality; the label is 1 where ``sum_m z_m + u > 0``, ``u`` ~
    N(0, UNSEEN M). Features of modality m are ``z_m w_m`` plus noise, w_m a fixed direction of
    length sqrt(D). Each modality of a stay is absent with probability `missing`, but one is kept.
    As all is normal, the probability of the label given the features that are there is known: with
    ``t_m = x_m w_m / |w_m|^2``, of which a share ``r = |w|^2 / (|w|^2 + noise^2)`` is z_m, it is
    ``Phi(sum r t_m / sqrt(sum (1 - r) + absent + UNSEEN M))``, sums over the modalities there.

    Parameters
    ----------
    modalities
        Number of modalities M.
    stays, features
        Number of stays n, and of features D of each modality.
    missing
        Probability that a modality of a stay is absent.
    seed
        Equal arguments give equal stays.
    """
    random = np.random.default_rng([seed, modalities])
    latent = random.normal(size=(stays, modalities))
    unseen = random.normal(size=stays) * np.sqrt(UNSEEN * modalities)
    label = latent.sum(1) + unseen > 0
    present = random.random((stays, modalities)) >= missing
    present[np.arange(stays), random.integers(0, modalities, stays)] = True

    share = features / (features + FEATURE_NOISE**2)
    shown = np.zeros(stays)
    tables: dict[str, Series | Items] = {}
    for number in range(modalities):
        direction = random.normal(size=features)
        direction *= np.sqrt(features) / np.linalg.norm(direction)
        noise = FEATURE_NOISE * random.normal(size=(stays, features))
        values = latent[:, number, None] * direction + noise
        there = present[:, number]
        shown += there * share * (values @ direction) / features
        tables[f"m{number + 1}"] = _table(f"m{number + 1}", values[there], there)
    count = present.sum(1)
    variance = (1 - share) * count + (modalities - count) + UNSEEN * modalities

    bounds = np.cumsum([round(part * stays) for part in FRACTIONS])
    order = random.permutation(stays)
    pieces = zip(("train", "val", "test"), np.split(order, bounds), strict=True)
    dataset = PackedDataset(
        source="synthetic-modalities",
        task="sum",
        horizon_hours=1.0,
        window_hours=None,
        labels=("positive",),
        stay_id=np.arange(stays, dtype=np.int64),
        patient_id=np.arange(stays, dtype=np.int64),
        label=label.astype(np.int8),
        modalities=tables,
    )
    parts = {part: np.sort(positions) for part, positions in pieces}
    return Generated(dataset, parts, ndtr(shown / np.sqrt(variance)))


def _table(name: str, values: np.ndarray, there: np.ndarray) -> Table:
    return Table(
        name=name,
        features=tuple(f"{name}_{number}" for number in range(values.shape[1])),
        row_offsets=np.concatenate([[0], np.cumsum(there)]).astype(np.int64),
        hours=np.zeros(len(values), dtype=np.float32),
        features_array=values.astype(np.float32),
        categorical=np.zeros(values.shape[1], dtype=bool),
        scaling="standard",
    )
