"""RAVENS volumes: densities of grey matter in a template's space, one scan per subject."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import polars as pl
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from fleximodal.errors import FleximodalError
from fleximodal.sources.adni.files import RAVENS_ARRAY, RAVENS_SUBJECTS, only
from fleximodal.sources.adni.tables import rids_of

GREY_MATTER = 150

#: The template's axes (91, 109, 91) become those of the network's input, (91, 91, 109).
AXES = (0, 2, 1)

_BLOCK_ROWS = 128
_MASKS = ("*.nii", "*.nii.gz")

_UNREADABLE = (ImageFileError, HeaderDataError, WrapStructError, OSError, EOFError, ValueError)


@dataclass(frozen=True)
class Volumes:
    """Which row of the array is whose scan, and where its columns lie.

    `array` (scans, D) is mapped; `row` (R,) are the rows of the subjects `stay_id` (R,) ascending;
    `place` (D,) counts in the flattened volume of `shape`, `voxel` (D, 3) in the template.
    """

    array: np.ndarray
    stay_id: np.ndarray
    row: np.ndarray
    place: np.ndarray
    voxel: np.ndarray
    shape: tuple[int, int, int]
    counts: dict[str, Any]

    def fill(self, target: np.ndarray) -> None:
        """Write the kept scans into `target` (R, D) float32, some rows at a time."""
        for start in range(0, len(self.row), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            target[block] = self.array[self.row[block]]


def read_ravens(folder: Path, *, drop_zero_scans: bool) -> Volumes:
    """Read the list of scans, the array and the template's mask in `folder`.

    Of a subject the scan of the latest date is kept, of equal dates the first in the list. With
    `drop_zero_scans` a row of zeros, which stands for a scan that could not be read, is none.

    Raises
    ------
    FleximodalError
        If a file is absent or damaged, a line of the list is not of the form 001_S_0001_2010-01-31,
        the numbers of lines and rows or of voxels and columns differ, or the mask is not 3-D.
    """
    array_path, list_path = only(folder, [RAVENS_ARRAY]), only(folder, [RAVENS_SUBJECTS])
    mask_path = only(folder, _MASKS)
    array = map_array(array_path)
    scans = _read_list(list_path)
    if len(array) != scans.height:
        raise FleximodalError(
            f"{array_path} has {len(array)} rows, but {list_path.name} {scans.height} lines; give "
            "the two files of one export."
        )
    voxel, place, shape = _read_mask(mask_path)
    if len(place) != array.shape[1]:
        raise FleximodalError(
            f"{mask_path} has {len(place)} voxels of label {GREY_MATTER}, but {array_path.name} "
            f"{array.shape[1]} columns; give the mask with which the array was made."
        )
    filled = scans.with_columns(_nonzero_rows(array))
    kept = filled.filter("filled") if drop_zero_scans else filled
    latest = kept.sort("date", descending=True, maintain_order=True)
    chosen = latest.unique("stay_id", keep="first", maintain_order=True).sort("stay_id")
    return Volumes(
        array,
        chosen["stay_id"].to_numpy(),
        chosen["row"].to_numpy(),
        place,
        voxel,
        shape,
        {
            "scans": scans.height,
            "scans_without_value": int((~filled["filled"]).sum()),
            "subjects": scans["stay_id"].n_unique(),
            "subjects_kept": chosen.height,
            "features": len(place),
        },
    )


def map_array(path: Path) -> np.ndarray:
    """Map the array of scans (rows) and voxels (columns), or raise a FleximodalError."""
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError):
        raise FleximodalError(f"{path} is damaged or no array of NumPy; fetch it again.") from None
    if array.ndim != 2 or array.dtype.kind != "f":
        raise FleximodalError(
            f"{path} has {array.ndim} dimensions of {array.dtype}; give the array of floats with "
            "one row per scan."
        )
    return array


def _read_list(path: Path) -> pl.DataFrame:
    """Return row, stay_id and date, one row per line of the list."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").strip().splitlines()]
    if not lines:
        raise FleximodalError(f"{path} is empty; fetch it again.")
    parts = [line.split("_") for line in lines]
    stay_id = rids_of(pl.Series(["_".join(part[:3]) for part in parts]))
    dates = pd.to_datetime(
        pd.Series([part[-1] if len(part) > 3 else None for part in parts], dtype="object"),
        format="mixed",
        errors="coerce",
    )
    wrong = stay_id.is_null().to_numpy() | dates.isna().to_numpy()
    if wrong.any():
        raise FleximodalError(
            f"{path}, line {int(wrong.argmax()) + 1} is not of the form 001_S_0001_2010-01-31; "
            "mend the line."
        )
    return pl.DataFrame(
        {
            "row": np.arange(len(lines)),
            "stay_id": stay_id,
            "date": dates.to_numpy().astype("datetime64[us]"),
        }
    )


def _read_mask(path: Path) -> tuple[np.ndarray, np.ndarray, tuple[int, int, int]]:
    """Return the voxels of grey matter in C order, their places and shape after `AXES`."""
    labels = _labels(path)
    if labels.ndim != 3:
        raise FleximodalError(
            f"{path} has {labels.ndim} dimensions instead of 3; give the template's segmentation."
        )
    voxel = np.argwhere(labels == GREY_MATTER)
    first, second, third = (labels.shape[axis] for axis in AXES)
    place = np.ravel_multi_index(tuple(voxel[:, list(AXES)].T), (first, second, third))
    return voxel, place.astype(np.int64), (first, second, third)


def mask_shape(folder: Path) -> tuple[int, ...]:
    """Return the template's shape as its file has it, or raise a FleximodalError."""
    return _labels(only(folder, _MASKS)).shape


def _labels(path: Path) -> np.ndarray:
    try:
        return np.asarray(nibabel.Nifti1Image.from_filename(path).dataobj)
    except _UNREADABLE:
        raise FleximodalError(f"{path} is damaged or no NIfTI file; fetch it again.") from None


def _nonzero_rows(array: np.ndarray) -> pl.Series:
    filled = [
        (array[start : start + _BLOCK_ROWS] != 0).any(axis=1)
        for start in range(0, len(array), _BLOCK_ROWS)
    ]
    return pl.Series("filled", np.concatenate(filled))
