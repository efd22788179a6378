"""Cost of trained networks: parameters, operations of a forward pass, seconds per step.

The columns of Flex-MoE, table 4. Operations are counted by PyTorch (a multiplication and an
addition are two), except those of experts: however these are computed, each token is charged its k
experts.
"""

import statistics
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from fleximodal.config.training import Training
from fleximodal.dataset.batch import Batch, BatchBuilder
from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import write_json
from fleximodal.methods.settings import NetworkSettings
from fleximodal.models.experts import Experts
from fleximodal.training.adam import Adam
from fleximodal.training.epoch import train_epoch
from fleximodal.training.member import Member
from fleximodal.training.network import batch_builder, stored_network
from fleximodal.training.objective import class_weights
from fleximodal.training.reproducible import choose_device, repeatable
from fleximodal.training.seeds import derived_seed
from fleximodal.training.stored import StoredCell

WARM_UP, STEPS = 5, 20


def measure_complexity(cells: Iterable[StoredCell], output: Path, *, threads: int) -> None:
    """Write what the first run of each cell costs, measured one after another in this process.

    Seconds depend on the machine and on what else it does; all else is the same on any.

    Parameters
    ----------
    cells
        Trained cells of networks.
    output
        A JSON file: a list with an entry per cell, which "cell" names.
    threads
        Threads of torch.

    Raises
    ------
    FleximodalError
        If a method is no network.
    """
    write_json(output, [complexity_of(stored, threads=threads) for stored in cells])


def complexity_of(stored: StoredCell, *, threads: int) -> dict[str, Any]:
    """Return the entry of one cell; see `measure_complexity`."""
    settings, described = stored.settings, stored.description
    if not isinstance(settings, NetworkSettings):
        raise FleximodalError(
            f"operations are counted for networks; method {described['method']!r} is none"
        )
    device = choose_device(stored.training.device)
    with repeatable(threads):
        member, tensors = next(stored.runs())
        model = stored_network(member, settings, tensors).to(device)
        builder = batch_builder(member, settings, stored.training, device)
        size = min(stored.training.batch_size, len(member.parts["train"]))
        batch = builder.batch(torch.from_numpy(member.parts["train"][:size]))
        operations = forward_operations(model, batch)
        seconds = step_seconds(model, builder, member, stored.training)
    names = ("source", "task", "protocol", "cases", "modalities", "method", "variant")
    return {
        "cell": {name: described[name] for name in names},
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "batch_size": size,
        "forward_gflops": operations / 1e9,
        "forward_gflops_per_stay": operations / size / 1e9,
        "seconds_per_iteration": statistics.median(seconds),
        "seconds_per_iteration_low": min(seconds),
        "seconds_per_iteration_high": max(seconds),
        "steps": len(seconds),
        "device": device.type,
        "threads": threads,
    }


def forward_operations(model: nn.Module, batch: Batch) -> int:
    """Return the operations of one forward pass in evaluation mode.

    Products of matrices and convolutions count, two per multiplication and addition; sums,
    activations, norms and the routers' choices do not. The recurrent layers of PyTorch that are
    computed in one call (LSTM on a CPU) are not seen.

    Parameters
    ----------
    model
        The network.
    batch
        B stays.
    """
    charged = 0
    hooks = []

    def charge(module: nn.Module, given: tuple[Any, ...]) -> None:
        nonlocal charged
        assert isinstance(module, Experts)
        charged += expert_operations(module, *given)

    experts = {name: m for name, m in model.named_modules() if isinstance(m, Experts)}
    hooks = [module.register_forward_pre_hook(charge) for module in experts.values()]
    counter = FlopCounterMode(display=False)
    model.eval()
    try:
        # Fused attention on a CPU is not counted, its products are.
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
            model(batch)
    finally:
        for hook in hooks:
            hook.remove()
    counts = counter.get_flop_counts()
    root = type(model).__name__
    computed = sum(
        sum(counts.get(f"{root}.{name}" if name else root, {}).values()) for name in experts
    )
    return counter.get_total_flops() - computed + charged


def expert_operations(experts: Experts, x: Tensor, routing: Any, part: Any = None) -> int:
    """Return what the chosen experts of all tokens cost: ``2 k (D H + H O)`` per token and router.

    Parameters
    ----------
    experts
        Experts ``D -> H -> O``.
    x, routing, part
        What they are called with.
    """
    outputs = experts.bias2 if part is None else part(experts.bias2)
    hidden, width = experts.weight1.shape[1:]
    return 2 * int(routing.experts.numel()) * hidden * (width + outputs.shape[-1])


def step_seconds(
    model: nn.Module,
    builder: BatchBuilder,
    member: Member,
    training: Training,
    *,
    warm_up: int = WARM_UP,
    steps: int = STEPS,
) -> list[float]:
    """Return the seconds of `steps` steps of the training loop after `warm_up` others.

    A step makes a batch of the training part, goes forward and back, and changes the weights, so
    that the model is another one afterwards.
    """
    device = next(model.parameters()).device
    positions = torch.from_numpy(member.parts["train"])
    size = min(training.batch_size, len(positions))
    generator = torch.Generator().manual_seed(derived_seed(member.seed, "complexity"))
    order = positions[torch.randperm(len(positions), generator=generator)]
    wanted = (warm_up + steps) * size
    clock = _Clock(device)
    train_epoch(
        model,
        Adam(model.parameters(), training.learning_rate),
        builder,
        member,
        positions=order.repeat(-(-wanted // len(order)))[:wanted],
        batch_size=size,
        epoch=0,
        bar=cast("tqdm[Any]", clock),
        weights=class_weights(member, training.class_weights, device),
    )
    return clock.seconds[warm_up:]


class _Clock:
    """Takes the place of a progress bar and times what is between its updates."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.seconds: list[float] = []
        self._last = time.perf_counter()

    def update(self) -> None:
        """End a step, once the device has done all that was asked of it."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        now = time.perf_counter()
        self.seconds.append(now - self._last)
        self._last = now
