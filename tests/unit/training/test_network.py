"""The training loop: it learns, repeats itself, goes on after an interruption, says what failed."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from fleximodal.config.training import Training
from fleximodal.errors import FleximodalError
from fleximodal.methods.settings import ConcatSettings, FuseMoESettings, NetworkSettings
from fleximodal.methods.variants import parse_variant, with_variant
from fleximodal.training import network
from fleximodal.training.checkpoint import TrainingState
from fleximodal.training.member import Fitted
from fleximodal.training.network import best_epoch, fit_network
from fleximodal.training.reproducible import repeatable
from tests.unit.training.toy import TRAINING, Toy, ToySettings, cohort, member

LOG = logging.getLogger("fleximodal.training")
SMALL = {"width": 16, "heads": 2, "layers": 1, "time_width": 8, "time_heads": 2, "grid_steps": 6}
FUSEMOE = FuseMoESettings(**SMALL, experts=4, top_k=2)
RELEASED = with_variant(FUSEMOE, parse_variant("released"))


def fit(
    state: Path, settings: NetworkSettings, training: Training = TRAINING, **options: Any
) -> Fitted:
    with repeatable(threads=1):
        return fit_network(member(cohort(**options)), settings, training, state=state, log=LOG)


def assert_same(one: Fitted, other: Fitted) -> None:
    assert one.history == other.history
    assert one.chosen == other.chosen
    assert one.routing == other.routing
    for part in ("val", "test"):
        assert one.scores[part].tobytes() == other.scores[part].tobytes()
    assert one.tensors.keys() == other.tensors.keys()
    for name, value in one.tensors.items():
        assert torch.equal(value, other.tensors[name]), name


class StopAfter:
    """Raises when the state of epoch `epoch` has just been saved."""

    def __init__(self, epoch: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.save = TrainingState.save
        self.epoch = epoch
        monkeypatch.setattr(TrainingState, "save", lambda *args: self(*args))

    def __call__(self, state: TrainingState, progress: Any, *rest: Any) -> None:
        self.save(state, progress, *rest)
        if progress.epoch == self.epoch:
            raise KeyboardInterrupt


def test_a_planted_signal_is_learnt(tmp_path: Path) -> None:
    training = TRAINING.model_copy(update={"epochs": 8, "learning_rate": 0.005})
    settings = ConcatSettings(**SMALL)
    fitted = fit(tmp_path, settings, training, stays=300, signal=2.0)
    run = member(cohort(300, signal=2.0))
    labels = run.dataset.label[run.parts["test"]]
    assert roc_auc_score(labels, fitted.scores["test"]) > 0.8
    assert fitted.history[-1]["train_loss"] < 0.7 * fitted.history[0]["train_loss"]


def test_without_signal_nothing_is_learnt(tmp_path: Path) -> None:
    """Would fail if labels leaked into the inputs."""
    fitted = fit(tmp_path, ToySettings(), stays=600, signal=0.0)
    run = member(cohort(600, signal=0.0))
    assert 0.3 < roc_auc_score(run.dataset.label[run.parts["test"]], fitted.scores["test"]) < 0.7


@pytest.mark.parametrize(
    "settings",
    [ToySettings(), ConcatSettings(**SMALL), FUSEMOE, RELEASED],
    ids=["toy", "Concat", "FuseMoE", "FuseMoE-released"],
)
def test_equal_runs_give_equal_bits(tmp_path: Path, settings: NetworkSettings) -> None:
    torch.manual_seed(1)
    one = fit(tmp_path / "one", settings)
    torch.manual_seed(2)
    assert_same(one, fit(tmp_path / "other", settings))


def test_seeds_differ(tmp_path: Path) -> None:
    dataset = cohort()
    runs = [
        fit_network(
            member(dataset, seed=seed), ToySettings(), TRAINING, state=tmp_path / str(seed), log=LOG
        )
        for seed in (32, 42)
    ]
    assert not np.array_equal(runs[0].scores["test"], runs[1].scores["test"])


@pytest.mark.parametrize(
    ("settings", "epoch"),
    [
        (ToySettings(), 1),
        (ToySettings(), 3),
        (FUSEMOE, 2),
        (RELEASED, 2),
    ],
    ids=["toy-1", "toy-3", "FuseMoE-2", "FuseMoE-released-2"],
)
def test_interrupted_training_ends_like_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: NetworkSettings, epoch: int
) -> None:
    whole = fit(tmp_path / "whole", settings)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        StopAfter(epoch, patch)
        fit(tmp_path / "cut", settings)
    trained = []
    with monkeypatch.context() as patch:
        train = network.train_epoch
        patch.setattr(
            network,
            "train_epoch",
            lambda *args, **kw: trained.append(kw["epoch"]) or train(*args, **kw),
        )
        torch.manual_seed(99)
        resumed = fit(tmp_path / "cut", settings)
    assert trained == list(range(epoch + 1, TRAINING.epochs + 1))
    assert_same(whole, resumed)


def test_killed_training_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    """The process is killed while it trains its second epoch or a later one."""
    whole = fit(tmp_path / "whole", ToySettings())
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from fleximodal.training import network\n"
        "from tests.unit.training.test_network import fit\n"
        "from tests.unit.training.toy import ToySettings\n"
        "train = network.train_epoch\n"
        "def slow(*args, epoch, **kw):\n"
        "    losses = train(*args, epoch=epoch, **kw)\n"
        "    if epoch == 2:\n"
        "        print('second epoch', flush=True)\n"
        "        sys.stdin.read()\n"
        "    return losses\n"
        "network.train_epoch = slow\n"
        "fit(Path(sys.argv[1]), ToySettings())\n"
    )
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "cut")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root / 'src'}:{root}"},
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "second epoch\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    left = sorted(path.name for path in (tmp_path / "cut").iterdir())
    assert left == ["best-1.safetensors", "last-1.safetensors", "progress.json"]
    resumed = fit(tmp_path / "cut", ToySettings())
    assert_same(whole, resumed)
    assert resumed.cost["resumed_seconds"] > 0


def test_state_killed_while_writing_is_that_of_the_epoch_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tensors of the second epoch are there, its progress is not yet."""
    whole = fit(tmp_path / "whole", ToySettings())
    write = TrainingState._write

    def fail(state: TrainingState, name: str, tensors: Any) -> None:
        write(state, name, tensors)
        if name == "last-2.safetensors":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(TrainingState, "_write", fail)
        fit(tmp_path / "cut", ToySettings())
    assert_same(whole, fit(tmp_path / "cut", ToySettings()))


