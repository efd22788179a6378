"""Tokens of tables and of volumes."""

import pytest
import torch

from fleximodal.dataset.batch import ItemsBatch
from fleximodal.errors import FleximodalError
from fleximodal.models.modality_spec import ModalitySpec, Volume
from fleximodal.models.tokens import TokenEncoder, Tokens
from fleximodal.models.volume_cnn import VolumeCNN, VolumeEncoder
from tests.unit.models.flex_batch import make_flexmoe, small_flexmoe, vector_part

SHAPE = (24, 24, 48)


def vectors(rows: int, features: int) -> ItemsBatch:
    there = torch.arange(rows) != 1
    return vector_part(torch.randn(rows, features), there)


def test_tokens_are_blocks_of_columns_filled_up_on_the_right() -> None:
    module = Tokens(features=10, tokens=4, width=5)
    x = torch.randn(3, 10)
    weight, bias = module.projection.weight, module.projection.bias
    assert weight.shape == (5, 3)
    for token, columns in enumerate([(0, 3), (3, 6), (6, 9), (9, 10)]):
        block = x[:, slice(*columns)]
        wanted = block @ weight[:, : block.shape[1]].T + bias
        assert torch.allclose(module(x)[:, token], wanted, atol=1e-6)


def test_columns_of_a_block_matter_to_its_token_alone() -> None:
    module = Tokens(features=10, tokens=4, width=5)
    x = torch.randn(3, 10)
    permuted = x[:, [0, 1, 2, 5, 3, 4, 6, 7, 8, 9]]
    changed = (module(permuted) != module(x)).flatten(2).any(-1).any(0)
    assert changed.tolist() == [False, True, False, False]


def test_the_encoder_of_a_width_as_published() -> None:
    assert sum(p.numel() for p in Tokens(features=128, tokens=16, width=128).parameters()) == 1152
    assert Tokens(features=3, tokens=4, width=6).projection.weight.shape == (6, 1)


@pytest.mark.parametrize("dense", [False, True])
def test_an_absent_vector_is_encoded_as_zeros(dense: bool) -> None:
    module = TokenEncoder(10, 4, 8, dense=dense)
    items = vectors(3, 10)
    zeros = vector_part(torch.zeros(1, 10), torch.tensor([True]))
    items.values[1] = 7.0
    assert torch.equal(module(items, None, None)[1], module(zeros, None, None)[0])


def test_dense_then_patch_reads_all_columns_in_each_token() -> None:
    items = vectors(3, 10)
    for dense, reads_all in ((True, True), (False, False)):
        values = items.values.clone().requires_grad_()
        given = ItemsBatch(values, items.mask, items.times, items.present)
        TokenEncoder(10, 4, 8, dense=dense)(given, None, None)[0, 2].sum().backward()
        assert bool(values.grad[0].all()) is reads_all
    sizes = [p.shape for p in TokenEncoder(10, 4, 8, dense=True).parameters()]
    assert sizes == [(8, 10), (8,), (8, 2), (8,)]


def test_h33_turns_to_dense_encoders() -> None:
    model = make_flexmoe(small_flexmoe(tabular_encoder="dense_then_patch"))
    assert all(encoder.dense is not None for encoder in model.encoders)
    assert all(encoder.dense is None for encoder in make_flexmoe(small_flexmoe()).encoders)


def test_volumes_of_the_published_size() -> None:
    with torch.device("meta"):
        module = VolumeCNN(shape=(91, 91, 109), width=128)
        volume = torch.empty(2, 1, 91, 91, 109)
    assert sum(p.numel() for p in module.parameters()) == 1_448_352
    assert module[-1].in_features == 128 * 36
    assert module(volume).shape == (2, 128)


def test_volumes_that_pooling_would_empty_are_refused() -> None:
    with pytest.raises(FleximodalError, match="needs 24 along each axis"):
        VolumeCNN(shape=(24, 23, 30), width=8)


def brain(skip_absent: bool = True) -> VolumeEncoder:
    torch.manual_seed(1)
    volume = Volume(SHAPE, torch.randperm(24 * 24 * 48)[:500])
    return VolumeEncoder(volume=volume, tokens=4, width=8, skip_absent=skip_absent).eval()


def test_voxels_lie_in_their_places_and_elsewhere_is_nothing() -> None:
    module, items = brain(), vectors(3, 500)
    seen: list[torch.Tensor] = []
    module.cnn.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    module(items, None, None)
    (volumes,) = seen
    assert volumes.shape == (2, 1, *SHAPE)
    for row, volume in zip((0, 2), volumes, strict=True):
        flat = volume.flatten()
        assert torch.equal(flat[module.places], items.values[row, 0])
        assert flat.count_nonzero() == 500


def test_absent_images_cost_nothing_or_are_encoded_as_empty() -> None:
    items = vectors(3, 500)
    skipping, encoding = brain(), brain(skip_absent=False)
    found, whole = (module(items, None, None) for module in (skipping, encoding))
    assert torch.allclose(found[[0, 2]], whole[[0, 2]], atol=1e-6)
    assert torch.equal(found[1], skipping.tokens(torch.zeros(1, 8))[0])
    empty = encoding.tokens(encoding.cnn(torch.zeros(1, 1, *SHAPE)))[0]
    assert torch.allclose(whole[1], empty, atol=1e-6)
    nobody = vector_part(torch.randn(2, 500), torch.zeros(2, dtype=torch.bool))
    assert skipping(nobody, None, None).shape == (2, 4, 8)


def test_a_network_with_volumes_is_trained() -> None:
    volume = Volume(SHAPE, torch.arange(200))
    specs = (ModalitySpec("image", "table", 200, volume), ModalitySpec("clinical", "table", 7))
    model = make_flexmoe(small_flexmoe(), specs).float()
    there = torch.tensor([True, False])
    parts = {"image": vector_part(torch.randn(2, 200), there)}
    parts["clinical"] = vector_part(torch.randn(2, 7), torch.tensor([True, True]))
    streams = model.encode(type("Stays", (), {"modalities": parts}))
    assert torch.equal(streams[0][1], model.marker.cells[2, 0])
    streams[0].sum().backward()
    assert all(p.grad.any() for p in model.encoders[0].cnn.parameters())
    assert "encoders.0.places" not in model.state_dict()
