"""Batches of a packed dataset: index arithmetic on flat tensors, no loop over stays."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fleximodal.dataset.grid import impute_grid
from fleximodal.dataset.packed import Items, PackedDataset, Series, Table
from fleximodal.dataset.reading import DEFAULT, Reading
from fleximodal.dataset.scaler import Scaler
from fleximodal.dataset.table_scaling import TableScale
from fleximodal.errors import FleximodalError


@dataclass
class SeriesBatch:
    """A time series of B stays, L times at most, C channels; standardised, float32.

    values, mask (B, L, C): 0 where unobserved; times (B, L): see `Reading`, 0 at padding;
    grid (B, T, 2C): imputed values, then observed flags; present (B,) bool: at least one time.
    """

    values: Tensor
    mask: Tensor
    times: Tensor
    grid: Tensor
    present: Tensor


@dataclass
class ItemsBatch:
    """Feature vectors of B stays, N items at most, D features; standardised, float32.

    values (B, N, D): 0 where unknown; mask, times (B, N): 0 at padding; present (B,) bool. Of a
    table N is 1, and an unknown value is the scaler's fill.
    """

    values: Tensor
    mask: Tensor
    times: Tensor
    present: Tensor


@dataclass
class Batch:
    """B stays: their modalities in order, labels (B,) int64, positions in the dataset (B,)."""

    modalities: dict[str, SeriesBatch | ItemsBatch]
    labels: Tensor
    index: Tensor


class BatchBuilder:
    """All stays of a dataset on one device, standardised once; tables batch by batch.

    Parameters
    ----------
    dataset
        n stays.
    scaler
        Must know every modality of the dataset.
    grid_steps
        T, bins of the imputed grid. The grids of all stays are kept: 8 n T C bytes per series.
    reading
        Limits, time axes and imputation.
    device
        Where tensors live and batches are made.

    Raises
    ------
    FleximodalError
        If the scaler does not fit the dataset.
    """

    def __init__(
        self,
        dataset: PackedDataset,
        scaler: Scaler,
        *,
        grid_steps: int = 48,
        reading: Reading = DEFAULT,
        device: torch.device | str = "cpu",
    ) -> None:
        self._device = torch.device(device)
        self._labels = torch.from_numpy(dataset.label.astype(np.int64)).to(self._device)
        self._modalities: dict[str, _SeriesStore | _ItemsStore | _TableStore] = {}
        horizon = dataset.horizon_hours
        for name, modality in dataset.modalities.items():
            mean, std = _moments(scaler, modality)
            if isinstance(modality, Table):
                scale = TableScale(mean, std, scaler.fill[name])
                self._modalities[name] = _TableStore(modality, scale, self._device)
                continue
            times = reading.times(modality, horizon_hours=horizon, source=dataset.source)
            rows = _Rows(modality.row_offsets, times, reading.kept(modality), self._device)
            if isinstance(modality, Series):
                value = ((modality.value - mean[modality.channel]) / std[modality.channel]).astype(
                    np.float32
                )
                grid = impute_grid(
                    modality,
                    value,
                    steps=grid_steps,
                    horizon_hours=horizon,
                    imputation=reading.imputation,
                )
                self._modalities[name] = _SeriesStore(rows, modality, value, grid)
            else:
                self._modalities[name] = _ItemsStore(rows, (modality.features_array - mean) / std)

    def batch(self, index: Tensor) -> Batch:
        """Return the stays at positions `index` (B,) int64, in that order."""
        index = index.to(self._device)
        return Batch(
            modalities={name: store.batch(index) for name, store in self._modalities.items()},
            labels=self._labels[index],
            index=index,
        )


def _moments(scaler: Scaler, modality: Series | Items) -> tuple[np.ndarray, np.ndarray]:
    size = len(modality.channels if isinstance(modality, Series) else modality.features)
    mean, std = scaler.mean.get(modality.name), scaler.std.get(modality.name)
    if mean is None or std is None or len(mean) != size or len(std) != size:
        raise FleximodalError(
            f"The scaler does not fit modality {modality.name} with {size} channels; "
            "fit the scalers again on this dataset."
        )
    return mean, std


def _expand(start: Tensor, count: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """List the members of B blocks of a flat array.

    Returns the block of each member, its number within the block, its place in the array; (N,).
    """
    block = torch.repeat_interleave(count)
    first = torch.cumsum(count, 0) - count
    within = torch.arange(len(block), device=start.device) - first[block]
    return block, within, start[block] + within


class _Rows:
    """The times of all stays."""

    def __init__(
        self, offsets: np.ndarray, times: np.ndarray, kept: int | None, device: torch.device
    ) -> None:
        bounds = torch.from_numpy(np.array(offsets)).to(device)
        self.end = bounds[1:]
        self.start = bounds[:-1]
        if kept is not None:
            self.start = torch.maximum(self.start, self.end - kept)
        self.times = torch.from_numpy(np.array(times)).to(device)

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return times (B, L), mask (B, L), and of each row its cell in (B·L,) and its number."""
        count = self.end[index] - self.start[index]
        length = max(1, int(count.max())) if len(index) else 1
        stay, within, row = _expand(self.start[index], count)
        cell = stay * length + within
        times = self.times.new_zeros(len(index) * length)
        times[cell] = self.times[row]
        mask = torch.zeros_like(times)
        mask[cell] = 1.0
        return times.view(-1, length), mask.view(-1, length), cell, row


