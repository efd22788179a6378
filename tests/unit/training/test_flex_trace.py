"""Traces of Flex-MoE against loops over tokens, cells and stays."""

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fleximodal.combination_names import combinations_of
from fleximodal.dataset.packed import PackedDataset
from fleximodal.errors import FleximodalError
from fleximodal.methods import registry
from fleximodal.methods.flexmoe_settings import FlexMoESettings
from fleximodal.methods.registry import Method
from fleximodal.methods.settings import ConcatSettings
from fleximodal.models.combinations import combination_index
from fleximodal.models.combinations import combinations as numbered
from fleximodal.training.cell import train_cell
from fleximodal.training.flex_trace import trace_cell
from fleximodal.training.flex_trace_activations import Activations
from fleximodal.training.flex_trace_bank import bank_distances, similarities
from fleximodal.training.flex_trace_blocks import Blocks
from fleximodal.training.flex_trace_probe import probe_bank, told_by_combination
from fleximodal.training.many_data import generate
from fleximodal.training.stored import read_cell
from tests.unit.training.toy import describe, write_inputs

T, D, STAYS = 4, 6, 90
LETTERS = "IGC"
SMALL: dict[str, Any] = {"width": 8, "heads": 2, "grid_steps": T, "experts": 9, "top_k": 2}


def test_names_are_in_the_order_of_the_index() -> None:
    for count in range(1, 6):
        letters = "IGCBX"[:count]
        named = ["".join(letters[m] for m in members) for members in numbered(count)]
        assert combinations_of(letters) == named


