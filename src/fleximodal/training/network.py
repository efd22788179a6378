"""The one training loop of all networks (FuseMoE, experiments and table 6).

Adam with default betas, no weight decay, no schedule, no clipping; after each epoch the validation
part is scored, and the weights of the epoch with the best validation metric give all scores.
"""

import logging
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fleximodal.config.training import Training
from fleximodal.dataset.batch import BatchBuilder
from fleximodal.dataset.packed import Items, PackedDataset, Series
from fleximodal.dataset.ragged import Table
from fleximodal.dataset.reading import Reading
from fleximodal.errors import FleximodalError
from fleximodal.io.manifest import hash_of
from fleximodal.methods.settings import NetworkSettings
from fleximodal.models.modality_spec import ModalitySpec, Volume
from fleximodal.training.adam import Adam
from fleximodal.training.checkpoint import TrainingState
from fleximodal.training.epoch import predict_part, train_epoch, validate
from fleximodal.training.functions import load_function
from fleximodal.training.member import Fitted, Member
from fleximodal.training.objective import (
    check_classes,
    check_metric,
    class_weights,
    num_outputs,
)
from fleximodal.training.order import EpochOrder
from fleximodal.training.progress_bar import progress_bar
from fleximodal.training.reading import presence, read_by
from fleximodal.training.reproducible import choose_device
from fleximodal.training.seeds import derived_seed


def fit_network(
    member: Member,
    settings: NetworkSettings,
    training: Training,
    *,
    state: Path,
    log: logging.Logger,
) -> Fitted:
    """Train one network and score the validation and test parts with its best epoch.

    Every epoch starts from seeds derived from the run's seed and its own number, so a training
    that was interrupted goes on from its last complete epoch and ends with the same result.

    Parameters
    ----------
    member, settings, training, state, log
        As described in `fleximodal.training.member`.

    Raises
    ------
    FleximodalError
        If a loss is not finite, a class is absent from the training or validation part, the task
        does not have the metric or the number of class weights asked for, or the device is absent.
    """
    check_classes(member)
    check_metric(member, training.select_metric)
    device = choose_device(training.device)
    weights = class_weights(member, training.class_weights, device)
    order = EpochOrder(member, settings)
    torch.manual_seed(derived_seed(member.seed, "initialisation"))
    model = build_network(member.dataset, settings).to(device)
    prepare = getattr(model, "prepare", None)
    if callable(prepare):
        there = presence(member.dataset, settings)[:, member.parts["train"]]
        prepare(torch.from_numpy(there).to(device))
    optimizer = Adam(model.parameters(), training.learning_rate)
    builder = batch_builder(member, settings, training, device)

    kept = TrainingState(state, _key(member, settings, training))
    progress = kept.load()
    resumed_seconds = progress.seconds
    if progress.epoch:
        log.info("%s: going on after epoch %d", member.name, progress.epoch)
        kept.restore(progress, model, optimizer)

    steps = math.ceil(len(member.parts["train"]) / training.batch_size)
    with progress_bar(
        member.name, total=training.epochs * steps, done=progress.epoch * steps
    ) as bar:
        for epoch in range(progress.epoch + 1, training.epochs + 1):
            began = time.perf_counter()
            positions = order.positions(epoch)
            losses = train_epoch(
                model,
                optimizer,
                builder,
                member,
                positions=positions,
                batch_size=training.batch_size,
                epoch=epoch,
                bar=bar,
                weights=weights,
            )
            trained = time.perf_counter()
            found = validate(model, builder, member, epoch=epoch, weights=weights)
            row = {"epoch": epoch} | losses | found
            validated = time.perf_counter()
            progress.epoch = epoch
            progress.history.append(row)
            progress.best_epoch = best_epoch(progress.history, training.select_metric)
            progress.training_seconds += trained - began
            progress.seconds += validated - began
            kept.save(progress, model, optimizer)
            log.info(
                "%s, epoch %d of %d: train loss %.4f, val loss %.4f, val AUROC %.4f, %.1f s, "
                "%.0f stays/s in training",
                member.name,
                epoch,
                training.epochs,
                row["train_loss"],
                row["val_loss"],
                row["val_auroc"],
                validated - began,
                len(positions) / (trained - began),
            )

    best = progress.best_epoch
    tensors = kept.best_weights(progress)
    model.load_state_dict(tensors)
    predicted = {
        part: predict_part(model, builder, member, part, epoch=best) for part in ("val", "test")
    }
    return Fitted(
        scores={part: value.scores for part, value in predicted.items()},
        history=[row | {"selected": row["epoch"] == best} for row in progress.history],
        chosen={"select_metric": training.select_metric} | progress.history[best - 1],
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        tensors=tensors,
        routing=_routing_rows(predicted["test"].routing),
        cost={
            "resumed_seconds": resumed_seconds,
            "seconds_per_epoch": progress.seconds / training.epochs,
            "training_samples_per_second": order.visits(training.epochs)
            / progress.training_seconds,
        },
    )


