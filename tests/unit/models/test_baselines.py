"""The fusions of MISTS, MulT, MAG, TF and Concat."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import fleximodal.models.build  # registers the fusion of FuseMoE
from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import find_method
from fleximodal.models.adaptation_gate import AdaptationGate
from fleximodal.models.build_fusion import make_fusion
from fleximodal.models.cnn import CNNEncoder
from fleximodal.models.cross_attention import CrossAttentionStep
from fleximodal.models.encoder import Encoder
from fleximodal.models.fusion import Fusion
from fleximodal.models.lstm import LSTMEncoder
from fleximodal.models.modality_spec import ModalitySpec
from fleximodal.models.tensor_fusion import TensorFusion, outer_product, product_width
from tests.unit.models.small_batch import SPECS, small_batch, small_settings

METHODS = ["MISTS", "MulT", "MAG", "TF", "Concat", "Concat-LSTM", "Concat-CNN"]
STEPS, WIDTH = 6, 8


def specs(modalities: int) -> list[ModalitySpec]:
    return [ModalitySpec(f"m{m}", "items" if m % 2 else "series", 3) for m in range(modalities)]


def small_fusion(method: str, modalities: int) -> Fusion:
    torch.manual_seed(0)
    fusion = make_fusion(small_settings(method), specs(modalities)).double()
    if method == "MAG":
        # At 1, the shift of every stay may be below its bound, which then has no gradient.
        nn.init.constant_(fusion.join.beta, 0.3)
    return fusion


def streams(modalities: int, samples: int = 5) -> list[Tensor]:
    torch.manual_seed(1)
    return [torch.randn(samples, STEPS, WIDTH).double() for _ in range(modalities)]


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("modalities", [2, 3, 4])
@pytest.mark.parametrize("method", METHODS)
class TestEachFusion:
    def test_has_its_width(self, method: str, modalities: int) -> None:
        fusion = small_fusion(method, modalities)
        assert fusion.output_width == WIDTH * (1 if method in ("MAG", "TF") else modalities)
        assert fusion(streams(modalities)).vector.shape == (5, fusion.output_width)

    def test_gradient_reaches_all_parameters(self, method: str, modalities: int) -> None:
        fusion = small_fusion(method, modalities)
        vector = fusion(streams(modalities, samples=24)).vector
        (vector * torch.randn_like(vector)).sum().backward()
        without = [n for n, p in fusion.named_parameters() if p.grad is None or not p.grad.any()]
        assert without == []

    def test_stays_do_not_meet(self, method: str, modalities: int) -> None:
        fusion, x = small_fusion(method, modalities).eval(), streams(modalities)
        whole = fusion(x).vector
        for sample in range(5):
            alone = fusion([s[sample : sample + 1] for s in x]).vector
            assert torch.allclose(alone[0], whole[sample])

    def test_every_modality_matters(self, method: str, modalities: int) -> None:
        fusion, x = small_fusion(method, modalities).eval(), streams(modalities)
        whole = fusion(x).vector
        for m in range(modalities):
            other = [s.flip(1) if n == m else s for n, s in enumerate(x)]
            assert not torch.allclose(fusion(other).vector, whole)


@pytest.mark.parametrize("method", ["MISTS", "MulT", "MAG", "TF"])
def test_one_modality_cannot_be_fused(method: str) -> None:
    with pytest.raises(FleximodalError, match="2 modalities or more.*given vitals alone"):
        fleximodal.models.build.build_model(small_settings(method), SPECS[:1], 2)


@pytest.mark.parametrize("method", ["Concat", "Concat-LSTM", "Concat-CNN"])
def test_one_modality_can_be_encoded(method: str) -> None:
    model = fleximodal.models.build.build_model(small_settings(method), SPECS[:1], 2)
    assert model(small_batch()).logits.isfinite().all()


@pytest.mark.parametrize(
    ("method", "modalities", "expected"),
    [
        ("Concat", 2, 2 * 601_216),
        ("Concat", 4, 4 * 601_216),
        ("MISTS", 2, 3 * 529_152 + 6_144 + 2 * 256),
        ("MulT", 2, 2 * 607_360 + 2 * 601_216),
        ("MAG", 2, 2 * 601_216 + 257 + 16_512 + 256 + 1),
        ("TF", 2, 2 * 601_216 + 2_130_176 + 16_512),
        ("TF", 3, 3 * 601_216 + 3 * 129 * 16 + (17**3 + 1) * 128 + 16_512),
        ("TF", 4, 4 * 601_216 + 4 * 129 * 8 + (9**4 + 1) * 128 + 16_512),
    ],
)
def test_published_sizes_give_the_published_numbers_of_parameters(
    method: str, modalities: int, expected: int
) -> None:
    assert parameters(make_fusion(find_method(method).settings, specs(modalities))) == expected


def small_encoder(layers: int = 2, crossmodal: bool = False) -> Encoder:
    torch.manual_seed(0)
    return Encoder(
        steps=STEPS, width=WIDTH, heads=2, layers=layers, dropout=0.0, crossmodal=crossmodal
    ).double()


def test_published_encoder_layer_has_the_published_number_of_parameters() -> None:
    encoder = Encoder(steps=48, width=128, heads=8, layers=3, dropout=0.1)
    assert parameters(encoder.layers[0]) == 198_272


@pytest.mark.parametrize("layers", [1, 2])
def test_encoder_leaves_out_what_nothing_reads_and_changes_nothing(layers: int) -> None:
    encoder, (x,) = small_encoder(layers), streams(1)
    weights = torch.randn(5, WIDTH).double()
    found = []
    for vector in (encoder.sequence(x)[:, -1], encoder(x)):
        encoder.zero_grad()
        (vector * weights).sum().backward()
        found.append((vector, [p.grad.clone() for p in encoder.parameters()]))
    (full, full_gradients), (short, short_gradients) = found
    assert torch.allclose(full, short)
    for whole, cut in zip(full_gradients, short_gradients, strict=True):
        assert torch.allclose(whole, cut, atol=1e-12)


def test_crossmodal_encoder_reads_its_source_by_definition() -> None:
    encoder = small_encoder(layers=1, crossmodal=True)
    x, source = streams(2)
    query = math.sqrt(WIDTH) * x + encoder.positions.table
    key = math.sqrt(WIDTH) * source + encoder.source_positions.table
    block = encoder.layers[0].attention
    reference = nn.MultiheadAttention(WIDTH, 2, batch_first=True).double()
    reference.in_proj_weight.data = block.attention.input.weight.data
    reference.in_proj_bias.data = block.attention.input.bias.data
    reference.out_proj.load_state_dict(block.attention.output.state_dict())
    keys = block.norm(key)
    attended = query + reference(block.norm(query), keys, keys, need_weights=False)[0]
    expected = encoder.norm(encoder.layers[0].feed_forward(attended))
    assert torch.allclose(encoder.sequence(x, source), expected)


def test_step_of_several_modalities_averages_what_comes_in() -> None:
    step = CrossAttentionStep(streams=4, width=WIDTH, heads=2, dropout=0.0).double()
    x = streams(4)
    found = step(x, False).changes
    for m, change in enumerate(found):
        incoming = [
            attention(x[m], x[source])
            for (target, source), attention in zip(step.pairs, step.attentions, strict=True)
            if target == m
        ]
        assert len(incoming) == 3
        assert torch.allclose(change, sum(incoming) / 3)


@pytest.mark.parametrize("method", ["Concat", "Concat-LSTM", "Concat-CNN"])
def test_concatenated_modalities_do_not_meet(method: str) -> None:
    fusion, x = small_fusion(method, 3).eval(), streams(3)
    before = fusion(x).vector
    x[1] = torch.randn_like(x[1])
    after = fusion(x).vector
    assert torch.equal(before[:, :WIDTH], after[:, :WIDTH])
    assert torch.equal(before[:, 2 * WIDTH :], after[:, 2 * WIDTH :])
    assert not torch.allclose(before[:, WIDTH : 2 * WIDTH], after[:, WIDTH : 2 * WIDTH])


def test_outer_product_of_two_pairs_is_the_explicit_vector() -> None:
    first, second = torch.tensor([[2.0, 3.0]]), torch.tensor([[5.0, 7.0]])
    found = outer_product([first, second])
    assert found.tolist() == [[10.0, 14.0, 2.0, 15.0, 21.0, 3.0, 5.0, 7.0, 1.0]]


def test_outer_product_of_three_is_their_tensor_product() -> None:
    vectors = [torch.randn(4, width) for width in (3, 2, 5)]
    padded = [F.pad(v, (0, 1), value=1.0) for v in vectors]
    assert torch.allclose(
        outer_product(vectors), torch.einsum("bi,bj,bk->bijk", *padded).flatten(1)
    )


@pytest.mark.parametrize(
    ("modalities", "width", "expected"),
    [(2, 128, None), (3, 128, 16), (4, 128, 8), (5, 128, 4), (6, 128, 2), (9, 128, 1), (3, 8, 8)],
)
def test_products_of_more_modalities_are_of_projections(modalities, width, expected) -> None:
    assert product_width(modalities, width) == expected


def test_projection_can_be_chosen() -> None:
    settings = small_settings("TF", tf_projection=3)
    join = make_fusion(settings, specs(2)).join
    assert isinstance(join, TensorFusion)
    assert join.first.in_features == 16


def gate(norm: str = "stay", sides: int = 1) -> AdaptationGate:
    torch.manual_seed(0)
    widths = [WIDTH] * (sides + 1)
    return AdaptationGate(widths=widths, main=0, dropout=0.0, norm=norm).double()


def vectors(count: int, samples: int = 6) -> list[Tensor]:
    torch.manual_seed(2)
    return [torch.randn(samples, WIDTH).double() for _ in range(count)]


def test_a_side_without_content_shifts_nothing() -> None:
    module = gate()
    nn.init.zeros_(module.shift.bias)
    (main,) = vectors(1)
    found = module([main, torch.zeros_like(main)])
    assert torch.allclose(found, F.layer_norm(main, (WIDTH,)))
    found.sum().backward()
    assert all(p.grad.isfinite().all() for p in module.parameters() if p.grad is not None)


@pytest.mark.parametrize("sides", [1, 2, 3])
def test_gate_shifts_each_stay_by_definition(sides: int) -> None:
    module = gate(sides=sides)
    main, *others = vectors(sides + 1)
    # Long shifts for some stays, so that both branches of the minimum are taken.
    others[0] = others[0] * torch.tensor([0.1, 1, 30, 100, 3, 0]).double()[:, None]
    found = module([main, *others])
    columns = module.shift.weight.split(WIDTH, dim=1)
    shares = []
    for b in range(len(main)):
        shift = module.shift.bias.clone()
        for number, side in enumerate(others):
            weight = module.gates[number](torch.cat([main[b], side[b]])).sigmoid()
            shift = shift + columns[number] @ (weight * side[b])
        share = min((main[b].norm() / shift.norm()).item(), 1.0)
        shares.append(share)
        expected = F.layer_norm(main[b] + share * shift, (WIDTH,))
        assert torch.allclose(found[b], expected)
    assert max(shares) == 1.0 and min(shares) < 0.5


def test_norms_over_the_batch_make_stays_meet() -> None:
    module = gate("batch")
    pair = vectors(2)
    pair[1] = 20 * pair[1]
    alone = module([x[:1] for x in pair])
    assert not torch.allclose(alone[0], module(pair)[0])


def test_initial_bound_is_one_or_drawn() -> None:
    def drawn(seed: int, beta: str) -> float:
        torch.manual_seed(seed)
        module = AdaptationGate(widths=[4, 4], main=0, dropout=0.0, beta=beta)
        return module.beta.item()

    assert drawn(0, "one") == drawn(1, "one") == 1.0
    draws = torch.tensor([drawn(seed, "normal") for seed in range(200)])
    assert abs(draws.mean()) < 0.3 and 0.8 < draws.std() < 1.2


@pytest.mark.parametrize(
    ("kinds", "setting", "expected"),
    [
        (["series", "items"], "auto", 1),
        (["series", "series"], "auto", 0),
        (["items", "series", "items"], "auto", 1),
        (["items", "items", "items"], "auto", 0),
        (["series", "items"], "series", 0),
        (["series", "items", "items"], "items", 1),
    ],
)
def test_main_modality_is_chosen_by_kind(kinds: list[str], setting: str, expected: int) -> None:
    given = [ModalitySpec(f"m{m}", kind, 3) for m, kind in enumerate(kinds)]
    assert make_fusion(small_settings("MAG", mag_main=setting), given).join.main == expected


def test_lstm_is_the_backward_direction_of_a_bidirectional_one() -> None:
    torch.manual_seed(0)
    module = LSTMEncoder(width=WIDTH, layers=2, dropout=0.0)
    reference = nn.LSTM(WIDTH, WIDTH, 2, bidirectional=True, batch_first=True)
    lower = {name: value for name, value in module.lower[0].state_dict().items()}
    top = {n.replace("l0", "l1_reverse"): v for n, v in module.top.state_dict().items()}
    reference.load_state_dict(reference.state_dict() | lower | top)
    x = torch.randn(4, STEPS, WIDTH)
    assert torch.allclose(module(x), reference(x)[1][0][-1], atol=1e-6)


def test_cnn_with_more_poolings_than_points_is_refused() -> None:
    with pytest.raises(FleximodalError, match="3 layers needs 8 grid points and has 6"):
        CNNEncoder(steps=6, width=WIDTH, layers=3)