class _SeriesStore:
    """A standardised time series of all stays."""

    def __init__(self, rows: _Rows, series: Series, value: np.ndarray, grid: np.ndarray) -> None:
        device = rows.times.device
        self._rows = rows
        self._channels = len(series.channels)
        self._offsets = torch.from_numpy(np.array(series.observation_offsets)).to(device)
        self._channel = torch.from_numpy(series.channel.astype(np.int64)).to(device)
        self._value = torch.from_numpy(value).to(device)
        self._grid = torch.from_numpy(grid).to(device)

    def batch(self, index: Tensor) -> SeriesBatch:
        times, row_mask, cell, row = self._rows.batch(index)
        start = self._offsets[row]
        block, _, observation = _expand(start, self._offsets[row + 1] - start)
        place = cell[block] * self._channels + self._channel[observation]
        values = times.new_zeros(times.numel() * self._channels)
        values[place] = self._value[observation]
        mask = torch.zeros_like(values)
        mask[place] = 1.0
        shape = (*times.shape, self._channels)
        return SeriesBatch(
            values=values.view(shape),
            mask=mask.view(shape),
            times=times,
            grid=self._grid[index],
            present=row_mask[:, 0] > 0,
        )


class _ItemsStore:
    """Standardised feature vectors of all stays."""

    def __init__(self, rows: _Rows, features: np.ndarray) -> None:
        self._rows = rows
        known = np.nan_to_num(features, nan=0.0).astype(np.float32)
        self._features = torch.from_numpy(known).to(rows.times.device)

    def batch(self, index: Tensor) -> ItemsBatch:
        times, mask, cell, row = self._rows.batch(index)
        values = self._features.new_zeros(times.numel(), self._features.shape[1])
        values[cell] = self._features[row]
        return ItemsBatch(
            values=values.view(*times.shape, -1),
            mask=mask,
            times=times,
            present=mask[:, 0] > 0,
        )


class _TableStore:
    """The vectors of all stays as they are stored; scaled when they are asked for."""

    def __init__(self, table: Table, scale: TableScale, device: torch.device) -> None:
        # Not copied on the CPU: the matrix stays where it is mapped.
        self._features = torch.from_numpy(table.features_array).to(device)
        first = np.where(np.diff(table.row_offsets) > 0, table.row_offsets[:-1], -1)
        self._row = torch.from_numpy(first).to(device)
        self._mean, self._std, self._fill = (
            torch.from_numpy(array.astype(np.float32)).to(device)
            for array in (scale.mean, scale.std, scale.fill)
        )

    def batch(self, index: Tensor) -> ItemsBatch:
        row = self._row[index]
        present = row >= 0
        raw = self._features[row[present]]
        known = raw != -1 if raw.dtype == torch.int8 else ~raw.isnan()
        values = self._mean.new_zeros(len(index), len(self._mean))
        scaled = (raw.to(values.dtype) - self._mean) / self._std
        values[present] = torch.where(known, scaled, self._fill)
        mask = present.to(values.dtype).unsqueeze(1)
        return ItemsBatch(values.unsqueeze(1), mask, torch.zeros_like(mask), present)
