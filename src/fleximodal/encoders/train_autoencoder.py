"""Fit the ECG autoencoder to records of patients who are in no test part."""

import csv
import io
import logging
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from fleximodal.encoders.compute import computing
from fleximodal.encoders.ecg_autoencoder import new_autoencoder
from fleximodal.encoders.ecg_cache import ECGCache
from fleximodal.encoders.ecgs import WEIGHTS
from fleximodal.encoders.settings import ECGEncoder
from fleximodal.encoders.shards import remove_state
from fleximodal.encoders.training_state import Progress, TrainingState
from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import atomic_folder, write_json, write_text
from fleximodal.io.manifest import hash_of, write_manifest

LOGGER = logging.getLogger("fleximodal.encoders")

VALIDATION_SHARE = 0.10
HALVE_AFTER = 3
STOP_AFTER = 6
_VALIDATION_BATCH = 256


@dataclass(frozen=True)
class _Records:
    """The records that are used, and who is in which part; indices into `frame`."""

    frame: pl.DataFrame
    train: np.ndarray
    validation: np.ndarray

    def patients(self, part: np.ndarray) -> int:
        return self.frame[part]["patient_id"].n_unique()


def train_autoencoder(
    records: Path,
    folder: Path,
    fit_patients: Collection[int] | None,
    settings: ECGEncoder,
    output: Path,
    state: Path,
    *,
    threads: int = 1,
) -> None:
    """Train and write the folder of the autoencoder, all of it or nothing.

    Adam on the mean squared error; the learning rate is halved after 3 epochs without a lower
    validation error and training stops after 6; the weights of the best epoch are kept. The
    result's bytes depend on the inputs, the settings and, on a CPU, the number of threads, not on
    interruptions.

    Parameters
    ----------
    records
        Table with columns patient_id, item_id, path: all ECGs that there are.
    folder
        Folder that the paths are relative to.
    fit_patients
        Patients who may be used; others' records are not opened. None for all, as the authors do.
    settings
        See `ECGEncoder`.
    output
        Folder to write: `autoencoder.safetensors`; `history.csv` (epoch, train_mse,
        validation_mse, learning_rate); `fitted_patients.parquet` (patient_id of everybody in
        training or validation); `reconstruction.json` (validation error with dropout off, variance
        of the same samples, which is the error of predicting their mean, and the ratio);
        `manifest.json`.
    state
        Folder for the last finished epoch and for samples already read; removed at the end.
    threads
        Processor threads.

    Raises
    ------
    FleximodalError
        If the table lacks a column, if fewer than two patients remain, if a record cannot be read,
        or if the error becomes infinite.
    """
    used = _choose(records, fit_patients, settings)
    work = state / "training"
    note = settings.model_dump(exclude={"device", "encode_batch_size", "cache_gb"})
    key = hash_of(
        [note, used.frame.select("patient_id", "item_id", "path").rows(), used.train.tolist()]
    )
    # Samples and weights lie under the key, so those of other settings are never mistaken.
    folder_of_key = work / key[:32]
    cache = ECGCache(
        folder_of_key / "samples",
        folder,
        used.frame["path"].to_list(),
        used.frame["row"].to_list(),
        table=records.name,
        bytes_at_most=settings.cache_gb * 1e9,
    )
    with computing(threads, settings.device) as device:
        training = _Training(used, cache, settings, device, TrainingState(folder_of_key, key))
        training.run()
        quality = training.quality()
    with atomic_folder(output) as result:
        save_file(training.best, result / WEIGHTS)
        _write_history(result / "history.csv", training.progress)
        patients = used.frame.select(pl.col("patient_id").unique().sort())
        patients.write_parquet(result / "fitted_patients.parquet")
        write_json(result / "reconstruction.json", quality)
        write_manifest(
            result,
            "train_autoencoder",
            inputs=[records],
            rows={"fitted_patients.parquet": patients.height},
            settings={**note, "device": device.type},
        )
    del cache, training
    remove_state(state, work)


def _choose(records: Path, fit_patients: Collection[int] | None, settings: ECGEncoder) -> _Records:
    """Select records patient by patient in a random order, and part them by patient."""
    if not records.is_file():
        raise FleximodalError(f"{records} does not exist; write the canonical tables first.")
    columns = ["patient_id", "item_id", "path"]
    missing = [name for name in columns if name not in pl.read_parquet_schema(records)]
    if missing:
        raise FleximodalError(
            f"{records} has no column {', '.join(missing)}; write the canonical tables again."
        )
    frame = pl.read_parquet(records, columns=columns).with_row_index("row", offset=1)
    if fit_patients is not None:
        allowed = pl.Series(sorted({int(patient) for patient in fit_patients}), dtype=pl.Int64)
        frame = frame.filter(pl.col("patient_id").is_in(allowed.implode()))
    patients = frame["patient_id"].unique().sort()
    place = np.random.default_rng(settings.seed).permutation(len(patients))
    order = pl.DataFrame({"patient_id": patients, "place": place})
    frame = frame.join(order, on="patient_id").sort("place", "item_id", "path")
    if settings.max_records is not None:
        frame = frame.head(settings.max_records)
    count = frame["patient_id"].n_unique()
    if count < 2:
        raise FleximodalError(
            f"{records} leaves the ECG autoencoder {count} patients to fit and validate on, at "
            "least 2 are needed; raise encoders.ecg.max_records or use more patients."
        )
    held_out = max(1, round(VALIDATION_SHARE * count))
    validation = (frame["place"] < held_out).to_numpy()
    return _Records(frame, np.flatnonzero(~validation), np.flatnonzero(validation))


