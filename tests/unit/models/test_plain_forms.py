"""Networks against their plainest forms, which the benchmarks time."""

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"

ERROR = 1e-5


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    torch.manual_seed(0)
    return importlib.import_module


@pytest.mark.parametrize("output", ["linear", "log_softmax"])
@pytest.mark.parametrize(("width", "tokens", "pieces"), [(128, 96, 1), (768, 32, 16)])
def test_mixture_is_a_loop_over_experts(benchmark, width, tokens, pieces, output) -> None:
    assert benchmark("moe_layer").error_of(width, output, tokens, pieces) < ERROR


def test_time_attention_is_a_softmax_per_channel(benchmark) -> None:
    assert benchmark("time_attention").error_of(2) < ERROR


def test_one_pass_has_the_gradients_of_passes_of_two(benchmark) -> None:
    module = benchmark("training_step")
    assert module.error_of(module.make_settings(2, 16, 32), stays=8) < ERROR
