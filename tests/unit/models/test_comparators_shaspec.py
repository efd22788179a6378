"""ShaSpec: fusion, generation of what is absent, both losses."""

import math

import pytest
import torch

from fleximodal.models.shaspec import ShaSpecFusion
from fleximodal.models.shaspec_losses import alignment_loss, domain_loss
from tests.unit.models.comparator_cases import WIDTH, presence, small_fusion, streams


def shaspec(**changes: object) -> ShaSpecFusion:
    fusion = small_fusion("ShaSpec", 3, **changes)
    assert isinstance(fusion, ShaSpecFusion)
    return fusion


def test_features_by_definition() -> None:
    fusion, x, present = shaspec().eval(), streams(3), presence(3)
    vector = fusion(x, present).vector.unflatten(1, (3, WIDTH))
    for stay in range(6):
        own = [s[stay : stay + 1] for s in x]
        shared = [fusion.shared.sequence(s).mean(1)[0] for s in own]
        there = [m for m in range(3) if present[m, stay]]
        for m in range(3):
            if m in there:
                specific = fusion.specific[m].sequence(own[m]).mean(1)[0]
                expected = fusion.projection(torch.cat([shared[m], specific])) + shared[m]
            else:
                expected = sum(shared[n] for n in there) / len(there)
            assert torch.allclose(vector[stay, m], expected)


def test_one_encoder_is_shared_and_others_are_not() -> None:
    fusion, (x, *_) = shaspec().eval(), streams(3)
    present = torch.ones(3, 6, dtype=torch.bool)
    vector = fusion([x, x, x], present).vector.unflatten(1, (3, WIDTH))
    assert not torch.allclose(vector[:, 0], vector[:, 1])
    assert fusion([x, x, x], present).auxiliary["alignment"].item() == pytest.approx(0, abs=1e-12)


def test_losses_are_weighted() -> None:
    x, present = streams(3), presence(3)
    small, large = (
        shaspec(alignment_coef=a, domain_coef=d).eval()(x, present).auxiliary
        for a, d in [(0.1, 0.02), (0.3, 0.08)]
    )
    assert large["alignment"].item() == pytest.approx(3 * small["alignment"].item())
    assert large["domain"].item() == pytest.approx(4 * small["domain"].item())


def test_alignment_counts_pairs_that_are_there() -> None:
    torch.manual_seed(0)
    shared, present = torch.randn(4, 7, 5).double(), presence(4, 7)
    present[:, 6] = False
    total = 0.0
    for stay in range(7):
        for m in range(4):
            for n in range(m):
                if present[m, stay] and present[n, stay]:
                    gaps = [abs(a - b) for a, b in zip(*shared[[m, n], stay].tolist(), strict=True)]
                    total += sum(gaps) / 5
    assert alignment_loss(shared, present).item() == pytest.approx(total / 7)


def test_alignment_of_one_modality_is_zero() -> None:
    assert alignment_loss(torch.randn(1, 3, 2), torch.ones(1, 3).bool()).item() == 0


def test_domain_loss_is_the_mean_cross_entropy_of_modalities_there() -> None:
    torch.manual_seed(0)
    logits, present = torch.randn(3, 6, 3).double(), presence(3)
    each = [
        math.log(sum(math.exp(v) for v in logits[m, b].tolist())) - logits[m, b, m].item()
        for m in range(3)
        for b in range(6)
        if present[m, b]
    ]
    assert domain_loss(logits, present).item() == pytest.approx(sum(each) / len(each))


def test_domain_loss_of_a_blind_classifier_is_log_m() -> None:
    loss = domain_loss(torch.zeros(4, 5, 4), torch.ones(4, 5).bool())
    assert loss.item() == pytest.approx(math.log(4))


def test_losses_of_a_batch_that_has_nothing_are_zero() -> None:
    nothing = torch.zeros(3, 6, dtype=torch.bool)
    losses = shaspec()(streams(3), nothing).auxiliary
    assert all(loss.item() == 0 for loss in losses.values())


def test_training_pulls_shared_features_together_and_specific_ones_apart() -> None:
    fusion, x = shaspec(alignment_coef=1.0, domain_coef=1.0), streams(3, samples=32)
    present = torch.ones(3, 32, dtype=torch.bool)
    optimizer = torch.optim.Adam(fusion.parameters(), lr=0.01)
    history = []
    for _ in range(30):
        losses = fusion(x, present).auxiliary
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
        history.append({name: loss.item() for name, loss in losses.items()})
    for name in ("alignment", "domain"):
        assert history[-1][name] < 0.5 * history[0][name]
