"""Small fusions of the comparators, and streams for them."""

import torch
from torch import Tensor

import fleximodal.models.build_comparators  # noqa: F401  registers the fusions
from fleximodal.models.build_fusion import make_fusion
from fleximodal.models.fusion import Fusion, FusionResult
from fleximodal.models.modality_spec import ModalitySpec, Volume
from tests.unit.models.small_batch import small_settings

METHODS = ["LIMoE", "ShaSpec", "mmFormer", "Lee2019", "Venugopalan2021"]
MASKING = ["LIMoE", "ShaSpec", "mmFormer"]
WIDTH = 8


def specs(modalities: int) -> list[ModalitySpec]:
    """Return an image volume, two tables, and a series."""
    volume = Volume((2, 2, 1), torch.arange(3))
    return [
        ModalitySpec("image", "table", 3, volume),
        ModalitySpec("genomic", "table", 5),
        ModalitySpec("clinical", "table", 4),
        ModalitySpec("vitals", "series", 4),
    ][:modalities]


def small_fusion(method: str, modalities: int, steps: int = 4, **changes: object) -> Fusion:
    torch.manual_seed(0)
    small: dict[str, object] = {"grid_steps": steps}
    if method == "LIMoE":
        small |= {"experts": 6, "expert_hidden": 12}
    settings = small_settings(method, **(small | changes))
    return make_fusion(settings, specs(modalities)).double()


def streams(modalities: int, samples: int = 6, steps: int = 4, seed: int = 1) -> list[Tensor]:
    torch.manual_seed(seed)
    return [torch.randn(samples, steps, WIDTH).double() for _ in range(modalities)]


def presence(modalities: int, samples: int = 6) -> Tensor:
    """Return (M, B): stay 0 has all, stay b > 0 lacks modality b modulo M, if it has others."""
    present = torch.ones(modalities, samples, dtype=torch.bool)
    for stay in range(1, samples):
        if modalities > 1:
            present[stay % modalities, stay] = False
    return present


def fused(fusion: Fusion, x: list[Tensor], present: Tensor) -> FusionResult:
    return fusion(x, present) if fusion.sees_presence else fusion(x)
