"""Orders of methods on predictions whose order is known: confirmed, contradicted, undecided."""

from pathlib import Path

import pandas as pd
import pytest

from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.declared import load_table
from fleximodal.publishing.entries import entries
from fleximodal.publishing.published_declaration import PublishedTable
from fleximodal.publishing.published_values import Printed
from fleximodal.publishing.rankings import build_rankings, collect_rankings, write_rankings
from fleximodal.publishing.summary import summarise
from tests.unit.publishing.stored_cells import Gain, store_predictions

ROOT = Path(__file__).resolve().parents[3]
DRAWS = {"replicates": 60, "seed": 0}


def table_of(data: str = "real", **changes: object) -> PublishedTable:
    table = load_table(ROOT / "config" / "tables" / "table7.yaml", known_methods(), data)
    assert isinstance(table, PublishedTable)
    methods = {m: table.methods[m] for m in ("MISTS", "MulT", "Softmax", "Laplace")}
    kept = {"methods": methods, "gates": ["Softmax", "Laplace"], "tasks": ["48-IHM"]}
    return table.model_copy(update=kept | changes)


def printed_of(table: PublishedTable, **means: float) -> dict:
    return {
        (modalities, task, metric, method): Printed(mean, 0.5, "MIMIC-III", "made up")
        for modalities in table.modalities
        for task in table.tasks
        for metric in table.metrics
        for method, mean in means.items()
    }


def ranked(root: Path, table: PublishedTable, gain: Gain, printed: dict, labels: int = 1) -> dict:
    files = [store_predictions(root, cell, gain(cell), labels=labels) for cell in table.cells()]
    cells = entries(table, predictions=files)
    claims = build_rankings(table, cells, printed, level=0.05, **DRAWS)
    return {(claim.metric, claim.kind): claim for claim in claims}


LAPLACE_BEST = {"MISTS": 80.0, "MulT": 79.0, "Softmax": 81.0, "Laplace": 82.0}


@pytest.mark.parametrize("labels", [1, 3])
def test_a_true_order_is_confirmed(tmp_path: Path, labels: int) -> None:
    table = table_of()
    gains = {"FuseMoE-Laplace-joint": 3.0, "FuseMoE-Softmax-joint": 1.5}
    found = ranked(
        tmp_path,
        table,
        lambda c: gains.get(c.method, 0.5),
        printed_of(table, **LAPLACE_BEST),
        labels,
    )
    best = found["AUROC", "best"]
    assert (best.printed_first, best.printed_second) == ("Laplace", "Softmax")
    assert best.printed_difference == 1.0
    assert (best.our_first, best.our_second) == ("Laplace", "Softmax")
    assert best.difference is not None and best.low is not None and 0 < best.low < best.difference
    assert best.outcome == best.verdict == "confirmed"
    assert best.n_pairs == 2 and best.p_seeds is not None
    gates = found["AUROC", "gates"]
    assert (gates.printed_first, gates.printed_second) == ("Laplace", "MISTS")
    assert gates.our_first == "Laplace" and gates.verdict == "confirmed"


def test_a_single_method_of_the_paper_is_ranked_once(tmp_path: Path) -> None:
    table = table_of(gates=["Laplace"])
    found = ranked(tmp_path, table, lambda c: 1.0, printed_of(table, **LAPLACE_BEST))
    assert {kind for _, kind in found} == {"best"}
    behind = printed_of(table, **LAPLACE_BEST | {"MISTS": 83.0})
    found = ranked(tmp_path, table, lambda c: 1.0, behind)
    assert {kind for _, kind in found} == {"best", "gates"}
    claim = found["F1", "gates"]
    assert (claim.printed_first, claim.printed_second) == ("MISTS", "Laplace")


def test_the_reverse_order_is_contradicted(tmp_path: Path) -> None:
    table = table_of()
    gains = {"MISTS": 3.0, "MulT": 2.5}
    found = ranked(
        tmp_path, table, lambda c: gains.get(c.method, 0.5), printed_of(table, **LAPLACE_BEST)
    )
    for kind in ("best", "gates"):
        claim = found["AUROC", kind]
        assert claim.verdict == "contradicted" and claim.our_second == "MISTS"
        assert claim.difference is not None and claim.difference < 0


def test_equal_methods_are_undecided(tmp_path: Path) -> None:
    table = table_of()
    found = ranked(tmp_path, table, lambda c: 1.0, printed_of(table, **LAPLACE_BEST))
    assert {claim.verdict for claim in found.values()} == {"undecided"}


def test_a_baseline_that_is_printed_ahead_is_the_claim(tmp_path: Path) -> None:
    table = table_of()
    printed = printed_of(table, **(LAPLACE_BEST | {"MulT": 90.0}))
    gains = {"MulT": 3.0}
    found = ranked(tmp_path, table, lambda c: gains.get(c.method, 0.5), printed)
    gates = found["AUROC", "gates"]
    assert (gates.printed_first, gates.printed_second) == ("MulT", "Laplace")
    assert gates.our_first == "MulT" and gates.verdict == "confirmed"


def test_generated_data_give_an_outcome_but_no_verdict(tmp_path: Path) -> None:
    table = table_of("generated")
    gains = {"FuseMoE-Laplace-joint": 3.0}
    found = ranked(
        tmp_path, table, lambda c: gains.get(c.method, 0.5), printed_of(table, **LAPLACE_BEST)
    )
    best = found["AUROC", "best"]
    assert (best.outcome, best.verdict) == ("confirmed", "not comparable: synthetic data")


def test_absent_data_leave_the_printed_order(tmp_path: Path) -> None:
    table = table_of()
    cells = entries(table, predictions=[])
    claims = build_rankings(table, cells, printed_of(table, **LAPLACE_BEST), level=0.05, **DRAWS)
    assert len(claims) == 4
    assert {claim.verdict for claim in claims} == {"not run: data absent"}
    assert {claim.printed_first for claim in claims} == {"Laplace"}


def test_parts_become_one_table_and_a_summary(tmp_path: Path) -> None:
    table = table_of()
    gains = {"MISTS": 3.0}
    files = [store_predictions(tmp_path, c, gains.get(c.method, 0.5)) for c in table.cells()]
    part, output = tmp_path / "table7.json", tmp_path / "rankings.csv"
    write_rankings(
        table,
        entries(table, predictions=files),
        printed_of(table, **LAPLACE_BEST),
        part,
        level=0.05,
        **DRAWS,
    )
    collect_rankings([part], output)
    frame = pd.read_csv(output)
    assert len(frame) == 4 and frame["claim"].is_unique
    lines = summarise([], rankings=output).splitlines()
    assert lines[0] == f"Orders of methods (4): {output}"
    assert (
        "    contradicted: table7-vitals+notes-48-IHM-AUROC-best: MISTS is ahead of Laplace"
        in lines
    )
    collect_rankings([], output)
    assert len(pd.read_csv(output)) == 0
    part.write_text(part.read_text().replace("p_seeds", "p_seed"))
    with pytest.raises(FleximodalError, match="table7.json: has other keys"):
        collect_rankings([part], output)
