"""A small random batch and settings of small networks."""

import torch
from torch import Tensor

from fleximodal.dataset.batch import Batch, ItemsBatch, SeriesBatch
from fleximodal.methods.registry import find_method
from fleximodal.methods.settings import FuseMoESettings, NetworkSettings
from fleximodal.models.modality_spec import ModalitySpec

STEPS = 6
SPECS = (
    ModalitySpec("vitals", "series", 4),
    ModalitySpec("labs", "series", 5),
    ModalitySpec("notes", "items", 7),
)


SMALL: dict[str, object] = {
    "width": 8,
    "heads": 2,
    "layers": 2,
    "time_width": 8,
    "time_heads": 2,
    "grid_steps": STEPS,
    "dropout": 0.0,
}


def small_fusemoe(**changes: object) -> FuseMoESettings:
    settings: dict[str, object] = {
        "width": 8,
        "heads": 2,
        "layers": 2,
        "time_width": 8,
        "time_heads": 2,
        "grid_steps": STEPS,
        "experts": 6,
        "top_k": 2,
        "disjoint_top_k": 2,
        "expert_hidden": 10,
        "dropout": 0.0,
    }
    return FuseMoESettings(**(settings | changes))


def small_settings(method: str, **changes: object) -> NetworkSettings:
    """Return the settings of a registered method, made small."""
    settings = find_method(method).settings
    small = SMALL | {name: getattr(settings, name) for name in settings.model_fields_set}
    return type(settings)(**(small | changes))


def small_concat(**changes: object) -> NetworkSettings:
    return small_settings("Concat", **changes)


def series_part(samples: int, rows: int, channels: int, present: Tensor) -> SeriesBatch:
    length = torch.randint(1, rows + 1, (samples,)) * present
    row_mask = (torch.arange(rows) < length[:, None]).float()
    mask = (torch.rand(samples, rows, channels) < 0.6).float() * row_mask[..., None]
    return SeriesBatch(
        values=torch.randn(samples, rows, channels) * mask,
        mask=mask,
        times=torch.rand(samples, rows) * row_mask,
        grid=torch.randn(samples, STEPS, 2 * channels),
        present=present,
    )


def items_part(samples: int, items: int, features: int, present: Tensor) -> ItemsBatch:
    count = torch.randint(1, items + 1, (samples,)) * present
    mask = (torch.arange(items) < count[:, None]).float()
    return ItemsBatch(
        values=torch.randn(samples, items, features) * mask[..., None],
        mask=mask,
        times=torch.rand(samples, items) * mask,
        present=present,
    )


def small_batch(samples: int = 5, seed: int = 0) -> Batch:
    """Return stays of which number 1 has no labs and number 2 no notes."""
    torch.manual_seed(seed)
    present = {spec.name: torch.ones(samples, dtype=torch.bool) for spec in SPECS}
    present["labs"][1:2] = False
    present["notes"][2:3] = False
    return Batch(
        modalities={
            spec.name: (series_part if spec.kind == "series" else items_part)(
                samples, 9 if spec.kind == "series" else 3, spec.size, present[spec.name]
            )
            for spec in SPECS
        },
        labels=torch.randint(0, 2, (samples,)),
        index=torch.arange(samples),
    )


def rows_of(batch: Batch, index: Tensor) -> Batch:
    """Return some of the stays, in the order given."""
    return Batch(
        modalities={
            name: type(part)(**{key: value[index] for key, value in vars(part).items()})
            for name, part in batch.modalities.items()
        },
        labels=batch.labels[index],
        index=batch.index[index],
    )
