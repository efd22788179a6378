"""ECG records to vectors by a trained autoencoder."""

from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from fleximodal.encoders.ecg_autoencoder import FEATURES, ECGAutoencoder
from fleximodal.encoders.ecg_reader import read_ecg
from fleximodal.encoders.encoder import Encoded, ItemEncoder
from fleximodal.encoders.images import digest_files
from fleximodal.errors import FleximodalError
from fleximodal.io.manifest import sha256_of

WEIGHTS = "autoencoder.safetensors"
MISSING_SAMPLES = "samples missing, set to 0"


class ECGRecords(ItemEncoder):
    """Latent vectors (256,) of ECG records, read with dropout off."""

    features = FEATURES

    def __init__(
        self,
        folder: Path,
        root: Path,
        *,
        batch_size: int,
        device: torch.device,
        table: str = "ecgs.parquet",
    ) -> None:
        self._model = load_autoencoder(folder).to(device)
        self._root = root
        self._device = device
        self._table = table
        self.batch_size = batch_size
        self.description = {
            "encoder": "ecg-autoencoder",
            "weights": f"trained here, {WEIGHTS} sha256 {sha256_of(folder / WEIGHTS)}",
            "device": device.type,
        }

    def digest(self, batch: pl.DataFrame) -> bytes:
        """Return a digest of the header and signal files."""
        return digest_files(self._root, batch, self._table, (".hea", ".dat"))

    @torch.inference_mode()
    def encode(self, batch: pl.DataFrame) -> Encoded:
        """Return one vector per record."""
        ecgs = [
            read_ecg(self._root / path, f"row {row} of {self._table}")
            for row, path in batch.select("row", "path").iter_rows()
        ]
        signals = torch.from_numpy(np.stack([ecg.signal for ecg in ecgs]))
        vectors = self._model.encode(signals.to(self._device))
        counts = Counter({MISSING_SAMPLES: sum(ecg.missing for ecg in ecgs)})
        return Encoded(vectors.cpu().numpy(), +counts)


def load_autoencoder(folder: Path) -> ECGAutoencoder:
    """Return the autoencoder that `train_autoencoder` left in `folder`, in evaluation mode.

    Raises
    ------
    FleximodalError
        If the folder holds none, or a damaged or foreign one.
    """
    path = folder / WEIGHTS
    if not path.is_file():
        raise FleximodalError(f"{folder} holds no {WEIGHTS}; train the ECG autoencoder first.")
    model = ECGAutoencoder()
    try:
        model.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError):
        raise FleximodalError(
            f"{path} is damaged or of another network; train the ECG autoencoder again."
        ) from None
    return model.eval()