def test_activations_by_a_loop_over_tokens() -> None:
    random = np.random.default_rng(0)
    chosen = torch.from_numpy(np.stack([
        np.stack([random.permutation(5)[:2] for _ in range(7 * T)]) for _ in range(3)
    ]))  # fmt: skip
    combination = torch.tensor([0, 2, 2, -1, 5, 0, 1])
    activations = Activations(7)
    for part in (slice(0, 3), slice(3, 7)):
        tokens = slice(part.start * T, part.stop * T)
        activations.add(0, chosen[:, tokens], 5, combination[part])
    expected = {"top_k": np.zeros((7, 5), int), "top_1": np.zeros((7, 5), int)}
    for block in range(3):
        for token in range(7 * T):
            owner = int(combination[token // T])
            if owner >= 0:
                for place, expert in enumerate(chosen[block, token].tolist()):
                    expected["top_k"][owner, expert] += 1
                    expected["top_1"][owner, expert] += place == 0
    told = activations.told()[0]
    for name, counts in expected.items():
        assert told[name] == counts.tolist()
    kept = expected["top_k"]
    assert told["specialisation"][2] == kept[2, 2] / kept[2].sum()
    # Combination 3 has no stay, and 5 no expert of its own.
    assert told["specialisation"][3] is None and told["specialisation"][5] is None


@pytest.fixture
def made() -> tuple[Blocks, Tensor, Tensor, Tensor]:
    """Return sums over stays, the blocks (M, n, T, d), who has what (M, n), and a bank."""
    generator = torch.Generator().manual_seed(1)
    encoded = torch.randn(3, STAYS, T, D, generator=generator).double()
    encoded += torch.randn(3, 1, 1, D, generator=generator)
    present = torch.rand(3, STAYS, generator=generator) < 0.6
    present[2] = True  # as clinical data, never absent
    present[0, present[1]] = True  # combination GC does not occur
    cells = torch.randn(7, 3, T, D, generator=generator).double()
    number = combination_index(present)
    entered = torch.where(present[:, :, None, None], encoded, cells[number].transpose(0, 1))
    blocks = Blocks(LETTERS, STAYS)
    for index in torch.arange(STAYS).split(32):
        blocks.add(list(entered[:, index]), present[:, index], number[index])
    return blocks, entered, present, cells


def occurring(present: Tensor) -> list[int]:
    return sorted(set(combination_index(present).tolist()))


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one.ravel(), other.ravel()
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


def test_similarities_by_their_definition(made: tuple[Blocks, Tensor, Tensor, Tensor]) -> None:
    blocks, entered, present, cells = made
    numbers = occurring(present)
    names = combinations_of(LETTERS)
    assert [names[number] for number in numbers] == ["IGC", "IC", "C"]
    found = similarities(blocks, cells, numbers)
    number, bank = combination_index(present).numpy(), cells.numpy()
    for a, b in combinations(numbers, 2):
        pair = f"{names[a]}|{names[b]}"
        means = [entered[:, torch.from_numpy(number == c)].mean(1).numpy() for c in (a, b)]
        of = found["combinations"]
        assert of["model_inputs"][pair] == pytest.approx(cosine(*means))
        assert of["bank_rows"][pair] == pytest.approx(cosine(bank[a], bank[b]))
    # IC lacks G, C lacks I and G: both have the cell of G; complete stays have none.
    used = found["combinations"]["used_cells"]
    row_ic, row_c = names.index("IC"), names.index("C")
    assert used["IC|C"] == pytest.approx(cosine(bank[row_ic, 1], bank[row_c, 1]))
    assert used["IGC|IC"] is None and used["IGC|C"] is None
    missing = found["missing"]
    lack = [entered[:, ~present[m]].mean(1).numpy() for m in (0, 1)]
    assert missing["model_inputs"]["I|G"] == pytest.approx(cosine(*lack))
    assert missing["model_inputs"]["I|C"] is None  # C is never absent
    assert missing["bank_rows"]["I|C"] == pytest.approx(cosine(bank[:, 0], bank[:, 2]))
    assert missing["used_cells"]["I|G"] == pytest.approx(cosine(bank[row_c, 0], bank[row_c, 1]))
    assert missing["used_cells"]["G|C"] is None
    assert similarities(blocks, None, numbers)["combinations"]["bank_rows"]["IC|C"] is None


def test_distances_by_a_loop_over_stays(made: tuple[Blocks, Tensor, Tensor, Tensor]) -> None:
    blocks, entered, present, cells = made
    names = combinations_of(LETTERS)
    found = {(one["modality"], one["used"]): one for one in bank_distances(
        blocks, cells, occurring(present)
    )}  # fmt: skip
    own = entered[1, present[1]].numpy()  # what the encoder of G gave
    spread = np.sqrt(np.mean([np.sum((stay - own.mean(0)) ** 2) for stay in own]))
    for used, rows in ((True, ["IC", "C"]), (False, ["I"])):
        each, lengths = [], []
        for name in rows:
            cell = cells[names.index(name), 1].numpy()
            each.append(np.sqrt(np.mean([np.sum((cell - stay) ** 2) for stay in own])))
            length = np.sqrt(np.mean(np.sum(own**2, (1, 2))))
            lengths.append(np.linalg.norm(cell) / length)
        told = found["G", used]
        assert (told["cells"], told["stays"]) == (len(rows), len(own))
        assert told["spread"] == pytest.approx(spread)
        assert told["distance"] == pytest.approx(np.mean(each))
        assert told["relative"] == pytest.approx(np.mean(each) / spread)
        assert told["length"] == pytest.approx(np.mean(lengths))
    assert ("C", True) not in found  # nothing ever stands in for C


def test_the_mean_of_encodings_is_as_near_as_can_be(
    made: tuple[Blocks, Tensor, Tensor, Tensor],
) -> None:
    blocks, entered, present, cells = made
    cells[:, 1] = entered[1, present[1]].mean(0)
    told = bank_distances(blocks, cells, occurring(present))
    relative = {one["relative"] for one in told if one["modality"] == "G"}
    assert max(relative) == pytest.approx(1) == min(relative)


def test_probe_tells_planted_modalities(made: tuple[Blocks, Tensor, Tensor, Tensor]) -> None:
    _, entered, present, cells = made
    kinds = torch.zeros(3, 1, 1, D).double()
    for modality in range(3):
        kinds[modality, ..., modality] = 12.0
    blocks = Blocks(LETTERS, STAYS)
    blocks.add(list(entered + kinds), present, combination_index(present))
    used = occurring(present)
    for row in range(7):
        for modality in range(3):
            # Cells that are used look like their own modality, others like the next one.
            like = modality if row in used else (modality + 1) % 3
            cells[row, modality] = 0.1 * cells[row, modality] + kinds[like, 0]
    told = probe_bank(blocks, cells, used)
    assert told["encoder"] == pytest.approx(1.0)
    assert told["used"]["as_own"] == 1.0 and told["unused"]["as_own"] == 0.0
    assert told["used"]["cells"] == 3  # IC: G; C: I and G
    assert told["used"]["modality"] == {"accuracy": 1.0, "chance": pytest.approx(2 / 3)}


def test_what_a_combination_tells_of_the_class() -> None:
    labels = np.array([0, 0, 1, 2, 2, 2, 1, 0])
    number = np.array([0, 0, 0, 3, 3, 3, 3, 5])
    told = told_by_combination(labels, number)
    assert told == {"alone": 3 / 8, "combination": (2 + 3 + 1) / 8}
    assert told_by_combination(np.zeros((8, 2)), number) is None


def renamed(stays: int) -> PackedDataset:
    """Return generated stays whose modalities have initials of their own."""
    dataset = generate(3, stays=stays, features=5, missing=0.4, seed=2).dataset
    tables = dict(zip(("image", "genomic", "clinical"), dataset.modalities.values(), strict=True))
    return replace(dataset, source="toy", task="48-IHM", modalities={
        name: replace(table, name=name) for name, table in tables.items()
    })  # fmt: skip


def test_trace_of_a_trained_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = FlexMoESettings(**SMALL, layers=3)
    known = {
        "Flex-MoE": Method("Flex-MoE", settings, ""),
        "Concat": Method("Concat", ConcatSettings(width=8, heads=2, layers=1, grid_steps=T), ""),
    }
    monkeypatch.setattr(registry, "known_methods", lambda: known)
    dataset = renamed(160)
    inputs = write_inputs(tmp_path, dataset, ("seed0",))
    outputs = {}
    for name, method in known.items():
        description = describe(name, method.settings.model_dump(mode="json"))
        description |= {"splits": ["seed0"], "modalities": "image+genomic+clinical"}
        description["training"] = {**description["training"], "epochs": 1}
        outputs[name] = tmp_path / name
        state = tmp_path / "state"
        train_cell(description, **inputs, output=outputs[name], state=state, threads=1)
    stored = read_cell(outputs["Flex-MoE"], **inputs)
    trace_cell(stored, tmp_path / "trace.json", threads=1)
    told = json.loads((tmp_path / "trace.json").read_text())
    assert (told["letters"], told["part"]) == ("IGC", "train")
    train = stored.members[0].parts["train"]
    present = np.stack([np.diff(t.row_offsets) > 0 for t in dataset.modalities.values()])[:, train]
    index = combination_index(torch.from_numpy(present))
    stays = torch.bincount(index, minlength=7).tolist()
    for run in told["runs"]:
        assert [run["stays"][name] for name in told["combinations"]] == stays
        # Layers by turns sparse and dense: two of three have experts. All tokens choose two.
        assert [layer["layer"] for layer in run["routing"]["layers"]] == [0, 1]
        for layer in run["routing"]["layers"]:
            assert [sum(row) for row in layer["top_k"]] == [3 * T * 2 * n for n in stays]
            assert [sum(row) for row in layer["top_1"]] == [3 * T * n for n in stays]
        assert 0 <= run["bank"]["probe"]["encoder"] <= 1
        assert {one["modality"] for one in run["bank"]["distances"]} == set("IGC")
    # Untrained cells keep what they began with, so the bank of each run is its own.
    rows = [run["similarity"]["combinations"]["bank_rows"] for run in told["runs"]]
    assert rows[0] != rows[1]
    # No row of a stay: nothing is as long as the training part.
    assert len(train) not in {len(found) for found in _lists(told)}

    with pytest.raises(FleximodalError, match="'Concat' has none"):
        trace_cell(read_cell(outputs["Concat"], **inputs), tmp_path / "none.json", threads=1)


def _lists(value: Any) -> list[list[Any]]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [value] if isinstance(value, list) else []
    return own + [found for part in inside for found in _lists(part)]
