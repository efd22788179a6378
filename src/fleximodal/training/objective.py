"""Loss, probabilities and validation metrics of binary and multilabel tasks."""

import numpy as np
from torch import Tensor
from torch.nn import functional

from fleximodal import ranking
from fleximodal.errors import FleximodalError
from fleximodal.ranking import both_classes, rank
from fleximodal.training.member import Member

THRESHOLD = 0.5


def num_outputs(labels: np.ndarray) -> int:
    """Return 2 for binary labels (n,), or K for multilabel ones (n, K)."""
    return 2 if labels.ndim == 1 else labels.shape[1]


def task_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean loss of a batch (FuseMoE, section 3 and appendix: no class weights).

    Labels (B,) mean cross-entropy over 2 logits; labels (B, K) mean binary cross-entropy averaged
    over stays and labels.
    """
    if labels.ndim == 1:
        return functional.cross_entropy(logits, labels.long())
    return functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))


def probabilities(logits: Tensor, labels: Tensor) -> Tensor:
    """Return float64 probabilities of class 1: (B,) from 2 logits, or (B, K) sigmoids."""
    logits = logits.double()
    return logits.softmax(-1)[:, 1] if labels.ndim == 1 else logits.sigmoid()


def check_classes(member: Member) -> None:
    """Refuse a training or validation part in which no label takes both values.

    Of several labels some may take one value only: they are left out of the validation metrics
    and listed in `run.json`.

    Raises
    ------
    FleximodalError
        Naming split and part.
    """
    for part in ("train", "val"):
        labels = member.dataset.label[member.parts[part]]
        if not both_classes(labels).any():
            raise FleximodalError(
                f"part {part!r} of split {member.split!r} ({len(labels)} stays) lacks one of the "
                "two classes, so its AUROC is undefined; use more stays or another split"
            )


def validation_metrics(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Return AUROC, AUPRC and F1 at 0.5.

    Of several labels the macro mean over those that have both classes, and the number of the
    others as `undefined_labels`.
    """
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
    return metrics if labels.ndim == 1 else metrics | {"undefined_labels": int((~kept).sum())}
