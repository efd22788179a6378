"""Seeds, functions named in settings, losses and metrics, threads."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, log_loss, roc_auc_score
from torch import Tensor

from fleximodal.errors import FleximodalError
from fleximodal.training.functions import load_function
from fleximodal.training.objective import probabilities, task_loss, validation_metrics
from fleximodal.training.reproducible import repeatable
from fleximodal.training.seeds import derived_seed


def test_seeds_are_the_same_in_every_process() -> None:
    code = "from fleximodal.training.seeds import derived_seed as d; print(d(32, 'epoch', 3))"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": "src", "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert printed == {f"{derived_seed(32, 'epoch', 3)}\n"}


def test_seeds_of_parts_differ_and_fit_torch() -> None:
    seeds = {
        derived_seed(seed, kind, epoch)
        for seed in (32, 42) for kind in ("epoch", "order") for epoch in range(20)
    }  # fmt: skip
    assert len(seeds) == 80
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("numpy", "'numpy' is not of the form 'module:function'"),
        ("no_such_package.x:f", "'no_such_package.x' cannot be imported"),
        ("numpy:no_such", "module 'numpy' has no function 'no_such'"),
        ("numpy:pi", "has no function 'pi'"),
    ],
)
def test_functions_that_cannot_be_found_are_named(address: str, message: str) -> None:
    with pytest.raises(FleximodalError, match=rf"^trainer of 'X': .*{message}"):
        load_function(address, "trainer of 'X'")


def test_function_is_found() -> None:
    assert load_function("numpy.linalg:norm", "a norm") is np.linalg.norm


@pytest.fixture
def binary() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(40, 2, generator=generator)
    return logits, torch.randint(0, 2, (40,), generator=generator)


@pytest.fixture
def multilabel() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(40, 5, generator=generator)
    return logits, torch.randint(0, 2, (40, 5), generator=generator).float()


def test_binary_loss_is_that_of_the_scores(binary: tuple[Tensor, Tensor]) -> None:
    scores = probabilities(*binary)
    assert scores.shape == (40,)
    expected = log_loss(binary[1].numpy(), scores.numpy())
    assert float(task_loss(*binary)) == pytest.approx(expected, rel=1e-6)


def test_multilabel_loss_is_the_mean_over_stays_and_labels(
    multilabel: tuple[Tensor, Tensor],
) -> None:
    scores = probabilities(*multilabel)
    assert scores.shape == (40, 5)
    columns = [log_loss(multilabel[1][:, k].numpy(), scores[:, k].numpy()) for k in range(5)]
    assert float(task_loss(*multilabel)) == pytest.approx(np.mean(columns), rel=1e-5)


def test_metrics_of_several_labels_are_macro_means(multilabel: tuple[Tensor, Tensor]) -> None:
    labels, scores = multilabel[1].numpy(), probabilities(*multilabel).numpy()
    metrics = validation_metrics(labels, scores)
    columns = range(labels.shape[1])
    assert metrics["auroc"] == pytest.approx(
        np.mean([roc_auc_score(labels[:, k], scores[:, k]) for k in columns])
    )
    assert metrics["f1"] == pytest.approx(
        np.mean([f1_score(labels[:, k], scores[:, k] >= 0.5) for k in columns])
    )


def test_a_label_with_one_class_is_left_out_and_counted(
    multilabel: tuple[Tensor, Tensor],
) -> None:
    labels, scores = multilabel[1].numpy(), probabilities(*multilabel).numpy()
    rest = validation_metrics(labels[:, 1:], scores[:, 1:])
    assert rest["undefined_labels"] == 0
    labels[:, 0] = 1
    assert validation_metrics(labels, scores) == rest | {"undefined_labels": 1}
    assert "undefined_labels" not in validation_metrics(labels[:, 1], scores[:, 1])


def test_f1_without_predicted_positives_is_zero() -> None:
    assert validation_metrics(np.array([0, 1]), np.array([0.1, 0.2]))["f1"] == 0


def test_threads_are_set_for_the_block_only() -> None:
    before = torch.get_num_threads()
    with repeatable(threads=3):
        assert torch.get_num_threads() == 3
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == before
    assert not torch.are_deterministic_algorithms_enabled()
