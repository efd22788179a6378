"""One epoch of a network: a pass over the training part, a look at the validation part."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from fleximodal.dataset.batch import BatchBuilder
from fleximodal.errors import FleximodalError
from fleximodal.training.adam import Adam
from fleximodal.training.member import Member
from fleximodal.training.objective import task_loss, validation_metrics
from fleximodal.training.predict import Predicted, predict
from fleximodal.training.seeds import derived_seed


def train_epoch(
    model: nn.Module,
    optimizer: Adam,
    builder: BatchBuilder,
    member: Member,
    *,
    positions: Tensor,
    batch_size: int,
    epoch: int,
    bar: "tqdm[Any]",
    weights: Tensor | None = None,
) -> dict[str, float]:
    """Take one optimiser step per batch of the training stays, in the order of `positions`.

    Noise and dropout depend on the run's seed and on `epoch` alone. The loss is that of the task,
    with `weights` (C,) of classes, plus the model's auxiliary losses and those of its further
    predictions of the labels.

    Returns
    -------
    dict
        `train_loss`, that of the task, and `train_auxiliary_loss`, all others; means over stays.

    Raises
    ------
    FleximodalError
        If a loss is not finite.
    """
    model.train()
    torch.manual_seed(derived_seed(member.seed, "epoch", epoch))
    # Summed where they are and read once: reading a number makes a GPU wait.
    sums = torch.zeros(2, dtype=torch.float64, device=next(model.parameters()).device)
    for index in positions.split(batch_size):
        batch = builder.batch(index)
        output = model(batch)
        loss = task_loss(output.logits, batch.labels, weights)
        auxiliary = sum(output.auxiliary.values(), start=torch.zeros_like(loss))
        for side in output.side.values():
            further = task_loss(side.logits, batch.labels, weights, side.rows)
            auxiliary = auxiliary + side.weight * further
        optimizer.zero_grad()
        (loss + auxiliary).backward()
        optimizer.step()
        sums += len(index) * torch.stack([loss.detach(), auxiliary.detach()])
        bar.update()
    task, extra = (sums / len(positions)).tolist()
    _check_finite("train", task + extra, member, epoch)
    return {"train_loss": task, "train_auxiliary_loss": extra}


def validate(
    model: nn.Module,
    builder: BatchBuilder,
    member: Member,
    *,
    epoch: int,
    weights: Tensor | None = None,
) -> dict[str, float]:
    """Return `val_loss` (the task's alone) and the `validation_metrics`, each after `val_`.

    Raises
    ------
    FleximodalError
        If the loss is not finite.
    """
    predicted = predict_part(model, builder, member, "val", epoch=epoch, weights=weights)
    labels = member.dataset.label[member.parts["val"]]
    metrics = validation_metrics(labels, predicted.scores)
    return {"val_loss": predicted.loss} | {f"val_{name}": v for name, v in metrics.items()}


def predict_part(
    model: nn.Module,
    builder: BatchBuilder,
    member: Member,
    part: str,
    *,
    epoch: int,
    weights: Tensor | None = None,
) -> Predicted:
    """Score one part with the model of `epoch`; `weights` (C,) of classes are those of the loss.

    Raises
    ------
    FleximodalError
        If the loss is not finite.
    """
    # The seed is the same in every epoch and afterwards, so that stored weights give the scores
    # of their epoch again.
    seed = derived_seed(member.seed, "evaluation", part)
    positions = torch.from_numpy(member.parts[part])
    predicted = predict(model, builder, positions, seed=seed, weights=weights)
    _check_finite(part, predicted.loss, member, epoch)
    return predicted


def _check_finite(part: str, loss: float, member: Member, epoch: int) -> None:
    if not math.isfinite(loss):
        raise FleximodalError(
            f"{part} loss is {loss} in {member.name}, epoch {epoch}; lower training.learning_rate "
            "or look for extreme values in the data"
        )
