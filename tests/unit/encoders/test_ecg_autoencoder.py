"""The autoencoder: its shapes, and its encoder against the same sums by other means."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from fleximodal.encoders.ecg_autoencoder import ECGAutoencoder, new_autoencoder


@pytest.fixture(scope="module")
def model() -> ECGAutoencoder:
    """A network whose batch norms do something, in evaluation mode."""
    model = new_autoencoder(1)
    generator = torch.Generator().manual_seed(2)
    for name, value in model.state_dict().items():
        if "norm" in name and value.is_floating_point():
            value.add_(0.3 * torch.rand(value.shape, generator=generator))
    return model.eval()


def shapes(model: nn.Module, signal: torch.Tensor) -> list[tuple[int, ...]]:
    """Return (time, channels) after each convolution block's pool or before its upsampling."""
    seen: list[tuple[int, ...]] = []
    hooks = [
        module.register_forward_hook(lambda _, __, out: seen.append(tuple(out.shape[:0:-1])))
        for module in model.modules()
        if isinstance(module, (nn.Conv1d, nn.Linear))
    ]
    model(signal)
    for hook in hooks:
        hook.remove()
    return seen


def test_shapes_are_those_of_the_paper(model: ECGAutoencoder) -> None:
    signal = torch.zeros(2, 4096, 12)
    assert model.encode(signal).shape == (2, 256)
    assert model(signal).shape == (2, 4096, 12)
    encoder = [(4096, 16), (2048, 16), (1024, 32), (256, 32), (128, 64), (64, 64)]
    decoder = [(64, 64), (128, 64), (256, 32), (1024, 32), (2048, 16), (4096, 16)]
    assert shapes(model, signal) == [*encoder, (256,), (1024,), *decoder, (4096, 12)]


def test_kernels_dropouts_and_parameters(model: ECGAutoencoder) -> None:
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv1d)]
    widths = [convolution.kernel_size[0] for convolution in convolutions]
    assert widths == [5, 5, 5, 3, 3, 3, 3, 3, 3, 5, 5, 5, 1]
    rates = sorted(m.p for m in model.modules() if isinstance(m, nn.Dropout))
    assert rates == [0.1] * 12 + [0.5] * 2
    inputs = [12, 16, 16, 32, 32, 64, 64, 64, 64, 32, 32, 16, 16]
    outputs = [16, 16, 32, 32, 64, 64, 64, 64, 32, 32, 16, 16, 12]
    expected = sum(i * o * w + o for i, o, w in zip(inputs, outputs, widths, strict=True))
    expected += sum(2 * o for o in outputs[:-1]) + 2 * 1024 * 256 + 1024 + 256
    assert sum(parameter.numel() for parameter in model.parameters()) == expected


def test_encoder_equals_numpy(model: ECGAutoencoder) -> None:
    weights = {name: value.double().numpy() for name, value in model.state_dict().items()}
    signal = np.random.default_rng(0).normal(size=(4096, 12)).astype(np.float32)
    x = signal.astype(np.float64)
    pools = [2, 2, 4, 2, 2, 4]
    for block, pool in enumerate(pools):
        name = f"encoder.{block}"
        kernel = weights[f"{name}.conv.weight"]  # filters, channels, width
        half = kernel.shape[2] // 2
        padded = np.pad(x, ((half, half), (0, 0)))
        steps = len(x)
        x = weights[f"{name}.conv.bias"] + sum(
            padded[k : k + steps] @ kernel[:, :, k].T for k in range(kernel.shape[2])
        )
        spread = np.sqrt(weights[f"{name}.norm.running_var"] + 1e-5)
        x = (x - weights[f"{name}.norm.running_mean"]) / spread
        x = np.maximum(x * weights[f"{name}.norm.weight"] + weights[f"{name}.norm.bias"], 0)
        x = x.reshape(steps // pool, pool, -1).max(axis=1)
    assert x.shape == (16, 64)
    expected = weights["to_latent.weight"] @ x.reshape(-1) + weights["to_latent.bias"]
    with torch.no_grad():
        found = model.encode(torch.from_numpy(signal)[None])[0]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_decoder_repeats_time_steps_as_the_library_does(model: ECGAutoencoder) -> None:
    latent = torch.randn(2, 256, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        x = model.from_latent(latent).reshape(2, 16, 64).transpose(1, 2)
        for block, factor in zip(model.decoder, [4, 2, 2, 4, 2, 2], strict=True):
            x = block(functional.interpolate(x, scale_factor=factor, mode="nearest"))
        expected = model.output(x).transpose(1, 2)
        torch.testing.assert_close(model.decode(latent), expected)


def test_dropout_acts_in_training_only() -> None:
    model = new_autoencoder(0)
    signal = torch.randn(2, 4096, 12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        latent = model.train().encode(signal)
        share = float((latent == 0).float().mean())
        assert 0.35 < share < 0.65
        model.eval()
        assert torch.equal(model.encode(signal), model.encode(signal))
        assert (model.encode(signal) != 0).all()


def test_seed_decides_the_weights_and_leaves_the_global_state() -> None:
    torch.manual_seed(5)
    one = new_autoencoder(0).state_dict()
    after = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(1))
    torch.manual_seed(6)
    again, other = new_autoencoder(0).state_dict(), new_autoencoder(1).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in one.items())
    assert not torch.equal(one["to_latent.weight"], other["to_latent.weight"])
