"""A cell with one label of three classes, from the packed dataset to its predictions."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from scipy.special import log_softmax, softmax
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    log_loss,
    roc_auc_score,
)

from fleximodal.config.training import Training
from fleximodal.errors import FleximodalError
from fleximodal.methods import registry
from fleximodal.methods.registry import Method
from fleximodal.methods.settings import HAIMSettings, MethodSettings
from fleximodal.training.cell import train_cell
from fleximodal.training.network import fit_network
from fleximodal.training.objective import (
    check_classes,
    class_weights,
    num_outputs,
    probabilities,
    task_loss,
    validation_metrics,
)
from fleximodal.training.scoring import score_network
from tests.unit.dataset.tables import CLASSES, table
from tests.unit.training.subjects import member, subjects
from tests.unit.training.toy import TRAINING, ToySettings, describe, parts_of, write_inputs

LOG = logging.getLogger("fleximodal.training")
METHODS: dict[str, MethodSettings] = {"Toy": ToySettings(), "HAIM": HAIMSettings(grid="off")}
RANDOM = np.random.default_rng(8)


@pytest.fixture(autouse=True)
def methods(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {name: Method(name, settings, "") for name, settings in METHODS.items()}
    monkeypatch.setattr(registry, "known_methods", lambda: known)


def description(method: str, **changes: object) -> dict[str, Any]:
    given = describe(method, METHODS[method].model_dump(mode="json"))
    return given | {
        "task": "diagnosis",
        "splits": ["seed0"],
        "seeds": [32],
        "modalities": "genomic+clinical",
        **changes,
    }


@pytest.mark.parametrize("method", METHODS)
def test_a_cell_from_dataset_to_predictions(tmp_path: Path, method: str) -> None:
    dataset = subjects()
    inputs = write_inputs(tmp_path, dataset, ("seed0",))
    output = tmp_path / "runs"
    train_cell(description(method), **inputs, output=output, state=tmp_path / "state", threads=1)
    predictions = pl.read_parquet(output / "predictions.parquet")
    assert predictions.schema["label"] == pl.Int8
    assert predictions.schema["score"] == pl.List(pl.Float64)
    told = pl.read_parquet_metadata(output / "predictions.parquet")["labels"]
    assert json.loads(told) == list(CLASSES)
    scores = np.array(predictions["score"].to_list())
    assert scores.shape == (predictions.height, 3)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-12)
    labels = predictions["label"].to_numpy()
    position = dataset.index_of(predictions["stay_id"].to_numpy())
    np.testing.assert_array_equal(labels, dataset.label[position])
    assert roc_auc_score(labels, scores, multi_class="ovr") > 0.75

    unseen = ~np.logical_or.reduce(
        [np.diff(one.row_offsets) > 0 for one in dataset.modalities.values()]
    )
    assert unseen.any() and not unseen[position].any()
    run = json.loads((output / "run.json").read_text())["runs"][0]
    wanted = {part: int(unseen[rows].sum()) for part, rows in parts_of(dataset, 0).items()}
    assert run["stays_without_modality"] == wanted
    if method == "Toy":
        row = {name: run["chosen"][f"val_{name}"] for name in ("auroc", "accuracy", "macro_f1")}
        val = predictions["part"] == "val"
        y, p = labels[val.to_numpy()], scores[val.to_numpy()]
        assert row == {
            "auroc": pytest.approx(roc_auc_score(y, p, multi_class="ovr")),
            "accuracy": pytest.approx(accuracy_score(y, p.argmax(1))),
            "macro_f1": pytest.approx(f1_score(y, p.argmax(1), average="macro")),
        }


def test_all_stays_of_a_part_without_the_modalities_is_an_error(tmp_path: Path) -> None:
    dataset = subjects()
    lost = parts_of(dataset, 0)["val"]
    keep = np.ones(dataset.num_stays, dtype=bool)
    keep[lost] = False
    values = RANDOM.normal(size=(dataset.num_stays, 2)).astype(np.float32)
    dataset.modalities["clinical"] = table("clinical", values, keep)
    inputs = write_inputs(tmp_path, dataset, ("seed0",))
    told = description("Toy", modalities="clinical")
    with pytest.raises(FleximodalError, match="no stay of part 'val' .* other modalities"):
        train_cell(told, **inputs, output=tmp_path / "o", state=tmp_path / "s", threads=1)


def test_validation_metrics_are_those_of_scikit_learn() -> None:
    label = RANDOM.integers(0, 4, 200)
    scores = softmax(RANDOM.normal(size=(200, 4)) + np.eye(4)[label], axis=1)
    found = validation_metrics(label, scores)
    chosen = scores.argmax(1)
    macro = f1_score(label, chosen, average="macro")
    assert found == {
        "auroc": pytest.approx(roc_auc_score(label, scores, multi_class="ovr")),
        "auprc": pytest.approx(average_precision_score(np.eye(4)[label], scores)),
        "f1": pytest.approx(macro),
        "accuracy": pytest.approx(accuracy_score(label, chosen)),
        "macro_f1": pytest.approx(macro),
    }


def test_accuracy_and_macro_f1_of_a_binary_label() -> None:
    label, score = RANDOM.integers(0, 2, 100), RANDOM.random(100)
    found = validation_metrics(label, score)
    chosen = score >= 0.5
    assert found["accuracy"] == pytest.approx(accuracy_score(label, chosen))
    assert found["macro_f1"] == pytest.approx(f1_score(label, chosen, average="macro"))
    assert found["f1"] == pytest.approx(f1_score(label, chosen))


@pytest.mark.parametrize("weighted", [False, True])
def test_loss_is_that_of_scikit_learn(weighted: bool) -> None:
    logits, label = RANDOM.normal(size=(30, 3)), RANDOM.integers(0, 3, 30)
    weights = np.array([0.5, 2.0, 1.0]) if weighted else np.ones(3)
    wanted = log_loss(label, softmax(logits, axis=1), sample_weight=weights[label])
    given = torch.tensor(weights) if weighted else None
    rows = RANDOM.random(30) < 0.4
    loss = task_loss(torch.tensor(logits), torch.tensor(label), given)
    assert float(loss) == pytest.approx(wanted)
    of_rows = log_loss(
        label[rows],
        softmax(logits[rows], axis=1),
        sample_weight=weights[label[rows]],
        labels=range(3),
    )
    some = task_loss(torch.tensor(logits), torch.tensor(label), given, torch.tensor(rows))
    assert float(some) == pytest.approx(of_rows)
    none = task_loss(torch.tensor(logits), torch.tensor(label), given, torch.zeros(30) > 0)
    assert float(none) == 0


def test_loss_of_some_rows_with_several_labels() -> None:
    logits, label = RANDOM.normal(size=(20, 3)), RANDOM.integers(0, 2, (20, 3))
    rows = RANDOM.random(20) < 0.5
    wanted = task_loss(torch.tensor(logits[rows]), torch.tensor(label[rows]))
    found = task_loss(torch.tensor(logits), torch.tensor(label), rows=torch.tensor(rows))
    assert float(found) == pytest.approx(float(wanted))


def test_probabilities_and_outputs() -> None:
    logits = torch.tensor(RANDOM.normal(size=(5, 3)))
    one, many = torch.zeros(5, dtype=torch.int64), torch.zeros(5, 3, dtype=torch.int64)
    np.testing.assert_allclose(probabilities(logits, one), softmax(logits.numpy(), axis=1))
    np.testing.assert_allclose(probabilities(logits, many), 1 / (1 + np.exp(-logits.numpy())))
    pair = np.exp(log_softmax(logits[:, :2].numpy(), axis=1))[:, 1]
    np.testing.assert_allclose(probabilities(logits[:, :2], one), pair)
    dataset = subjects()
    assert num_outputs(dataset) == 3
    assert num_outputs(replace(dataset, labels=("death",), label=dataset.label % 2)) == 2


def test_every_class_must_be_in_train_and_val() -> None:
    dataset = subjects()
    run = member(dataset)
    check_classes(run)
    label = dataset.label.copy()
    label[run.parts["val"]] = label[run.parts["val"]] % 2
    with pytest.raises(FleximodalError, match=r"'val' .* has no stay of class 'dementia'"):
        check_classes(replace(run, dataset=replace(dataset, label=label)))


def test_class_weights_must_fit_the_classes() -> None:
    run, device = member(subjects()), torch.device("cpu")
    assert class_weights(run, None, device) is None
    assert class_weights(run, [1, 2, 3], device).tolist() == [1, 2, 3]  # type: ignore[union-attr]
    with pytest.raises(FleximodalError, match="class_weights has 2 numbers.* has 3 classes"):
        class_weights(run, [1, 2], device)
    several = replace(run, dataset=replace(run.dataset, label=np.eye(3)[run.dataset.label]))
    with pytest.raises(FleximodalError, match="has several labels"):
        class_weights(several, [1, 2, 3], device)


def test_training_follows_weights_and_metric(tmp_path: Path) -> None:
    run = member(subjects(signal=0.5))
    plain, weighted = (
        fit_network(
            run,
            ToySettings(),
            TRAINING.model_copy(update={"class_weights": weights, "select_metric": "accuracy"}),
            state=tmp_path / str(number),
            log=LOG,
        )
        for number, weights in enumerate((None, [1.0, 40.0, 1.0]))
    )
    assert plain.chosen["select_metric"] == "accuracy"
    best = max(row["val_accuracy"] for row in plain.history)
    assert plain.chosen["val_accuracy"] == best
    # A class that counts forty-fold is predicted more often.
    shares = [one.scores["test"].argmax(1) == 1 for one in (plain, weighted)]
    assert shares[1].mean() > shares[0].mean() + 0.2
    # The validation loss is weighted as the training loss is.
    scores = weighted.scores["val"]
    labels = run.dataset.label[run.parts["val"]]
    mass = np.array([1.0, 40.0, 1.0])[labels]
    assert weighted.chosen["val_loss"] == pytest.approx(
        log_loss(labels, scores, sample_weight=mass), rel=1e-5
    )
    stored = score_network(run, ToySettings(), TRAINING, plain.tensors, ["test"])
    np.testing.assert_array_equal(stored["test"], plain.scores["test"])


def test_metric_of_one_label_is_refused_for_several(tmp_path: Path) -> None:
    run = member(subjects())
    several = replace(
        run, dataset=replace(run.dataset, label=np.eye(3, dtype=np.int8)[run.dataset.label])
    )
    training = Training(epochs=1, select_metric="accuracy", device="cpu")
    with pytest.raises(FleximodalError, match="'accuracy' is not defined for the labels"):
        fit_network(several, ToySettings(), training, state=tmp_path, log=LOG)