class _Training:
    """The loop over epochs; `best` are the weights of the epoch with the lowest error."""

    def __init__(
        self,
        used: _Records,
        cache: ECGCache,
        settings: ECGEncoder,
        device: torch.device,
        state: TrainingState,
    ) -> None:
        self._used = used
        self._cache = cache
        self._settings = settings
        self._device = device
        self._state = state
        self._model = new_autoencoder(settings.seed).to(device)
        self._optimizer = torch.optim.Adam(self._model.parameters(), lr=settings.learning_rate)
        self.progress = Progress(learning_rate=settings.learning_rate)
        self.best: dict[str, Tensor] = {}

    def run(self) -> None:
        """Train until there is no progress or no epoch left."""
        found = self._state.load(self._model, self._optimizer)
        if found is not None:
            self.progress, self.best = found
            LOGGER.info("ECG autoencoder: going on after epoch %d", self.progress.epoch)
        progress = self.progress
        while progress.epoch < self._settings.max_epochs and progress.without_progress < STOP_AFTER:
            rate = progress.learning_rate
            train = self._train_epoch(progress.epoch + 1)
            validation = self._error(self._used.validation)
            self._judge(train, validation)
            self._state.save(progress, self._model, self._optimizer, self.best)
            LOGGER.info(
                "ECG autoencoder: epoch %d, mean squared error %.5f in training, %.5f in "
                "validation, learning rate %g",
                progress.epoch,
                train,
                validation,
                rate,
            )

    def quality(self) -> dict[str, float | int]:
        """Return the reconstruction error of the best weights beside the samples' variance."""
        self._model.load_state_dict(self.best)
        error = self._error(self._used.validation)
        variance = self._variance(self._used.validation)
        used = self._used
        return {
            "validation_mse": error,
            "validation_variance": variance,
            "ratio": error / variance if variance > 0 else 0.0,
            "best_epoch": self.progress.best_epoch,
            "epochs": self.progress.epoch,
            "train_records": len(used.train),
            "validation_records": len(used.validation),
            "train_patients": used.patients(used.train),
            "validation_patients": used.patients(used.validation),
            "missing_samples_set_to_0": self._cache.missing_samples,
        }

    def _train_epoch(self, epoch: int) -> float:
        """Return the mean training error, dropout on."""
        for group in self._optimizer.param_groups:
            group["lr"] = self.progress.learning_rate
        # Order and dropout depend on the epoch's number only: a resumed run draws the same.
        order = np.random.default_rng([self._settings.seed, epoch]).permutation(self._used.train)
        devices = [self._device] if self._device.type == "cuda" else []
        total = torch.zeros((), dtype=torch.float64, device=self._device)
        self._model.train()
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(_seed_of(self._settings.seed, epoch))
            for signal in self._batches(order, self._settings.batch_size):
                loss = functional.mse_loss(self._model(signal), signal)
                self._optimizer.zero_grad(set_to_none=True)
                loss.backward()
                self._optimizer.step()
                total += loss.detach().double() * len(signal)
        return float(total) / len(order)

    def _judge(self, train: float, validation: float) -> None:
        """Enter the epoch; halve the learning rate where there was no progress for long."""
        progress = self.progress
        if not (math.isfinite(train) and math.isfinite(validation)):
            raise FleximodalError(
                f"The ECG autoencoder's error is not finite in epoch {progress.epoch + 1}; lower "
                "encoders.ecg.learning_rate."
            )
        lowest = min((row["validation_mse"] for row in progress.history), default=math.inf)
        progress.history.append(
            {
                "epoch": progress.epoch + 1,
                "train_mse": train,
                "validation_mse": validation,
                "learning_rate": progress.learning_rate,
            }
        )
        if validation < lowest:
            progress.best_epoch, progress.without_progress = progress.epoch, 0
            self.best = {
                name: value.detach().cpu().clone()
                for name, value in self._model.state_dict().items()
            }
            return
        progress.without_progress += 1
        if progress.without_progress % HALVE_AFTER == 0:
            progress.learning_rate /= 2

    @torch.inference_mode()
    def _error(self, indices: np.ndarray) -> float:
        """Return the mean squared error over all samples, dropout off."""
        self._model.eval()
        total = 0.0
        for signal in self._batches(indices, _VALIDATION_BATCH):
            error = functional.mse_loss(self._model(signal), signal)
            total += float(error) * len(signal)
        return total / len(indices)

    def _variance(self, indices: np.ndarray) -> float:
        """Return the variance of all samples about their one mean."""
        count, mean, spread = 0, 0.0, 0.0
        for signal in self._batches(indices, _VALIDATION_BATCH):
            values = signal.double()
            size, own = values.numel(), float(values.mean())
            spread += float(((values - own) ** 2).sum())
            spread += (own - mean) ** 2 * count * size / (count + size)
            mean += (own - mean) * size / (count + size)
            count += size
        return spread / count

    def _batches(self, indices: np.ndarray, size: int) -> Iterator[Tensor]:
        for start in range(0, len(indices), size):
            samples = self._cache.read(indices[start : start + size])
            yield torch.from_numpy(samples).to(self._device)


def _seed_of(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)


def _write_history(path: Path, progress: Progress) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(progress.history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(progress.history)
    write_text(path, text.getvalue())
