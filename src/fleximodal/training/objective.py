"""Loss, probabilities and validation metrics of binary and multilabel tasks."""

import numpy as np
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score
from torch import Tensor
from torch.nn import functional

from fleximodal.errors import FleximodalError
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
    """Refuse a training or validation part in which a label takes one value only.

    Raises
    ------
    FleximodalError
        Naming split and part.
    """
    for part in ("train", "val"):
        labels = member.dataset.label[member.parts[part]]
        if len(labels) == 0 or (labels.min(axis=0) == labels.max(axis=0)).any():
            raise FleximodalError(
                f"part {part!r} of split {member.split!r} ({len(labels)} stays) lacks one of the "
                "two classes, so its AUROC is undefined; use more stays or another split"
            )


def validation_metrics(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Return AUROC, AUPRC and F1 at 0.5; the macro mean over labels if there are several."""
    average = "binary" if labels.ndim == 1 else "macro"
    return {
        "auroc": float(roc_auc_score(labels, scores)),
        "auprc": float(average_precision_score(labels, scores)),
        "f1": float(f1_score(labels, scores >= THRESHOLD, average=average, zero_division=0)),
    }
