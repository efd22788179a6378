"""Which check a golden case is for, by its family and the beginning of its name."""

from collections.abc import Callable
from pathlib import Path

import torch

from tests.unit.models.golden_blocks import (
    run_adaptation_gate,
    run_encoder,
    run_tensor_fusion,
)
from tests.unit.models.golden_case import Case
from tests.unit.models.golden_flexmoe import (
    run_attention,
    run_gate,
    run_layer,
    run_mixture,
    run_patches,
)
from tests.unit.models.golden_flexmoe_networks import run_network, run_volume, volume_case
from tests.unit.models.golden_networks import run_fusion, run_model
from tests.unit.models.golden_parts import (
    run_mtand,
    run_sparse_moe,
    run_time_embedding,
    run_utde,
)

Check = Callable[[Case], None]

_SEQUENCES: dict[str, Check] = {
    "baseline_": run_model,
    "block_encoder_": run_encoder,
    "block_mag": run_adaptation_gate,
    "block_outer": run_tensor_fusion,
    "block_self_cross": run_fusion,
    "fusion_": run_fusion,
    "model_": run_model,
    "mtand_": run_mtand,
    "sparse_moe_": run_sparse_moe,
    "time2vec": run_time_embedding,
    "utde_": run_utde,
}
_TOKENS: dict[str, Check] = {
    "attention": run_attention,
    "cnn3d": run_volume,
    "encoder_layer_": run_layer,
    "gate_": run_gate,
    "model_": run_network,
    "moe_mlp_": run_mixture,
    "patch_embedding_": run_patches,
}
CHECKS = {"fusemoe": _SEQUENCES, "mists": _SEQUENCES, "flexmoe": _TOKENS}

# Cases that are left out on purpose, with the reason.
NOT_BUILT = {
    "block_interpolation": "IP-Net is a baseline of Zhang et al. 2023 alone, in no table here",
    "hme_softmax_laplace_train": "the hierarchical mixture is of a later paper, and its routing "
    "is not learned: gate matrices are zero and made anew in every pass",
}


def check_of(family: str, name: str) -> Check:
    """Return the check of the case `name`."""
    found = [check for start, check in CHECKS[family].items() if name.startswith(start)]
    assert len(found) == 1, f"{len(found)} checks for the golden case {name}"
    return found[0]


def load_case(path: Path, dtype: torch.dtype) -> Case:
    """Return a stored case as tensors of `dtype`."""
    return (volume_case if path.stem == "cnn3d" else Case.load)(path, dtype)
