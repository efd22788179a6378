"""RAVENS maps of grey matter on a toy atlas."""

import gzip
from pathlib import Path

import nibabel
import numpy as np

from fleximodal.sources.synthetic_adni.evidence import Measured
from fleximodal.sources.synthetic_adni.panel import Panel
from fleximodal.sources.synthetic_adni.people import People
from fleximodal.sources.synthetic_adni.scans import Scans

ATLAS = "image/BLSA_SPGR+MPRAGE_averagetemplate_muse_seg_DS222.nii.gz"
MAPS = "image/ADNI_G.npy"
SUBJECTS = "image/ADNI_subj.txt"
GREY, WHITE, FLUID = 150, 250, 50
_VOXEL_MM = 2.0
# Ellipsoids in units of half the side, from the centre of the volume.
_WHITE_RADIUS, _FLUID_RADIUS, _BRAIN_RADIUS = 0.7, 0.25, 0.95
# Two balls of planted grey matter on either side: where atrophy shows, and beside the ventricles.
_CENTRES = {0: (0.75, -0.15, -0.35), 1: (0.55, 0.45, 0.45)}
_PLANTED_RADIUS = 0.32
_BASE, _SPREAD = 0.6, 0.12
_LOADING, _COMMON, _RETEST = 0.5, 0.4, 0.2


def toy_atlas(shape: tuple[int, int, int]) -> np.ndarray:
    """Return labels of tissue, `shape` of uint8: a shell of grey matter around white matter."""
    radius = np.sqrt((_grid(shape) ** 2).sum(axis=0))
    labels = np.zeros(shape, dtype=np.uint8)
    for outer, tissue in ((_BRAIN_RADIUS, GREY), (_WHITE_RADIUS, WHITE), (_FLUID_RADIUS, FLUID)):
        labels[radius <= outer] = tissue
    return labels


def panel(shape: tuple[int, int, int]) -> Panel:
    """Return the voxels of grey matter in C order; both planted regions lose density."""
    grid = _grid(shape)
    grid[0] = np.abs(grid[0])
    factor = np.full(shape, -1)
    for number, centre in _CENTRES.items():
        distance = grid - np.array(centre)[:, None, None, None]
        factor[np.sqrt((distance**2).sum(axis=0)) <= _PLANTED_RADIUS] = number
    grey = toy_atlas(shape) == GREY
    factor = factor[grey]
    return Panel(
        base=np.full(len(factor), _BASE),
        scale=np.where(factor >= 0, -_SPREAD, _SPREAD),
        loading=np.where(factor >= 0, _LOADING, 0.0),
        factor=factor,
        retest=_RETEST,
    )


def write_ravens(
    folder: Path,
    rng: np.random.Generator,
    people: People,
    scans: Scans,
    factors: np.ndarray,
    shape: tuple[int, int, int],
) -> tuple[dict[str, int], Measured]:
    """Write atlas, maps and list of scans; return rows by file and what the maps show.

    A failed scan is a row of zeros. Parameters as in `write_freesurfer`; `shape` of the atlas.
    """
    columns = panel(shape)
    person = scans.visits.person
    standard = columns.rows(rng, columns.subjects(rng, factors, _COMMON), person)
    values = (columns.base + columns.scale * standard).astype(np.float32)
    values[scans.failed] = 0
    (folder / MAPS).parent.mkdir(parents=True, exist_ok=True)
    np.save(folder / MAPS, values)
    dates = scans.visits.day.astype("M8[D]").astype(str)
    lines = [f"{people.ptid[p]}_{date}\n" for p, date in zip(person, dates, strict=True)]
    (folder / SUBJECTS).write_text("".join(lines), encoding="ascii", newline="\n")
    image = nibabel.Nifti1Image(toy_atlas(shape), np.diag([_VOXEL_MM] * 3 + [1.0]))
    (folder / ATLAS).write_bytes(gzip.compress(image.to_bytes(), mtime=0))
    good = ~scans.failed
    measured = columns.measure(standard[good], person[good], len(people.rid))
    return {MAPS: len(values)}, measured


def _grid(shape: tuple[int, int, int]) -> np.ndarray:
    """Return coordinates from -1 to 1 along the three axes, (3, *shape)."""
    axes = [np.linspace(-1, 1, side) for side in shape]
    return np.stack(np.meshgrid(*axes, indexing="ij"))
