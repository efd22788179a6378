"""What stands in for absent modalities in Flex-MoE."""

import pytest
import torch
import torch.nn.functional as F

from fleximodal.models.bank import MissingBank
from fleximodal.models.combinations import combinations
from fleximodal.training.adam import Adam
from tests.unit.models.flex_batch import (
    COMBINATIONS,
    PRESENT,
    STEPS,
    TABLES,
    make_flexmoe,
    small_flexmoe,
    table_batch,
)


def make_bank(kind: str, modalities: int = 4) -> MissingBank:
    torch.manual_seed(0)
    return MissingBank(modalities=modalities, steps=STEPS, width=8, kind=kind)


def streams_of(modalities: int, stays: int) -> list[torch.Tensor]:
    return [torch.randn(stays, STEPS, 8) for _ in range(modalities)]


@pytest.mark.parametrize(("modalities", "published"), [(2, 24_576), (3, 57_344), (4, 122_880)])
def test_sizes_are_the_published_ones_but_for_modalities_not_asked_for(
    modalities: int, published: int
) -> None:
    """The released bank has columns for all four modalities of ADNI, whichever are used."""
    bank = MissingBank(modalities=modalities, steps=16, width=128, kind="combination")
    assert 4 * bank.cells.numel() == modalities * published
    assert bank.cells.std().item() == pytest.approx(1, rel=0.02)


def test_a_missing_block_is_the_cell_of_combination_and_modality() -> None:
    bank, streams = make_bank("combination"), streams_of(4, 5)
    found = bank.stand_in(streams, PRESENT)
    for m in range(4):
        for stay in range(5):
            own, cell = streams[m][stay], bank.cells[COMBINATIONS[stay], m]
            assert torch.equal(found[m][stay], own if PRESENT[m, stay] else cell)


def test_gradients_reach_the_cells_that_are_read_and_no_others() -> None:
    """Row 0 and cells of modalities that are there keep their initial values under Adam."""
    model = make_flexmoe(small_flexmoe()).train()
    cells = model.marker.cells
    before = cells.detach().clone()
    optimizer = Adam(model.parameters(), 0.1)
    batch = table_batch()
    F.cross_entropy(model(batch).logits, batch.labels).backward()
    read = {(COMBINATIONS[b], m) for b in range(5) for m in range(4) if not PRESENT[m, b]}
    optimizer.step()
    for row in range(15):
        for m in range(4):
            changed = (row, m) in read
            assert bool(cells.grad[row, m].any()) is changed
            assert torch.equal(cells[row, m], before[row, m]) is not changed


def test_28_of_60_cells_can_be_read() -> None:
    unread = [(c, m) for c, members in enumerate(combinations(4)) for m in members]
    assert 60 - len(unread) == 28
    present = torch.zeros(4, 15, dtype=torch.bool)
    for c, members in enumerate(combinations(4)):
        present[list(members), c] = True
    bank = make_bank("combination")
    torch.cat(bank.stand_in(streams_of(4, 15), present)).sum().backward()
    reached = bank.cells.grad.flatten(2).any(-1)
    assert {(c, m) for c, m in torch.nonzero(~reached).tolist()} == set(unread)


def test_full_stays_do_not_see_the_bank() -> None:
    model = make_flexmoe(small_flexmoe()).eval()
    batch = table_batch()
    before = model(batch).logits
    with torch.no_grad():
        model.marker.cells.add_(torch.randn_like(model.marker.cells))
    changed = (model(batch).logits != before).any(-1)
    assert changed.tolist() == [number > 0 for number in COMBINATIONS]


def test_zero_input_is_the_encoding_of_zeros_in_the_place_of_the_vector() -> None:
    model = make_flexmoe(small_flexmoe(bank="zero_input"))
    assert not list(model.marker.parameters())
    batch = table_batch()
    batch.modalities["image"].values[1] = 5.0
    bias = model.encoders[0].tokens.projection.bias
    assert torch.equal(model.encode(batch)[0][1], bias.expand(STEPS, -1))


def test_zeros_and_one_block_per_modality() -> None:
    streams = streams_of(4, 5)
    zeros, shared = make_bank("zero_tokens"), make_bank("per_modality")
    assert not list(zeros.parameters()) and shared.shared.shape == (4, STEPS, 8)
    for m in range(4):
        for stay in range(5):
            if PRESENT[m, stay]:
                continue
            assert not zeros.stand_in(streams, PRESENT)[m][stay].any()
            assert torch.equal(shared.stand_in(streams, PRESENT)[m][stay], shared.shared[m])


def test_an_observed_bank_has_rows_for_combinations_of_training_stays() -> None:
    model = make_flexmoe(small_flexmoe(bank="observed"))
    bank, batch = model.marker, table_batch()
    model.prepare(PRESENT[:, [0, 1, 1]])
    assert torch.nonzero(bank.row_of >= 0).flatten().tolist() == [0, 4]
    assert bank.cells.shape == (2, 4, STEPS, 8)
    streams = model.encode(batch)
    assert torch.equal(streams[0][1], bank.cells[bank.row_of[4], 0])
    assert torch.equal(streams[0][2], bank.shared[0])
    model.prepare(PRESENT[:, [3]])
    assert torch.nonzero(bank.row_of >= 0).flatten().tolist() == [13]
    assert len(bank.cells) == 1
    again = make_flexmoe(small_flexmoe(bank="observed"))
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.eval()(batch).logits, model.eval()(batch).logits)


@pytest.mark.parametrize("kind", ["combination", "per_modality", "zero_tokens", "observed"])
def test_a_stay_without_any_modality_gets_no_row_of_the_bank(kind: str) -> None:
    bank = make_bank(kind)
    nothing = torch.zeros(4, 1, dtype=torch.bool)
    bank.prepare(nothing)
    found = torch.stack(bank.stand_in(streams_of(4, 1), nothing))[:, 0]
    wanted = torch.zeros_like(found) if bank.shared is None else bank.shared
    assert torch.equal(found, wanted)


def test_other_banks_have_nothing_to_prepare() -> None:
    model = make_flexmoe(small_flexmoe())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.prepare(PRESENT)
    assert before.keys() == model.state_dict().keys()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_single_modality_needs_no_bank() -> None:
    model = make_flexmoe(small_flexmoe(), TABLES[:1])
    assert not list(model.marker.parameters())
    output = model(table_batch(torch.tensor([[True, False]])))
    assert output.logits.isfinite().all()
