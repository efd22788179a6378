"""Negative controls: datasets in which there is nothing, or less, to find."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fleximodal.dataset.packed import Items, PackedDataset, Series, Table
from fleximodal.dataset.ragged import known_cells
from fleximodal.errors import FleximodalError
from fleximodal.methods.variants import NOISE, SHUFFLED_LABELS

SEED = 0
_CELLS_AT_ONCE = 4_000_000  # bounds the working memory, not the result


def with_controls(dataset: PackedDataset, controls: Sequence[str]) -> PackedDataset:
    """Return a dataset changed by each control.

    `shuffled-labels` gives each stay the labels of another one, drawn without replacement: no
    method can then be better than chance, on any part. `noise-MODALITY` replaces every value of a
    modality by independent normal draws with the mean and deviation of its channel or feature,
    dosages rounded to 0, 1 or 2; times, presence and unknown entries stay. The draws do not depend
    on the run.

    Raises
    ------
    FleximodalError
        If a control is unknown or names a modality that the dataset does not have.
    """
    generator = np.random.default_rng(SEED)
    for control in controls:
        if control == SHUFFLED_LABELS:
            dataset = replace(dataset, label=generator.permutation(dataset.label))
        elif control.startswith(NOISE) and control.removeprefix(NOISE) in dataset.modalities:
            dataset = _with_noise(dataset, control.removeprefix(NOISE), generator)
        else:
            raise FleximodalError(
                f"control {control!r} cannot be applied; use {SHUFFLED_LABELS}, or {NOISE} and one "
                f"of {', '.join(dataset.modalities)}"
            )
    return dataset


def _with_noise(dataset: PackedDataset, name: str, generator: np.random.Generator) -> PackedDataset:
    modality = dataset.modalities[name]
    noisy: Items | Series
    if isinstance(modality, Table):
        noisy = _noisy_table(modality, generator)
    elif isinstance(modality, Items):
        noisy = _noisy_items(modality, generator)
    else:
        noisy = _noisy_series(modality, generator)
    return replace(dataset, modalities={**dataset.modalities, name: noisy})


def _noisy_items(items: Items, generator: np.random.Generator) -> Items:
    values = items.features_array
    mean, std = (moment(values, axis=0) for moment in (np.nanmean, np.nanstd))
    noise = mean + std * generator.standard_normal(values.shape)
    kept = np.where(np.isnan(values), np.nan, noise).astype(values.dtype)
    return replace(items, features_array=kept)


def _noisy_table(table: Table, generator: np.random.Generator) -> Table:
    values = table.features_array
    noisy = np.empty_like(values)
    at_once = max(1, _CELLS_AT_ONCE // max(1, len(values)))
    for start in range(0, len(table.features), at_once):
        columns = slice(start, start + at_once)
        known = known_cells(values[:, columns])
        inside = np.where(known, values[:, columns], 0).astype(np.float64)
        count = np.maximum(known.sum(axis=0), 1)
        mean = inside.sum(axis=0) / count
        std = np.sqrt((np.where(known, inside - mean, 0) ** 2).sum(axis=0) / count)
        noise = mean + std * generator.standard_normal(inside.shape)
        if values.dtype == np.int8:
            noise = noise.round().clip(0, 2)
        noisy[:, columns] = np.where(known, noise, values[:, columns])
    return replace(table, features_array=noisy)


def _noisy_series(series: Series, generator: np.random.Generator) -> Series:
    channel, value = series.channel, series.value.astype(np.float64)
    count = np.maximum(np.bincount(channel, minlength=len(series.channels)), 1)
    mean = np.bincount(channel, value, len(count)) / count
    std = np.sqrt(np.bincount(channel, (value - mean[channel]) ** 2, len(count)) / count)
    noise = mean[channel] + std[channel] * generator.standard_normal(len(value))
    return replace(series, value=noise.astype(series.value.dtype))
