"""Auxiliary losses of a batch, taken as gradients accumulated over micro-batches would."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fleximodal.models.build import build_model
from fleximodal.models.multimodal import MultimodalModel
from tests.unit.models.small_batch import SPECS, STEPS, rows_of, small_batch, small_fusemoe
from tests.unit.models.test_build import double

STAYS, MICRO_BATCH = 8, 2
STEPS_PER_UPDATE = STAYS // MICRO_BATCH


def network(**changes: object) -> tuple[MultimodalModel, "Noise"]:
    torch.manual_seed(0)
    settings = small_fusemoe(micro_batch=MICRO_BATCH, balance_coef=1.0, entropy_coef=1.0, **changes)
    model = build_model(settings, SPECS, 2).double().train()
    per_stay = STEPS if settings.token == "per_step" else 1
    noise = Noise(per_stay)
    for layer in model.fusion.layers:
        router = layer.step.moe.router
        torch.nn.init.normal_(router.gate_weight)
        router.draw = noise
    return model, noise


class Noise:
    """Gives each stay the same gate noise, whoever is beside it."""

    def __init__(self, per_stay: int) -> None:
        self.per_stay, self.first = per_stay, 0

    def __call__(self, like: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(4)
        routers, tokens, experts = like.shape
        shape = (routers, STAYS * self.per_stay, experts)
        drawn = torch.randn(shape, generator=generator, dtype=like.dtype)
        begin = self.first * self.per_stay
        return drawn[:, begin : begin + tokens]


def loss_of(model: MultimodalModel, batch) -> Tensor:
    output = model(batch)
    return F.cross_entropy(output.logits, batch.labels) + sum(output.auxiliary.values())


def gradients(model: MultimodalModel) -> list[Tensor]:
    return [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in model.parameters()]


@pytest.mark.parametrize("flatten", ["by_sample", "authors_reshape"])
@pytest.mark.parametrize(
    ("router", "token"),
    [
        ("joint", "flattened"),
        ("per_modality", "flattened"),
        ("per_modality", "per_step"),
        ("disjoint", "flattened"),
    ],
)
@pytest.mark.parametrize("window", ["micro_batch", "batch"])
def test_a_batch_has_the_gradient_of_its_accumulated_micro_batches(
    router: str, token: str, flatten: str, window: str
) -> None:
    model, noise = network(
        router=router, token=token, flatten=flatten, aux_window=window,
        entropy_disjoint="balance", entropy_missing_tokens="excluded",
    )  # fmt: skip
    batch = double(small_batch(samples=STAYS))
    loss_of(model, batch).backward()
    found = gradients(model)
    model.zero_grad()
    for index in torch.arange(STAYS).split(MICRO_BATCH):
        noise.first = int(index[0])
        (loss_of(model, rows_of(batch, index)) / STEPS_PER_UPDATE).backward()
    same = [torch.allclose(a, b) for a, b in zip(found, gradients(model), strict=True)]
    assert all(same) is (window == "micro_batch")
