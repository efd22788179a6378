"""Loss, probabilities and validation metrics of binary, multilabel and several-class tasks."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fleximodal import class_ranking, ranking
from fleximodal.class_ranking import rank_classes
from fleximodal.dataset.packed import PackedDataset
from fleximodal.errors import FleximodalError
from fleximodal.ranking import both_classes, rank
from fleximodal.training.member import Member

THRESHOLD = 0.5


def num_outputs(dataset: PackedDataset) -> int:
    """Return the C classes of one label, two for a binary one, or the K labels of (n, K)."""
    return dataset.num_classes if dataset.label.ndim == 1 else int(dataset.label.shape[1])


def class_weights(
    member: Member, weights: Sequence[float] | None, device: torch.device
) -> Tensor | None:
    """Return the weight of each class in the loss, (C,) float32; None if all are the same.

    Raises
    ------
    FleximodalError
        If there are several labels, or not as many weights as classes.
    """
    if weights is None:
        return None
    dataset = member.dataset
    if dataset.label.ndim > 1 or len(weights) != dataset.num_classes:
        classes = "several labels" if dataset.label.ndim > 1 else f"{dataset.num_classes} classes"
        raise FleximodalError(
            f"training.class_weights has {len(weights)} numbers, but task {dataset.task} has "
            f"{classes}; give one per class of one label, or null under by_task"
        )
    return torch.tensor(weights, dtype=torch.float32, device=device)


def task_loss(
    logits: Tensor, labels: Tensor, weights: Tensor | None = None, rows: Tensor | None = None
) -> Tensor:
    """Return the mean loss of a batch (FuseMoE, section 3 and appendix: no class weights).

    Labels (B,) mean cross-entropy over C logits; labels (B, K) mean binary cross-entropy averaged
    over stays and labels.

    Parameters
    ----------
    logits, labels
        (B, C) and (B,), or (B, K) both.
    weights
        (C,) weights of classes; the mean is then weighted by that of each stay's class.
    rows
        (B,) bool, the stays that count; the loss of none is 0.
    """
    if labels.ndim > 1:
        each = functional.binary_cross_entropy_with_logits(
            logits, labels.to(logits.dtype), reduction="mean" if rows is None else "none"
        )
        return each if rows is None else _mean(each.mean(1), rows.to(each.dtype))
    if rows is None:
        return functional.cross_entropy(logits, labels.long(), weight=weights)
    each = functional.cross_entropy(logits, labels.long(), reduction="none")
    mass = rows.to(each.dtype)
    return _mean(each, mass if weights is None else mass * weights[labels])


def _mean(each: Tensor, mass: Tensor) -> Tensor:
    return (each * mass).sum() / mass.sum().clamp_min(torch.finfo(mass.dtype).tiny)


def loss_mass(labels: Tensor, weights: Tensor | None) -> Tensor:
    """Return what a batch counts in a mean of `task_loss` over batches: its stays, weighted."""
    if weights is None:
        return torch.tensor(float(len(labels)), dtype=torch.float64, device=labels.device)
    return weights[labels].double().sum()


def probabilities(logits: Tensor, labels: Tensor) -> Tensor:
    """Return float64 probabilities.

    Of class 1, (B,), from 2 logits; of every class, (B, C), from C > 2; sigmoids (B, K) of
    several labels.
    """
    logits = logits.double()
    if labels.ndim > 1:
        return logits.sigmoid()
    shares = logits.softmax(-1)
    return shares[:, 1] if logits.shape[-1] == 2 else shares


def check_classes(member: Member) -> None:
    """Refuse a training or validation part in which no label takes both values.

    Of one label with several classes each must be there. Of several labels some may take one value
    only: they are left out of the validation metrics and listed in `run.json`.

    Raises
    ------
    FleximodalError
        Naming split and part.
    """
    dataset = member.dataset
    for part in ("train", "val"):
        labels = dataset.label[member.parts[part]]
        where = f"part {part!r} of split {member.split!r} ({len(labels)} stays)"
        if dataset.num_classes > 2:
            absent = sorted(set(range(dataset.num_classes)) - set(labels.tolist()))
            if absent:
                raise FleximodalError(
                    f"{where} has no stay of class {dataset.labels[absent[0]]!r}, so its AUROC is "
                    "undefined; use more stays or another split"
                )
        elif not both_classes(labels).any():
            raise FleximodalError(
                f"{where} lacks one of the two classes, so its AUROC is undefined; use more stays "
                "or another split"
            )


def check_metric(member: Member, metric: str) -> None:
    """Refuse to choose epochs by a metric that several labels do not have.

    Raises
    ------
    FleximodalError
        If the task has several labels and the metric is of one label alone.
    """
    if member.dataset.label.ndim > 1 and metric in ("accuracy", "macro_f1"):
        raise FleximodalError(
            f"training.select_metric {metric!r} is not defined for the labels of task "
            f"{member.dataset.task}; choose f1, auroc or auprc, for this task alone under by_task"
        )


def validation_metrics(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Return AUROC, AUPRC and F1, and of one label also accuracy and macro F1.

    Parameters
    ----------
    labels, scores
        (n,) and (n,), predicted 1 from 0.5 on; (n,) and (n, C), predicted the most probable class,
        AUROC and AUPRC the means over each class against the rest, F1 the macro F1; or (n, K) both,
        the macro means over labels that have both classes, and the number of the others as
        `undefined_labels`.
    """
    if labels.ndim == 1 and scores.ndim == 2:
        several = rank_classes(labels, scores)
        macro_f1 = float(class_ranking.macro_f1(several)[0])
        return {
            "auroc": float(class_ranking.auroc(several)[0]),
            "auprc": float(class_ranking.auprc(several)[0]),
            "f1": macro_f1,
            "accuracy": float(class_ranking.accuracy(several)[0]),
            "macro_f1": macro_f1,
        }
    kept = both_classes(labels)
    columns = zip(
        labels.reshape(len(labels), -1).T, scores.reshape(len(labels), -1).T, kept, strict=True
    )
    rankings = [rank(label, score) for label, score, both in columns if both]
    metrics = {
        "auroc": float(np.mean([ranking.auroc(one)[0] for one in rankings])),
        "auprc": float(np.mean([ranking.auprc(one)[0] for one in rankings])),
        "f1": float(np.mean([ranking.f1(one, THRESHOLD)[0] for one in rankings])),
    }
    if labels.ndim > 1:
        return metrics | {"undefined_labels": int((~kept).sum())}
    return metrics | {
        "accuracy": float(ranking.accuracy(rankings[0], THRESHOLD)[0]),
        "macro_f1": float(ranking.macro_f1(rankings[0], THRESHOLD)[0]),
    }
