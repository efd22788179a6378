"""How much of what the experts add belongs to which modality (FuseMoE, figure 3(c)).

The paper counts, "for each selected expert", the samples that contain a modality, weighted by the
gate. Gate weights of a token sum to 1, so that this is the number of stays with the modality,
whatever the router learned ("presence"). The second reading weights what each expert adds to the
residual streams by its length ("norm").
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fleximodal.dataset.batch import Batch, BatchBuilder
from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import write_json
from fleximodal.methods.settings import FuseMoESettings
from fleximodal.models.gates import Routing
from fleximodal.models.mixture_step import MixtureStep
from fleximodal.training.network import batch_builder, stored_network
from fleximodal.training.predict import BATCH
from fleximodal.training.reproducible import choose_device, repeatable
from fleximodal.training.stored import StoredCell

PART = "test"
READINGS = ("presence", "norm")


def measure_shares(stored: StoredCell, output: Path, *, threads: int) -> None:
    """Write shares.json: per run and reading, the share of each modality over the test part.

    Parameters
    ----------
    stored
        A trained cell of a FuseMoE method whose experts end in a linear layer.
    output
        The file.
    threads
        Threads of torch.

    Raises
    ------
    FleximodalError
        If the method has no experts, or experts whose outputs are not added.
    """
    settings, described = stored.settings, stored.description
    if not isinstance(settings, FuseMoESettings) or settings.expert_output != "linear":
        raise FleximodalError(
            f"shares of modalities need experts whose outputs are added; method "
            f"{described['method']!r} of variant {described['variant']!r} has none"
        )
    device = choose_device(stored.training.device)
    runs = []
    with repeatable(threads):
        for member, tensors in stored.runs():
            model = stored_network(member, settings, tensors).to(device)
            builder = batch_builder(member, settings, stored.training, device)
            weights = modality_weights(model, builder, torch.from_numpy(member.parts[PART]))
            runs.append(
                {"split": member.split, "seed": member.seed, "n_stays": len(member.parts[PART])}
                | {reading: _normalised(weights[reading]) for reading in READINGS}
            )
    names = ("source", "task", "protocol", "cases", "modalities", "method", "variant")
    cell = {name: described[name] for name in names}
    write_json(output, {"cell": cell, "part": PART, "runs": runs})


@torch.inference_mode()
def modality_weights(
    model: nn.Module, builder: BatchBuilder, positions: Tensor
) -> dict[str, dict[str, float]]:
    """Return the weight of each modality in both readings, summed over layers and stays.

    presence: ``sum_i sum_e G_e(u_i)`` over the stays i that have the modality, G the gates of the
    router that reads it; norm: ``sum_i sum_e |G_e(u_i) E_e(u_i)|`` over the same stays, with the
    whole output of an expert, all grid points and streams.

    Parameters
    ----------
    model
        A network with `MixtureStep` layers.
    builder
        Makes batches of the dataset.
    positions
        (n,) positions in the dataset.
    """
    seen: list[tuple[MixtureStep, Tensor, Routing]] = []
    hooks = [
        step.moe.router.register_forward_hook(
            lambda _, given, routing, step=step: seen.append((step, given[0], routing))
        )
        for step in model.modules()
        if isinstance(step, MixtureStep)
    ]
    totals: dict[str, dict[str, float]] = {reading: {} for reading in READINGS}
    model.eval()
    try:
        for index in positions.split(BATCH):
            batch = builder.batch(index)
            seen.clear()
            model(batch)
            for step, tokens, routing in seen:
                for reading, weights in _weights(step, tokens, routing, batch).items():
                    for name, weight in weights.items():
                        totals[reading][name] = totals[reading].get(name, 0.0) + weight
    finally:
        for hook in hooks:
            hook.remove()
    return totals


def _weights(
    step: MixtureStep, tokens: Tensor, routing: Routing, batch: Batch
) -> dict[str, dict[str, float]]:
    """Return both weights of each modality in one layer; a stay's tokens count one stay together.

    `tokens` are (R, N, D): N stays, or N / T stays at T grid points.
    """
    stays = len(batch.index)
    joint = step.moe.design == "joint"
    gates = routing.gates.sum(-1)
    norms = _norms(step, tokens, routing)
    found: dict[str, dict[str, float]] = {reading: {} for reading in READINGS}
    for number, (name, modality) in enumerate(batch.modalities.items()):
        router = 0 if joint else number
        for reading, values in zip(READINGS, (gates, norms), strict=True):
            per_stay = values[router].double().view(stays, -1).mean(1)
            found[reading][name] = float(per_stay[modality.present].sum())
    return found


def _norms(step: MixtureStep, tokens: Tensor, routing: Routing) -> Tensor:
    """Return ``sum_e |G_e(u) E_e(u)|`` of each router and token, (R, N)."""
    routers, count, kept = routing.weights.shape
    norms = torch.zeros(routers, count, dtype=torch.float64, device=tokens.device)
    for router in range(routers):
        for place in range(kept):
            # The mixture of one expert per token is that expert's part of the whole.
            alone = torch.zeros_like(routing.weights)
            alone[router, :, place] = routing.weights[router, :, place]
            gates = torch.zeros_like(routing.gates).scatter(-1, routing.experts, alone)
            part = step.moe.mix(tokens, replace(routing, weights=alone, gates=gates))
            norms[router] += part.double().norm(dim=-1)
    return norms


def _normalised(weights: Mapping[str, float]) -> dict[str, Any]:
    total = sum(weights.values())
    return {name: weight / total if total > 0 else None for name, weight in weights.items()}
