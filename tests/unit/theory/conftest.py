"""Random mixtures and data of a known truth."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from fleximodal.theory.likelihood import Samples
from fleximodal.theory.mixture import Mixture
from fleximodal.theory.truth import Truth, draw_samples, make_truth

Draw = Callable[..., Mixture]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def draw_mixture() -> Draw:
    """Return a function that draws F mixtures of k experts in d dimensions."""

    def draw(fits: int = 2, components: int = 3, dimension: int = 1, seed: int = 0) -> Mixture:
        random = np.random.default_rng(seed)
        shapes = [(fits, components, dimension), (fits, components)] * 2 + [(fits, components)]
        parts = [torch.from_numpy(random.normal(0, 0.7, shape)) for shape in shapes]
        return Mixture(*parts)

    return draw


@pytest.fixture
def truth() -> Truth:
    return make_truth("identifiable", "laplace", seed=0)


@pytest.fixture
def samples(truth: Truth) -> Samples:
    """Return 300 samples in each of three replicates."""
    return draw_samples(truth, "laplace", size=300, replicates=3, seed=4)
