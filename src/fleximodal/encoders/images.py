"""Chest radiographs: JPEG to the range and size that the DenseNet was trained on, then vectors."""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from fleximodal.encoders.densenet import FEATURES, SIDE
from fleximodal.encoders.encoder import Encoded, ItemEncoder
from fleximodal.errors import FleximodalError

FRONTAL = ("AP", "PA")


def read_image(path: Path, where: str) -> Tensor:
    """Return a JPEG as (1, 224, 224) float32 in [-1024, 1024].

    8-bit grey values I become (2 I / 255 - 1) * 1024, then each of the 224 x 224 cells is the mean
    of the pixels under it; nothing is cropped and the aspect ratio is not kept.

    Parameters
    ----------
    path
        The image.
    where
        What an error calls the image ("row 17 of images.parquet"); never its path.

    Raises
    ------
    FleximodalError
        If the file is absent, truncated, or not a JPEG.
    """
    try:
        with Image.open(path, formats=("JPEG",)) as image:
            grey = np.asarray(image.convert("L"), dtype=np.float32)
    except FileNotFoundError:
        raise FleximodalError(
            f"The image of {where} is missing; complete the image folder."
        ) from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise FleximodalError(
            f"The image of {where} is no JPEG or is damaged; fetch it again."
        ) from None
    pixels = (2 * torch.from_numpy(grey) / 255 - 1) * 1024
    return functional.interpolate(pixels[None, None], size=(SIDE, SIDE), mode="area")[0]


def digest_files(root: Path, batch: pl.DataFrame, table: str, suffixes: tuple[str, ...]) -> bytes:
    """Return a digest of the names, sizes and times of change of the batch's files.

    Raises
    ------
    FleximodalError
        If a file is absent; it is named by its row of `table`.
    """
    total = hashlib.sha256()
    for row, name in batch.select("row", "path").iter_rows():
        for suffix in suffixes:
            try:
                entry = (root / f"{name}{suffix}").stat()
            except (OSError, ValueError):
                raise FleximodalError(
                    f"The file of row {row} of {table} is missing; complete the folder of its "
                    "module or write the canonical tables again."
                ) from None
            total.update(f"{name}{suffix}\0{entry.st_size}\0{entry.st_mtime_ns}\0".encode())
    return total.digest()


class PooledPixels(nn.Module):
    """Mean grey values of 32 x 32 cells: as many features as the DenseNet-121, nothing learned."""

    def forward(self, images: Tensor) -> Tensor:
        """Return (n, 1024) in [-1, 1] of images (n, 1, 224, 224) in [-1024, 1024]."""
        return functional.avg_pool2d(images / 1024, SIDE // 32).flatten(1)


class CXRImages(ItemEncoder):
    """Vectors (1024,) of images by a frozen network."""

    features = FEATURES

    def __init__(
        self,
        model: nn.Module,
        root: Path,
        *,
        encoder: str,
        weights: str,
        batch_size: int,
        device: torch.device,
        threads: int,
        table: str = "images.parquet",
    ) -> None:
        self._model = model.to(device)
        self._root = root
        self._device = device
        self._table = table
        self._threads = threads
        self.batch_size = batch_size
        self.description: Mapping[str, Any] = {
            "encoder": encoder,
            "weights": weights,
            "device": device.type,
        }

    def digest(self, batch: pl.DataFrame) -> bytes:
        """Return a digest of the image files."""
        return digest_files(self._root, batch, self._table, ("",))

    @torch.inference_mode()
    def encode(self, batch: pl.DataFrame) -> Encoded:
        """Return one vector per image; files are decoded by several threads."""
        rows = list(batch.select("row", "path").iter_rows())
        with ThreadPoolExecutor(self._threads) as pool:
            images = list(pool.map(lambda entry: self._read(*entry), rows))
        vectors = self._model(torch.stack(images).to(self._device))
        return Encoded(vectors.cpu().numpy())

    def _read(self, row: int, path: str) -> Tensor:
        return read_image(self._root / path, f"row {row} of {self._table}")
