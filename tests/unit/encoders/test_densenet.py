"""The DenseNet against the literature and against the same sums written with other functions."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from fleximodal.encoders.densenet import DenseNet121, densenet_of, random_densenet
from fleximodal.errors import FleximodalError

EPSILON = 1e-5


@pytest.fixture(scope="module")
def model() -> DenseNet121:
    """A network whose batch norms do something."""
    model = random_densenet(1)
    generator = torch.Generator().manual_seed(2)
    for name, value in model.state_dict().items():
        if "norm" in name and value.is_floating_point():
            change = 0.2 * torch.rand(value.shape, generator=generator)
            value.add_(change if "var" in name or "weight" in name else change - 0.1)
    return model


@pytest.fixture(scope="module")
def images() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return 1024 * (2 * torch.rand((3, 1, 224, 224), generator=generator) - 1)


def test_number_of_parameters_is_that_of_the_literature(model: DenseNet121) -> None:
    # torchvision's DenseNet-121 has 7,978,856 parameters, 1,025,000 of them in the classifier, and
    # three input channels where this has one: 2 * 64 * 7 * 7 fewer.
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == 7_978_856 - 1_025_000 - 2 * 64 * 7 * 7
    convolutions = sum(value.ndim == 4 for value in model.state_dict().values())
    assert convolutions == 120  # the 121st layer is the classifier


def test_names_and_shapes_are_those_of_the_published_weights(model: DenseNet121) -> None:
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    assert shapes["features.conv0.weight"] == (64, 1, 7, 7)
    assert shapes["features.denseblock1.denselayer1.norm1.running_var"] == (64,)
    assert shapes["features.denseblock1.denselayer6.conv1.weight"] == (128, 224, 1, 1)
    assert shapes["features.transition1.conv.weight"] == (128, 256, 1, 1)
    assert shapes["features.denseblock3.denselayer24.conv2.weight"] == (32, 128, 3, 3)
    assert shapes["features.transition3.norm.weight"] == (1024,)
    assert shapes["features.denseblock4.denselayer16.conv1.weight"] == (128, 992, 1, 1)
    assert shapes["features.norm5.bias"] == (1024,)
    # 5 tensors per batch norm, 1 per convolution: stem, 58 layers, 3 transitions, last norm.
    assert len(shapes) == (5 + 1) + 58 * 2 * (5 + 1) + 3 * (5 + 1) + 5


def reference(weights: dict[str, Tensor], images: Tensor) -> Tensor:
    """Compute the features from the weights, convolutions as matrix products over patches."""

    def norm(x: Tensor, name: str) -> Tensor:
        scale = weights[f"{name}.weight"] / (weights[f"{name}.running_var"] + EPSILON).sqrt()
        shift = weights[f"{name}.bias"] - weights[f"{name}.running_mean"] * scale
        return (x * scale[:, None, None] + shift[:, None, None]).clamp(min=0)

    def convolve(x: Tensor, name: str, stride: int = 1, padding: int = 0) -> Tensor:
        kernel = weights[f"{name}.weight"]
        patches = functional.unfold(x, kernel.shape[2:], padding=padding, stride=stride)
        side = (x.shape[-1] + 2 * padding - kernel.shape[-1]) // stride + 1
        return (kernel.flatten(1) @ patches).unflatten(-1, (side, side))

    x = norm(convolve(images, "features.conv0", stride=2, padding=3), "features.norm0")
    padded = functional.pad(x, (1, 1, 1, 1))  # zeros do, after a ReLU
    x = padded.unfold(2, 3, 2).unfold(3, 3, 2).amax(dim=(-1, -2))
    for block, layers in enumerate((6, 12, 24, 16), start=1):
        for layer in range(1, layers + 1):
            name = f"features.denseblock{block}.denselayer{layer}"
            inner = convolve(norm(x, f"{name}.norm1"), f"{name}.conv1")
            new = convolve(norm(inner, f"{name}.norm2"), f"{name}.conv2", padding=1)
            x = torch.cat([x, new], dim=1)
        if block < 4:
            name = f"features.transition{block}"
            x = convolve(norm(x, f"{name}.norm"), f"{name}.conv")
            side = x.shape[-1] // 2
            x = x.unflatten(-1, (side, 2)).unflatten(-3, (side, 2)).mean(dim=(-1, -3))
    assert x.shape[1:] == (1024, 7, 7)
    x = norm(x, "features.norm5")
    return x.flatten(2).sum(-1) / 49


def test_forward_equals_an_independent_computation(model: DenseNet121, images: Tensor) -> None:
    with torch.no_grad():
        found = model(images[:1])
        expected = reference(model.state_dict(), images[:1])
    assert found.shape == (1, 1024)
    assert float(expected.std()) > 0.01 * float(expected.abs().mean())
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_neighbours_in_a_batch_do_not_matter(model: DenseNet121, images: Tensor) -> None:
    small = images[:, :, ::3, ::3]
    with torch.no_grad():
        together = model(small)
        alone = torch.cat([model(image[None]) for image in small])
    scale = float(together.abs().max())
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-6 * scale)


def test_random_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(99)
    one, two, other = random_densenet(0), random_densenet(0), random_densenet(1)
    assert all(torch.equal(a, two.state_dict()[n]) for n, a in one.state_dict().items())
    name = "features.conv0.weight"
    assert not torch.equal(one.state_dict()[name], other.state_dict()[name])
    assert not one.training


def test_weights_load_by_name_without_classifier_and_counters(model: DenseNet121) -> None:
    weights = {
        name: value
        for name, value in reversed(model.state_dict().items())
        if "num_batches" not in name
    }
    weights |= {"classifier.weight": torch.ones(18, 1024), "op_threshs": torch.ones(18)}
    loaded = densenet_of(weights, "weights.pt")
    assert not loaded.training
    for name, value in weights.items():
        if name.startswith("features"):
            assert torch.equal(loaded.state_dict()[name], value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features.norm5.bias": None}, r"weights\.pt lacks 1 tensors \(first: features\.norm5"),
        ({"features.extra": torch.ones(1)}, r"has unknown 1 tensors \(first: features\.extra\)"),
        ({"features.conv0.weight": torch.ones(64, 3, 7, 7)}, r"\(64, 3, 7, 7\), expected \(64, 1"),
    ],
)
def test_other_weights_are_refused(
    model: DenseNet121, change: dict[str, Tensor | None], message: str
) -> None:
    weights = {**model.state_dict(), **change}
    weights = {name: value for name, value in weights.items() if value is not None}
    with pytest.raises(FleximodalError, match=message):
        densenet_of(weights, "weights.pt")  # type: ignore[arg-type]


def test_torchxrayvision_computes_the_same(model: DenseNet121, images: Tensor) -> None:
    xrv = pytest.importorskip("torchxrayvision")
    theirs = xrv.models.DenseNet(weights=None).eval()
    own = {n: tuple(v.shape) for n, v in model.state_dict().items()}
    assert own == {
        name: tuple(value.shape)
        for name, value in theirs.state_dict().items()
        if name.startswith("features")
    }
    loaded = densenet_of(theirs.state_dict(), "torchxrayvision")
    with torch.no_grad():
        expected = functional.relu(theirs.features(images)).mean(dim=(2, 3))
        np.testing.assert_allclose(loaded(images), expected, rtol=1e-5, atol=1e-5)
        if hasattr(theirs, "features2"):
            np.testing.assert_allclose(theirs.features2(images), expected, rtol=1e-5, atol=1e-5)
