"""DenseNet-121 for one grey channel, without its classifier.

Source: Huang et al., Densely Connected Convolutional Networks, CVPR 2017, table 1; names of
parameters as in torchxrayvision, whose published weights load by name.
"""

from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from fleximodal.errors import FleximodalError

FEATURES = 1024
SIDE = 224

GROWTH = 32
BLOCKS = (6, 12, 24, 16)
STEM = 64
BOTTLENECK = 4

# Parts of published files that are not used here: class scores and their thresholds.
_IGNORED = ("classifier.", "op_threshs")


class DenseLayer(nn.Module):
    """Append `growth` channels to the input: norm, ReLU, 1x1, norm, ReLU, 3x3."""

    def __init__(self, channels: int, growth: int, bottleneck: int) -> None:
        super().__init__()
        inner = bottleneck * growth
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, inner, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, growth, kernel_size=3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, H, W) to (B, channels + growth, H, W)."""
        inner = self.conv1(functional.relu(self.norm1(x)))
        new = self.conv2(functional.relu(self.norm2(inner)))
        return torch.cat([x, new], dim=1)


class Transition(nn.Module):
    """Halve the channels and both sides: norm, ReLU, 1x1, mean over 2x2."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(channels, channels // 2, kernel_size=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, H, W) to (B, channels // 2, H // 2, W // 2)."""
        return functional.avg_pool2d(self.conv(functional.relu(self.norm(x))), 2)


class DenseNet121(nn.Module):
    """Images (B, 1, 224, 224) to vectors (B, 1024): mean over the 7 x 7 map after a ReLU."""

    def __init__(self) -> None:
        super().__init__()
        parts: OrderedDict[str, nn.Module] = OrderedDict(
            conv0=nn.Conv2d(1, STEM, kernel_size=7, stride=2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(STEM),
            relu0=nn.ReLU(),
            pool0=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        channels = STEM
        for number, layers in enumerate(BLOCKS, start=1):
            block: OrderedDict[str, nn.Module] = OrderedDict()
            for layer in range(1, layers + 1):
                block[f"denselayer{layer}"] = DenseLayer(channels, GROWTH, BOTTLENECK)
                channels += GROWTH
            parts[f"denseblock{number}"] = nn.Sequential(block)
            if number < len(BLOCKS):
                parts[f"transition{number}"] = Transition(channels)
                channels //= 2
        parts["norm5"] = nn.BatchNorm2d(channels)
        self.features = nn.Sequential(parts)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, 1, 224, 224) in [-1024, 1024] to (B, 1024)."""
        out: Tensor = functional.relu(self.features(images)).mean(dim=(2, 3))
        return out


def random_densenet(seed: int) -> DenseNet121:
    """Return an untrained network in evaluation mode; the weights depend on `seed` alone."""
    model = DenseNet121()
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
    return model.eval()


def densenet_of(weights: Mapping[str, Tensor], where: str) -> DenseNet121:
    """Return a network with the given weights, in evaluation mode.

    Parameters
    ----------
    weights
        Tensors by name. Those of the classifier are not used; counters of batches may be absent.
    where
        Where the weights are from, for the messages.

    Raises
    ------
    FleximodalError
        If a tensor is missing, unknown or of another shape.
    """
    model = DenseNet121()
    own = model.state_dict()
    given = {name: value for name, value in weights.items() if not name.startswith(_IGNORED)}
    counters = {name for name in own if name.endswith("num_batches_tracked")}
    missing = sorted(own.keys() - given.keys() - counters)
    unknown = sorted(given.keys() - own.keys())
    if missing or unknown:
        what = [
            f"{kind} {len(names)} tensors (first: {names[0]})"
            for kind, names in (("lacks", missing), ("has unknown", unknown))
            if names
        ]
        raise FleximodalError(
            f"{where} {' and '.join(what)}; it must hold a DenseNet-121 for one channel with "
            "torchxrayvision's names."
        )
    for name, value in given.items():
        if value.shape != own[name].shape:
            raise FleximodalError(
                f"{where}: {name} has shape {tuple(value.shape)}, expected "
                f"{tuple(own[name].shape)}; it must hold a DenseNet-121 for one channel."
            )
    model.load_state_dict({**own, **given})
    return model.eval()