def test_state_of_another_run_is_not_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        StopAfter(2, patch)
        fit(tmp_path / "state", ToySettings(noise=0.5))
    assert_same(fit(tmp_path / "state", ToySettings()), fit(tmp_path / "new", ToySettings()))


def test_progress_is_kept_small(tmp_path: Path) -> None:
    fit(tmp_path, ToySettings())
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("metric", ["f1", "auroc", "auprc"])
def test_scores_are_those_of_the_selected_epoch(tmp_path: Path, metric: str) -> None:
    training = TRAINING.model_copy(update={"select_metric": metric})
    fitted = fit(tmp_path, ToySettings(), training)
    selected = [row for row in fitted.history if row["selected"]]
    assert len(selected) == 1
    values = [row[f"val_{metric}"] for row in fitted.history]
    assert selected[0]["epoch"] == 1 + values.index(max(values)) == fitted.chosen["epoch"]
    run = member(cohort())
    labels, scores = run.dataset.label[run.parts["val"]], fitted.scores["val"]
    assert selected[0]["val_auroc"] == roc_auc_score(labels, scores)
    assert selected[0]["val_auprc"] == average_precision_score(labels, scores)
    assert selected[0]["val_f1"] == f1_score(labels, scores >= 0.5)
    cross_entropy = -np.log(np.where(labels == 1, scores, 1 - scores)).mean()
    assert selected[0]["val_loss"] == pytest.approx(cross_entropy, rel=1e-5)


def test_the_first_of_equal_epochs_is_best() -> None:
    history = [{"epoch": i + 1, "val_f1": value} for i, value in enumerate([0.0, 0.5, 0.2, 0.5])]
    assert best_epoch(history, "f1") == 2


def test_best_weights_are_those_of_an_earlier_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = TRAINING.model_copy(update={"epochs": 1})
    first = fit(tmp_path / "first", ToySettings(), training)
    monkeypatch.setattr(network, "best_epoch", lambda history, metric: 1)
    later = fit(tmp_path / "later", ToySettings())
    assert later.scores["test"].tobytes() == first.scores["test"].tobytes()


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_a_loss_that_is_not_finite_is_named(tmp_path: Path, part: str) -> None:
    run = member(cohort())
    settings = ToySettings(poison=int(run.parts[part][0]))
    with pytest.raises(
        FleximodalError, match=rf"^{part} loss is nan in split 'seed0', seed 32, ep"
    ):
        fit_network(run, settings, TRAINING, state=tmp_path, log=LOG)


@pytest.mark.parametrize("part", ["train", "val"])
def test_a_part_with_one_class_is_refused(tmp_path: Path, part: str) -> None:
    run = member(cohort())
    run.dataset.label[run.parts[part]] = 0
    with pytest.raises(FleximodalError, match=f"part '{part}' of split 'seed0' .* classes"):
        fit_network(run, ToySettings(), TRAINING, state=tmp_path, log=LOG)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_absent_gpu_is_an_error(tmp_path: Path) -> None:
    training = TRAINING.model_copy(update={"device": "cuda"})
    with pytest.raises(FleximodalError, match="no usable GPU"):
        fit(tmp_path, ToySettings(), training)


def test_history_and_log_tell_each_epoch(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        fitted = fit(tmp_path, ToySettings())
    assert [row["epoch"] for row in fitted.history] == [1, 2, 3]
    assert not any("second" in key for key in fitted.history[0])
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 3
    assert lines[0].startswith("split 'seed0', seed 32, epoch 1 of 3: train loss")
    assert fitted.cost["training_samples_per_second"] > 0


def test_parameters_and_routing(tmp_path: Path) -> None:
    fitted = fit(tmp_path, ToySettings())
    expected = sum(p.numel() for p in Toy(ToySettings(), [3, 2, 3], 2).parameters())
    assert fitted.parameters == expected
    assert [(row["layer"], row["router"], row["expert"]) for row in fitted.routing] == [
        ("0", "joint", 0),
        ("0", "joint", 1),
    ]
    assert fitted.routing[1]["mean_gate"] == pytest.approx(1.0)
