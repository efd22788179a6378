"""What trained models of Flex-MoE do: routing by combination, and what their bank holds.

Behind figures 4 and 5 of the paper (arXiv 2410.08245) and the question what the embeddings of the
bank encode. Everything is taken over the training stays in evaluation mode, which neither figure
says, and only numbers over many stays are written.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fleximodal.combination_names import combinations_of, letters_of
from fleximodal.dataset.batch import BatchBuilder
from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import write_json
from fleximodal.methods.settings import NetworkSettings
from fleximodal.models.bank import MissingBank
from fleximodal.models.combinations import combination_index
from fleximodal.models.flex_mixture import FlexMixture
from fleximodal.models.gates import Routing
from fleximodal.training.flex_trace_activations import Activations
from fleximodal.training.flex_trace_bank import bank_distances, similarities
from fleximodal.training.flex_trace_blocks import Blocks
from fleximodal.training.flex_trace_probe import probe_bank, told_by_combination
from fleximodal.training.member import Member
from fleximodal.training.network import batch_builder, stored_network
from fleximodal.training.predict import BATCH
from fleximodal.training.reproducible import choose_device, repeatable
from fleximodal.training.stored import StoredCell

PART = "train"


def trace_cell(stored: StoredCell, output: Path, *, threads: int) -> None:
    """Write trace.json of a trained cell: per run routing, similarities, and the bank's content.

    Parameters
    ----------
    stored
        A trained cell of a method with a bank of missing modalities.
    output
        The file.
    threads
        Threads of torch.

    Raises
    ------
    FleximodalError
        If the method has no bank, or two of its modalities have the same initial.
    """
    settings, described = stored.settings, stored.description
    if not isinstance(settings, NetworkSettings):
        raise _no_bank(described["method"])
    device = choose_device(stored.training.device)
    names = described["modalities"].split("+")
    letters = letters_of(names)
    runs = []
    with repeatable(threads):
        for member, tensors in stored.runs():
            model = stored_network(member, settings, tensors).to(device)
            marker = getattr(model, "marker", None)
            if not isinstance(marker, MissingBank):
                raise _no_bank(described["method"])
            builder = batch_builder(member, settings, stored.training, device)
            head = {"split": member.split, "seed": member.seed}
            runs.append(head | trace_model(model, marker, builder, member))
    cell = {
        name: described[name]
        for name in ("source", "task", "protocol", "cases", "modalities", "method", "variant")
    }
    told = {"cell": cell, "part": PART, "letters": letters}
    write_json(output, told | {"combinations": combinations_of(letters), "runs": runs})


@torch.inference_mode()
def trace_model(
    model: nn.Module, bank: MissingBank, builder: BatchBuilder, member: Member
) -> dict[str, Any]:
    """Return the trace of one model over the training part, as JSON values.

    `stays` counts those of each combination; `routing` as `Activations.told`; `similarity` as
    `similarities`; `bank` holds `distances` and `probe`, None without a bank of combinations;
    `class_of_combination` as `told_by_combination`.
    """
    positions = torch.from_numpy(member.parts[PART])
    letters = letters_of(list(member.dataset.modalities))
    names = combinations_of(letters)
    activations = Activations(len(names))
    blocks = Blocks(letters, len(positions))
    indices = []
    model.eval()
    with _watched(model, activations) as entered:
        for index in positions.split(BATCH):
            batch = builder.batch(index)
            present = torch.stack([part.present for part in batch.modalities.values()])
            model(batch)
            indices.append(combination_index(present))
            blocks.add(entered.pop(), present, indices[-1])
    combination = torch.cat(indices).cpu()
    known = combination >= 0
    stays = torch.bincount(combination[known], minlength=len(names)).tolist()
    cells = None
    if bank.kind == "combination" and bank.cells is not None:
        cells = bank.cells.detach().double().cpu()
    occurring = [number for number, count in enumerate(stays) if count]
    labels = member.dataset.label[positions.numpy()]
    return {
        "stays": dict(zip(names, stays, strict=True)),
        "routing": {"layers": activations.told()},
        "similarity": similarities(blocks, cells, occurring),
        "bank": None
        if cells is None
        else {
            "distances": bank_distances(blocks, cells, occurring),
            "probe": probe_bank(blocks, cells, occurring),
        },
        "class_of_combination": told_by_combination(labels, combination.numpy()),
    }


@contextmanager
def _watched(model: nn.Module, activations: Activations) -> Iterator[list[list[Tensor]]]:
    """Count the choices of sparse layers; yield a list that gets what enters the fusion."""
    entered: list[list[Tensor]] = []
    fusion = model.get_submodule("fusion")
    hooks = [fusion.register_forward_pre_hook(lambda _, given: entered.append(given[0]))]
    sparse = [module for module in model.modules() if isinstance(module, FlexMixture)]

    def count(layer: int, given: tuple[Tensor, Tensor], made: tuple[Tensor, Routing]) -> None:
        activations.add(layer, made[1].experts, made[1].gates.shape[-1], given[1])

    hooks += [
        module.register_forward_hook(lambda _, given, made, layer=layer: count(layer, given, made))
        for layer, module in enumerate(sparse)
    ]
    try:
        yield entered
    finally:
        for hook in hooks:
            hook.remove()


def _no_bank(method: str) -> FleximodalError:
    return FleximodalError(
        f"traces of combinations need a method with a bank of missing modalities; {method!r} has "
        "none"
    )
