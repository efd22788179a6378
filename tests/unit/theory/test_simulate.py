"""A small simulation: its files, counts, and equal bytes."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from fleximodal.theory.settings import Theory
from fleximodal.theory.simulate import simulate

SMALL: dict[str, Any] = {
    **{"smallest_size": 100, "largest_size": 900, "sizes": 3, "replicates": 4},
    **{"printed_replicates": 3, "starts": 2, "bootstrap_replicates": 100},
}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("theory") / "identifiable" / "laplace"
    simulate(SMALL, folder, configuration="identifiable", gate="laplace", threads=1)
    return folder


def test_every_fit_is_there_with_its_cells(output: Path) -> None:
    fits = pl.read_parquet(output / "fits.parquet")
    cells = pl.read_parquet(output / "cells.parquet")
    assert len(fits) == 3 * 4 * 2
    assert len(cells) == 2 * len(fits)
    assert fits["n"].unique().sort().to_list() == Theory(**SMALL).grid() == [100, 300, 900]
    totals = cells.group_by("n", "setting", "replicate").agg(pl.col("fitted").sum())
    assert set(totals.filter(pl.col("setting") == "exact")["fitted"]) == {2}
    assert set(totals.filter(pl.col("setting") == "over")["fitted"]) == {3}
    assert (fits["value"] >= fits["value_of_truth"]).all()
    assert fits["variation"].is_between(0, 1).all()
    over = fits.filter(pl.col("setting") == "over")["lightest"]
    assert over.is_between(0, 0.5).all()
    assert set(fits.filter(pl.col("setting") == "exact")["lightest"]) == {1.0}
    assert fits["centre"].list.len().to_list() == fits["components"].to_list()


def test_slopes_hold_every_quantity_and_the_printed_number_of_replicates(output: Path) -> None:
    summary = json.loads((output / "slopes.json").read_text())
    entries = summary["slopes"]
    whole = {(e["setting"], e["quantity"]) for e in entries if e["fitted"] is None}
    assert whole == {
        *(("exact", name) for name in ("D1", "D1 at EM stop", "TV")),
        *(("over", name) for name in ("D2", "D2 at EM stop", "TV", "lightest share")),
    }
    assert {e["replicates"] for e in entries if e["quantity"] == "D1"} == {3, 4}
    double = [e for e in entries if e["fitted"] == 2 and e["setting"] == "over"]
    assert {e["quantity"] for e in double} == {"exp(beta)", "W", "a", "b", "nu"}
    assert {e["quantity"] for e in double if e["error"] == "weighted"} == {"W", "a", "b", "nu"}
    assert len(summary["points"]) == 7 * 3
    counts = summary["counts"]["over"]
    assert counts["fits"] == 12 and counts["starts"] == 24
    assert sum(counts["cells"].values()) == 12


def test_points_are_those_of_the_fits(output: Path) -> None:
    summary = json.loads((output / "slopes.json").read_text())
    fits = pl.read_parquet(output / "fits.parquet")
    point = next(p for p in summary["points"] if p["quantity"] == "D2" and p["n"] == 300)
    losses = fits.filter((pl.col("n") == 300) & (pl.col("setting") == "over"))["loss"]
    assert point["median"] == pytest.approx(losses.median())
    assert point["sd"] == pytest.approx(losses.std())


def test_equal_seeds_give_equal_bytes_on_any_number_of_threads(
    output: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    simulate(SMALL, again, configuration="identifiable", gate="laplace", threads=3)
    for name in ("fits.parquet", "cells.parquet", "slopes.json"):
        assert (again / name).read_bytes() == (output / name).read_bytes(), name


def test_another_seed_gives_other_numbers(output: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    simulate({**SMALL, "seed": 1}, other, configuration="identifiable", gate="laplace")
    assert (other / "slopes.json").read_bytes() != (output / "slopes.json").read_bytes()


@pytest.mark.parametrize("gate", ["softmax", "gaussian"])
def test_printed_draw_and_other_gates_run_and_count(gate: str, tmp_path: Path) -> None:
    simulate(
        {**SMALL, "evaluations": 2, "dimension": 2, "largest_size": 400, "replicates": 2},
        tmp_path / gate,
        configuration="published",
        gate=gate,
    )
    counts = json.loads((tmp_path / gate / "slopes.json").read_text())["counts"]
    assert counts["over"]["not_converged"] == counts["over"]["fits"] == 6


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"replicate": 3}, "replicate"),
        ({"largest_size": 1000}, "is not above smallest_size"),
        ({"gates": ["laplace", "laplace"]}, "gates occurs twice"),
        ({"gates": ["cosine"]}, "gates"),
        ({"sizes": 2}, "sizes"),
    ],
)
def test_faulty_settings_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Theory.model_validate(changes)
