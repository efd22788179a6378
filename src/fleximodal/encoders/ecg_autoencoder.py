"""The convolutional autoencoder of ECGs: 4096 samples of 12 leads to 256 numbers and back.

Source: FuseMoE, appendix D.1 and figure 6 (filters, widths, dropout, latent size); the sizes of
the pools are those of Attia et al., Nature Medicine 2019, whose network the authors adapted.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from fleximodal.encoders.ecg_reader import LEADS, SAMPLES

FEATURES = 256
FILTERS = (16, 16, 32, 32, 64, 64)
WIDTHS = (5, 5, 5, 3, 3, 3)
POOLS = (2, 2, 4, 2, 2, 4)
BLOCK_DROPOUT = 0.1
LATENT_DROPOUT = 0.5


class _Convolution(nn.Module):
    """Convolution over time that keeps the length, batch norm, ReLU, dropout."""

    def __init__(self, channels: int, filters: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, filters, width, padding=width // 2)
        self.norm = nn.BatchNorm1d(filters)
        self.dropout = nn.Dropout(BLOCK_DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, T) to (B, filters, T)."""
        out: Tensor = self.dropout(functional.relu(self.norm(self.conv(x))))
        return out


def _upsample(x: Tensor, factor: int) -> Tensor:
    """Repeat each time step; unlike the library's, its gradient is repeatable on GPUs."""
    batch, channels, steps = x.shape
    repeated = x.unsqueeze(-1).expand(batch, channels, steps, factor)
    return repeated.reshape(batch, channels, steps * factor)


class ECGAutoencoder(nn.Module):
    """Encoder and decoder.

    Lengths and filters: 4096x12, 2048x16, 1024x16, 256x32, 128x32, 64x64, 16x64, 1024, 256, and
    back. The last layer is a linear 1x1 convolution from 16 to 12 channels.
    """

    def __init__(self) -> None:
        super().__init__()
        channels = [len(LEADS), *FILTERS]
        self.encoder = nn.ModuleList(
            _Convolution(channels[block], FILTERS[block], WIDTHS[block])
            for block in range(len(FILTERS))
        )
        steps = SAMPLES
        for factor in POOLS:
            steps //= factor
        self._shape = (steps, FILTERS[-1])
        flat = steps * FILTERS[-1]
        self.to_latent = nn.Linear(flat, FEATURES)
        self.from_latent = nn.Linear(FEATURES, flat)
        # The figure draws a dropout on either side of the latent vector.
        self.before_latent = nn.Dropout(LATENT_DROPOUT)
        self.after_latent = nn.Dropout(LATENT_DROPOUT)
        filters = FILTERS[::-1]
        inputs = (filters[0], *filters[:-1])
        self.decoder = nn.ModuleList(
            _Convolution(before, after, width)
            for before, after, width in zip(inputs, filters, WIDTHS[::-1], strict=True)
        )
        self.output = nn.Conv1d(filters[-1], len(LEADS), 1)

    def encode(self, signal: Tensor) -> Tensor:
        """Map (B, 4096, 12) in mV to the latent vectors (B, 256)."""
        x = signal.transpose(1, 2)
        for block, factor in zip(self.encoder, POOLS, strict=True):
            x = functional.max_pool1d(block(x), factor)
        latent: Tensor = self.before_latent(self.to_latent(x.transpose(1, 2).flatten(1)))
        return latent

    def decode(self, latent: Tensor) -> Tensor:
        """Map latent vectors (B, 256) to (B, 4096, 12) in mV."""
        x = self.from_latent(self.after_latent(latent)).unflatten(1, self._shape).transpose(1, 2)
        for block, factor in zip(self.decoder, POOLS[::-1], strict=True):
            x = block(_upsample(x, factor))
        out: Tensor = self.output(x).transpose(1, 2)
        return out

    def forward(self, signal: Tensor) -> Tensor:
        """Return the reconstruction, (B, 4096, 12)."""
        return self.decode(self.encode(signal))


def new_autoencoder(seed: int) -> ECGAutoencoder:
    """Return an untrained autoencoder; the weights depend on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ECGAutoencoder()
