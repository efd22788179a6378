"""MMFormer: random masks, side predictions, joining."""

from collections import Counter
from itertools import product

import pytest
import torch
from torch import Tensor

from fleximodal.models.mmformer import MMFormerFusion, kept_modalities
from tests.unit.models.comparator_cases import presence, small_fusion, streams


def mmformer(**changes: object) -> MMFormerFusion:
    fusion = small_fusion("mmFormer", 3, **changes)
    assert isinstance(fusion, MMFormerFusion)
    return fusion


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.9])
def test_masks_are_independent_given_that_one_is_kept(rate: float) -> None:
    torch.manual_seed(0)
    draws = 40_000
    kept = kept_modalities(torch.ones(3, draws, dtype=torch.bool), rate)
    found = Counter(map(tuple, kept.T.tolist()))
    for subset in product([True, False], repeat=3):
        chance = (1 - rate) ** sum(subset) * rate ** (3 - sum(subset)) / (1 - rate**3)
        chance = chance if any(subset) else 0.0
        error = (chance * (1 - chance) / draws) ** 0.5
        assert abs(found[subset] / draws - chance) <= 5 * error


def test_what_is_absent_is_never_kept_and_the_last_always() -> None:
    torch.manual_seed(0)
    present = torch.tensor([[1, 0, 0, 1], [0, 0, 1, 1], [0, 0, 0, 1]]).bool().repeat(1, 200)
    kept = kept_modalities(present, 0.99)
    assert not (kept & ~present).any()
    assert torch.equal(kept.any(0), present.any(0))


def test_rate_zero_keeps_all() -> None:
    present = presence(4, 50)
    assert torch.equal(kept_modalities(present, 0.0), present)


def test_withheld_modalities_are_as_if_absent() -> None:
    fusion, x = mmformer(modality_dropout=0.5), streams(3, samples=40)
    present = torch.ones(3, 40, dtype=torch.bool)
    torch.manual_seed(3)
    found = fusion(x, present).vector
    torch.manual_seed(3)
    kept = kept_modalities(present, 0.5)
    assert not kept.all()
    assert torch.allclose(fusion.eval()(x, kept).vector, found)


def test_nothing_is_withheld_in_evaluation() -> None:
    fusion, x, present = mmformer().eval(), streams(3), presence(3)
    assert torch.equal(fusion(x, present).vector, fusion(x, present).vector)
    assert fusion(x, present).side == {}


def test_vector_joins_means_with_zeros_for_the_absent() -> None:
    fusion, x, present = mmformer(layers=1).eval(), streams(3), presence(3)
    final: list[Tensor] = []
    fusion.norm.register_forward_hook(lambda module, inputs, output: final.append(output))
    vector = fusion(x, present).vector
    for stay in range(6):
        means = [
            final[0][stay, 4 * m : 4 * m + 4].mean(0) * present[m, stay].double() for m in range(3)
        ]
        assert torch.allclose(vector[stay], fusion.join(torch.cat(means)))


def test_each_modality_predicts_from_its_own_encoder() -> None:
    fusion, x, present = mmformer(encoder_coef=0.25), streams(3), presence(3)
    side = fusion(x, present).side
    assert list(side) == ["modality0", "modality1", "modality2"]
    for m, one in enumerate(side.values()):
        expected = fusion.alone(fusion.encoders[m].sequence(x[m]).mean(1))
        assert torch.allclose(one.vector, expected)
        assert one.weight == 0.25
        assert torch.equal(one.rows, present[m])


def test_stays_with_one_modality_are_encoded_by_it_alone() -> None:
    """The transformer across modalities then is one over the tokens of that modality."""
    fusion, x = mmformer(layers=1).eval(), streams(3)
    present = torch.zeros(3, 6, dtype=torch.bool)
    present[1] = True
    tokens = fusion.encoders[1].sequence(x[1])
    across = fusion.positions.table[4:8] + tokens * 8**0.5
    everything = torch.ones(6, 4, dtype=torch.bool)
    across = fusion.feed_forwards[0](fusion.attentions[0](across, everything))
    mean = fusion.norm(across).mean(1)
    zeros = torch.zeros_like(mean)
    expected = fusion.join(torch.cat([zeros, mean, zeros], dim=-1))
    assert torch.allclose(fusion(x, present).vector, expected)
