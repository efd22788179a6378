"""Stays with tables alone, and small settings of Flex-MoE."""

import torch
from torch import Tensor

from fleximodal.dataset.batch import Batch, ItemsBatch
from fleximodal.methods.flexmoe_settings import FlexMoESettings
from fleximodal.models.build_flexmoe import build_model
from fleximodal.models.modality_spec import ModalitySpec
from fleximodal.models.multimodal import MultimodalModel

TABLES = (
    ModalitySpec("image", "table", 11),
    ModalitySpec("genomic", "table", 30),
    ModalitySpec("clinical", "table", 7),
    ModalitySpec("biospecimen", "table", 8),
)
STEPS = 4

# Stays with all modalities, without the first, with the last two, with the third alone.
PRESENT = torch.tensor(
    [
        [True, False, False, False, True],
        [True, True, False, False, True],
        [True, True, True, True, True],
        [True, True, True, False, True],
    ]
)
COMBINATIONS = [0, 4, 10, 13, 0]


def small_flexmoe(**changes: object) -> FlexMoESettings:
    values: dict[str, object] = {
        "width": 8,
        "heads": 2,
        "grid_steps": STEPS,
        "dropout": 0.0,
        "time_width": 8,
        "time_heads": 2,
    }
    return FlexMoESettings.model_validate(values | changes)


def vector_part(values: Tensor, present: Tensor) -> ItemsBatch:
    mask = present.to(values.dtype).unsqueeze(1)
    return ItemsBatch(
        values=(values * mask).unsqueeze(1),
        mask=mask,
        times=torch.zeros_like(mask),
        present=present,
    )


def table_batch(present: Tensor = PRESENT, seed: int = 0) -> Batch:
    """Return stays in double precision; `present` is (M, B)."""
    generator = torch.Generator().manual_seed(seed)
    stays = present.shape[1]
    parts = {
        spec.name: vector_part(
            torch.randn(stays, spec.size, generator=generator, dtype=torch.float64), there
        )
        for spec, there in zip(TABLES, present, strict=False)
    }
    labels = torch.randint(0, 3, (stays,), generator=generator)
    return Batch(parts, labels, torch.arange(stays))


def make_flexmoe(
    settings: FlexMoESettings, specs: tuple[ModalitySpec, ...] = TABLES, outputs: int = 3
) -> MultimodalModel:
    torch.manual_seed(0)
    return build_model(settings, specs, outputs).double()
