"""The two methods made for ADNI: a GRU per modality, and stacked denoising auto-encoders."""

import pytest
import torch
from torch import Tensor, nn

from fleximodal.models.denoising_fusion import DenoisingFusion, DenoisingStack
from fleximodal.models.gru_fusion import GRUEncoder
from tests.unit.models.comparator_cases import WIDTH, presence, small_fusion, streams


def gru_cell(layer: nn.GRU, x: Tensor, state: Tensor) -> Tensor:
    """Return one step of a one-layer GRU by its equations (Cho et al. 2014)."""
    reset, update, new = (layer.weight_ih_l0 @ x + layer.bias_ih_l0).chunk(3)
    reset_h, update_h, new_h = (layer.weight_hh_l0 @ state + layer.bias_hh_l0).chunk(3)
    reset, update = (reset + reset_h).sigmoid(), (update + update_h).sigmoid()
    return (1 - update) * (new + reset * new_h).tanh() + update * state


@pytest.mark.parametrize("once", [True, False])
def test_gru_reads_points_in_turn_or_all_at_once(once: bool) -> None:
    torch.manual_seed(0)
    encoder = GRUEncoder(steps=4, width=WIDTH, layers=1, dropout=0.0, once=once).double()
    (x,) = streams(1)
    found = encoder(x)
    for stay in range(6):
        state = torch.zeros(WIDTH).double()
        for point in [x[stay].flatten()] if once else x[stay]:
            state = gru_cell(encoder.gru, point, state)
        assert torch.allclose(found[stay], state)


def test_tables_are_sequences_of_length_one() -> None:
    fusion = small_fusion("Lee2019", 4)
    assert [encoder.once for encoder in fusion.encoders] == [True, True, True, False]


def test_final_states_stand_beside_each_other() -> None:
    fusion, x = small_fusion("Lee2019", 3).eval(), streams(3)
    expected = torch.cat([fusion.encoders[m](x[m]) for m in range(3)], dim=-1)
    assert torch.equal(fusion(x).vector, expected)


def stack(corruption: float = 0.0, layers: int = 2) -> DenoisingStack:
    torch.manual_seed(0)
    return DenoisingStack(features=6, width=3, layers=layers, corruption=corruption).double()


def inputs(samples: int = 5) -> tuple[Tensor, Tensor]:
    torch.manual_seed(2)
    return torch.randn(samples, 6).double(), torch.arange(samples) % 3 != 1


def test_stack_by_definition() -> None:
    module, (x, rows) = stack(), inputs()
    code, loss = module(x, rows)
    expected = 0.0
    for stay in range(5):
        level = x[stay]
        for encoder, decoder in zip(module.encoders, module.decoders, strict=True):
            deeper = (encoder.weight @ level + encoder.bias).clamp_min(0)
            restored = decoder.weight @ deeper + decoder.bias
            if rows[stay]:
                gaps = (restored - level).tolist()
                expected += sum(g * g for g in gaps) / len(gaps) / rows.sum().item()
            level = deeper
        assert torch.allclose(code[stay], level)
    assert loss.item() == pytest.approx(expected)


def test_reconstruction_trains_each_layer_in_itself() -> None:
    """Neither the input nor the layers below get a gradient of the layers above."""
    module, (x, rows) = stack(), inputs()
    x.requires_grad_()
    module(x, rows)[1].backward()
    assert x.grad is None
    both = module.encoders[0].weight.grad.clone()
    below = stack(layers=1)
    for name in ("encoders", "decoders"):
        getattr(below, name)[0].load_state_dict(getattr(module, name)[0].state_dict())
    below(x, rows)[1].backward()
    assert torch.allclose(below.encoders[0].weight.grad, both)


def test_corruption_masks_what_is_restored_in_training_alone() -> None:
    module, (x, rows) = stack(corruption=0.5, layers=1), inputs()
    seen: list[Tensor] = []
    module.encoders[0].register_forward_pre_hook(lambda m, args: seen.append(args[0]))
    torch.manual_seed(0)
    clean = module.eval()(x, rows)[0]
    code = module.train()(x, rows)[0]
    assert torch.equal(code, clean)
    (_, _, corrupted, whole) = seen
    assert torch.equal(whole, x)
    masked = corrupted == 0
    assert masked.any() and not masked.all()
    assert torch.equal(corrupted[~masked], x[~masked])


def test_rate_of_corruption() -> None:
    torch.manual_seed(0)
    module = DenoisingStack(features=400, width=2, layers=1, corruption=0.2)
    seen: list[Tensor] = []
    module.encoders[0].register_forward_pre_hook(lambda m, args: seen.append(args[0]))
    module(torch.ones(100, 400), torch.ones(100, dtype=torch.bool))
    assert abs((seen[0] == 0).double().mean() - 0.2) < 0.01


def test_training_restores_better() -> None:
    module, (x, rows) = stack(corruption=0.2), inputs(samples=40)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    with torch.no_grad():
        before = module.eval()(x, rows)[1].item()
    for _ in range(100):
        optimizer.zero_grad()
        module.train()(x, rows)[1].backward()
        optimizer.step()
    assert module.eval()(x, rows)[1].item() < 0.6 * before


def denoising(**changes: object) -> DenoisingFusion:
    fusion = small_fusion("Venugopalan2021", 3, **changes)
    assert isinstance(fusion, DenoisingFusion)
    return fusion


def test_volumes_have_no_auto_encoder() -> None:
    kinds = [isinstance(branch, DenoisingStack) for branch in denoising().branches]
    assert kinds == [False, True, True]
    volume_alone = small_fusion("Venugopalan2021", 1)
    assert volume_alone(streams(1), presence(1)).auxiliary == {}


def test_codes_stand_beside_each_other_and_losses_are_averaged() -> None:
    fusion, x, present = denoising(reconstruction_coef=0.5).eval(), streams(3), presence(3)
    result = fusion(x, present)
    image = fusion.branches[0](x[0].flatten(1))
    pairs = [fusion.branches[m](x[m].flatten(1), present[m]) for m in (1, 2)]
    assert torch.allclose(result.vector, torch.cat([image, *(code for code, _ in pairs)], dim=-1))
    expected = 0.5 * sum(loss for _, loss in pairs) / 2
    assert torch.allclose(result.auxiliary["reconstruction"], expected)
