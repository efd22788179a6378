"""Subjects of three classes with two tables, and a run on them."""

import numpy as np

from fleximodal.dataset.packed import PackedDataset
from fleximodal.dataset.scaler import fit_scaler
from fleximodal.training.member import Member
from tests.unit.dataset.tables import study, table
from tests.unit.training.toy import parts_of


def subjects(number: int = 200, *, signal: float = 2.0) -> PackedDataset:
    """Return subjects of three classes whose tables differ by class; some lack one or both."""
    random = np.random.default_rng(1)
    label = random.integers(0, 3, number)
    shift = signal * np.eye(3)[label]
    there = random.random((2, number)) < 0.75
    there[1] |= random.random(number) < 0.5
    dosages = random.binomial(2, 0.2 + 0.2 * label[:, None], size=(number, 5)).astype(np.int8)
    dosages[random.random(dosages.shape) < 0.1] = -1
    clinical = (random.normal(size=(number, 3)) + shift).astype(np.float32)
    clinical[random.random(clinical.shape) < 0.1] = np.nan
    tables = [
        table("genomic", dosages, there[0], categorical=[True] * 5),
        table("clinical", clinical, there[1]),
    ]
    return study(tables, label)


def member(dataset: PackedDataset) -> Member:
    parts = parts_of(dataset, shuffle=0)
    return Member(dataset, "complete0", 32, parts, fit_scaler(dataset, parts["train"]))