def best_epoch(history: list[dict[str, Any]], metric: str) -> int:
    """Return the number of the first epoch with the highest validation `metric`."""
    best = max(history, key=lambda row: row[f"val_{metric}"])
    return int(best["epoch"])


def build_network(dataset: PackedDataset, settings: NetworkSettings) -> nn.Module:
    """Return the network of `settings` for the modalities and labels of `dataset`."""
    specs = [_spec(modality) for modality in dataset.modalities.values()]
    build = load_function(settings.builder, f"builder of {type(settings).__name__}")
    model: nn.Module = build(settings, specs, num_outputs(dataset))
    return model


def _spec(modality: Series | Items) -> ModalitySpec:
    if isinstance(modality, Series):
        return ModalitySpec(modality.name, "series", len(modality.channels))
    if not isinstance(modality, Table):
        return ModalitySpec(modality.name, "items", len(modality.features))
    volume = None
    if modality.shape is not None and modality.places is not None:
        volume = Volume(modality.shape, torch.from_numpy(np.array(modality.places)))
    return ModalitySpec(modality.name, "table", len(modality.features), volume)


def stored_network(
    member: Member, settings: NetworkSettings, tensors: Mapping[str, Tensor]
) -> nn.Module:
    """Return the network of a run with the weights of its checkpoint, on the CPU.

    Raises
    ------
    FleximodalError
        If the weights are of another network.
    """
    model = build_network(member.dataset, settings)
    try:
        model.load_state_dict(dict(tensors))
    except RuntimeError:
        raise FleximodalError(
            f"the stored weights of {member.name} are of another network than the settings of the "
            "cell describe; delete the cell's folder of results and train it again"
        ) from None
    return model


def batch_builder(
    member: Member, settings: NetworkSettings, training: Training, device: torch.device
) -> BatchBuilder:
    """Return what makes the batches of a run, in training and whenever its model is used again."""
    dataset, scaler = read_by(member, settings)
    return BatchBuilder(
        dataset,
        scaler,
        grid_steps=settings.grid_steps,
        reading=Reading(
            max_rows=training.max_rows,
            max_items=training.max_items,
            item_limit=settings.item_limit,
            time_axis=settings.time_axis,
            imputation=settings.imputation,
        ),
        device=device,
    )


def _key(member: Member, settings: NetworkSettings, training: Training) -> str:
    """Return the hash of what decides the run, to tell its state from another's."""
    return hash_of(
        {
            "split": member.split,
            "seed": member.seed,
            "modalities": list(member.dataset.modalities),
            "stays_sha256": member.scaler.stays_sha256,
            "settings": settings.model_dump(mode="json"),
            "training": training.model_dump(mode="json"),
        }
    )


def _routing_rows(routing: dict[str, Tensor]) -> list[dict[str, Any]]:
    rows = []
    for key, gates in routing.items():
        layer, _, router = key.removeprefix("layer").partition("/")
        for expert, gate in enumerate(gates.tolist()):
            rows.append({"layer": layer, "router": router, "expert": expert, "mean_gate": gate})
    return rows
