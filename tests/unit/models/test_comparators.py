"""What all comparators of Flex-MoE have in common."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fleximodal.dataset.batch import Batch, ItemsBatch
from fleximodal.models.build_comparators import build_model
from tests.unit.models.comparator_cases import (
    MASKING,
    METHODS,
    WIDTH,
    fused,
    presence,
    small_fusion,
    specs,
    streams,
)
from tests.unit.models.small_batch import SPECS, small_batch, small_settings

WIDE = ("ShaSpec", "Lee2019", "Venugopalan2021")


@pytest.mark.parametrize("steps", [1, 16])
@pytest.mark.parametrize("modalities", [1, 2, 3, 4])
@pytest.mark.parametrize("method", METHODS)
def test_fusion_has_its_width(method: str, modalities: int, steps: int) -> None:
    fusion = small_fusion(method, modalities, steps)
    result = fused(fusion, streams(modalities, steps=steps), presence(modalities))
    assert fusion.output_width == WIDTH * (modalities if method in WIDE else 1)
    assert result.vector.shape == (6, fusion.output_width)
    assert result.vector.isfinite().all()
    assert all(side.vector.shape == (6, fusion.output_width) for side in result.side.values())
    assert all(loss.shape == () and loss.isfinite() for loss in result.auxiliary.values())


@pytest.mark.parametrize("steps", [1, 5])
@pytest.mark.parametrize("modalities", [2, 3, 4])
@pytest.mark.parametrize("method", METHODS)
def test_gradient_reaches_all_parameters(method: str, modalities: int, steps: int) -> None:
    fusion = small_fusion(method, modalities, steps)
    result = fused(fusion, streams(modalities, 60, steps), presence(modalities, 60))
    total = (result.vector * torch.randn_like(result.vector)).sum()
    total = total + sum(result.auxiliary.values())
    total = total + sum((s.vector * torch.randn_like(s.vector)).sum() for s in result.side.values())
    total.backward()
    without = {n for n, p in fusion.named_parameters() if p.grad is None or not p.grad.any()}
    # In a single step, as that of a table is, a GRU has no earlier state to read.
    single = range(modalities if steps == 1 else min(modalities, 3)) if method == "Lee2019" else ()
    assert without == {f"encoders.{m}.gru.weight_hh_l{n}" for m in single for n in range(2)}
    assert all(p.grad is None or p.grad.isfinite().all() for p in fusion.parameters())


@pytest.mark.parametrize("modalities", [1, 2, 4])
@pytest.mark.parametrize("method", METHODS)
def test_stays_do_not_meet(method: str, modalities: int) -> None:
    fusion = small_fusion(method, modalities).eval()
    x, present = streams(modalities), presence(modalities)
    whole = fused(fusion, x, present).vector
    for stay in range(6):
        alone = fused(fusion, [s[stay : stay + 1] for s in x], present[:, stay : stay + 1]).vector
        assert torch.allclose(alone[0], whole[stay])


@pytest.mark.parametrize("method", METHODS)
def test_every_modality_that_is_there_matters(method: str) -> None:
    fusion = small_fusion(method, 3).eval()
    x, present = streams(3), presence(3)
    whole = fused(fusion, x, present).vector
    for m in range(3):
        other = [torch.randn_like(s) if n == m else s for n, s in enumerate(x)]
        changed = (fused(fusion, other, present).vector - whole).abs().amax(-1) > 1e-9
        assert changed[present[m]].all()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("method", MASKING)
def test_values_of_an_absent_modality_are_not_read(method: str, training: bool) -> None:
    """Neither by predictions nor by losses, so that no gradient reaches them."""
    fusion = small_fusion(method, 3).train(training)
    x, present = streams(3), presence(3)

    def outcome(values: list[torch.Tensor]) -> list[torch.Tensor]:
        torch.manual_seed(5)
        result = fusion(values, present)
        sides = [side.vector[side.rows] for side in result.side.values()]
        return [result.vector, *result.auxiliary.values(), *sides]

    before = outcome(x)
    leaves = [
        torch.where(there[:, None, None], s, 100 * torch.randn_like(s)).requires_grad_()
        for s, there in zip(x, present, strict=True)
    ]
    after = outcome(leaves)
    for found, expected in zip(after, before, strict=True):
        assert torch.allclose(found, expected)
    sum((part * torch.randn_like(part)).sum() for part in after).backward()
    for leaf, there in zip(leaves, present, strict=True):
        assert not leaf.grad[~there].any()
        assert leaf.grad[there].abs().sum() > 0


@pytest.mark.parametrize("method", METHODS)
def test_a_stay_without_any_modality_gets_a_finite_prediction(method: str) -> None:
    fusion = small_fusion(method, 3)
    for mode in (True, False):
        result = fused(fusion.train(mode), streams(3), torch.zeros(3, 6, dtype=torch.bool))
        parts = [result.vector, *result.auxiliary.values()]
        assert all(part.isfinite().all() for part in parts)
        sum(part.sum() for part in parts).backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in fusion.parameters())


@pytest.mark.parametrize("method", METHODS)
def test_the_global_generator_draws_noise_in_training_alone(method: str) -> None:
    x, present = streams(3), presence(3)

    def drawn(seed: int, training: bool) -> torch.Tensor:
        fusion = small_fusion(method, 3, dropout=0.2, layers=2).train(training)
        torch.manual_seed(seed)
        result = fused(fusion, x, present)
        return torch.cat([result.vector.flatten(), *(v[None] for v in result.auxiliary.values())])

    assert torch.equal(drawn(3, True), drawn(3, True))
    assert not torch.equal(drawn(3, True), drawn(4, True))
    assert torch.equal(drawn(3, False), drawn(4, False))


@pytest.mark.parametrize("method", METHODS)
def test_training_learns_a_rule_over_two_modalities(method: str) -> None:
    fusion = small_fusion(method, 3)
    head = nn.Linear(fusion.output_width, 2).double()
    x, present = streams(3, 64), torch.ones(3, 64, dtype=torch.bool)
    labels = (x[0].mean((1, 2)) + x[1].mean((1, 2)) > 0).long()
    optimizer = torch.optim.Adam([*fusion.parameters(), *head.parameters()], lr=0.01)

    def evaluated() -> float:
        fusion.eval()
        with torch.no_grad():
            return F.cross_entropy(head(fused(fusion, x, present).vector), labels).item()

    before = evaluated()
    for _ in range(40):
        result = fused(fusion.train(), x, present)
        loss = F.cross_entropy(head(result.vector), labels) + sum(result.auxiliary.values())
        for side in result.side.values():
            loss = loss + side.weight * F.cross_entropy(head(side.vector), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert evaluated() < 0.6 * before


@pytest.mark.parametrize("modalities", [1, 2, 3])
@pytest.mark.parametrize("method", METHODS)
def test_whole_network_predicts(method: str, modalities: int) -> None:
    torch.manual_seed(0)
    model = build_model(small_settings(method), SPECS[:modalities], 3)
    output = model(small_batch())
    assert output.logits.shape == (5, 3)
    assert output.logits.isfinite().all()
    assert all(side.logits.shape == (5, 3) for side in output.side.values())


@pytest.mark.parametrize("method", METHODS)
def test_zeros_stand_in_where_a_paper_has_no_other_way(method: str) -> None:
    torch.manual_seed(0)
    model = build_model(small_settings(method), SPECS, 2)
    seen: list[torch.Tensor] = []
    model.fusion.register_forward_pre_hook(lambda module, inputs: seen.extend(inputs[0]))
    model(small_batch())
    _, labs, _ = seen
    assert labs[0].abs().sum() > 0
    assert (labs[1].abs().sum() == 0) == (method in ("Lee2019", "Venugopalan2021"))


@pytest.mark.parametrize("method", METHODS)
def test_tables_are_modalities_like_others(method: str) -> None:
    torch.manual_seed(0)
    model = build_model(small_settings(method), specs(3)[1:], 3)
    present = torch.tensor([True, False, True])
    mask, times = present[:, None].float(), torch.zeros(3, 1)
    parts = {
        name: ItemsBatch(torch.randn(3, 1, size), mask, times, present)
        for name, size in [("genomic", 5), ("clinical", 4)]
    }
    output = model(Batch(parts, labels=torch.arange(3), index=torch.arange(3)))
    assert output.logits.shape == (3, 3) and output.logits.isfinite().all()
