"""The page on adding a method holds code that works as it stands."""

import importlib
import sys
from pathlib import Path

import pytest
import torch

from fleximodal.dataset.batch import Batch, ItemsBatch, SeriesBatch
from fleximodal.methods.registry import Method
from fleximodal.models.build import ModalitySpec
from fleximodal.training.functions import load_function
from tests.docs.pages import ROOT, blocks_of


def test_example_network_trains_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "mypackage"
    package.mkdir()
    (package / "__init__.py").touch()
    for block in blocks_of(ROOT / "docs" / "adding_a_method.md"):
        if block.mark == "file":
            (tmp_path / block.words).write_text(block.text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("mypackage", "mypackage.methods", "mypackage.late"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    method = importlib.import_module("mypackage.methods").LATE
    assert isinstance(method, Method)
    build = load_function(method.settings.builder, "building the example")
    model = build(
        method.settings,
        [ModalitySpec("vitals", "series", 3), ModalitySpec("static", "items", 2)],
        2,
    )
    stays, rows = 5, 4
    mask = (torch.rand(stays, rows, 3) < 0.5).float()
    batch = Batch(
        modalities={
            "vitals": SeriesBatch(
                values=torch.randn(stays, rows, 3) * mask,
                mask=mask,
                times=torch.rand(stays, rows),
                grid=torch.zeros(stays, 48, 6),
                present=torch.ones(stays, dtype=torch.bool),
            ),
            "static": ItemsBatch(
                values=torch.randn(stays, 1, 2),
                mask=torch.ones(stays, 1),
                times=torch.zeros(stays, 1),
                present=torch.ones(stays, dtype=torch.bool),
            ),
        },
        labels=torch.tensor([0, 1, 0, 1, 0]),
        index=torch.arange(stays),
    )
    output = model(batch)
    assert output.logits.shape == (stays, 2)
    torch.nn.functional.cross_entropy(output.logits, batch.labels).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
