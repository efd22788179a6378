"""Flex-MoE's table 4: sizes and costs beside the printed ones, and accuracies that are judged."""

import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest

from fleximodal.config.cell import Cell
from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.complexity_declaration import ComplexityTable
from fleximodal.publishing.complexity_table import complexity_page, write_complexity_table
from fleximodal.publishing.declared import load_table
from fleximodal.publishing.entries import entries
from fleximodal.publishing.equivalence import Rule
from fleximodal.publishing.summary import summarise
from tests.unit.publishing.stored_cells import store_metrics
from tests.unit.publishing.test_declared_tables import changed

ROOT = Path(__file__).resolve().parents[3]
PRINTED = ROOT / "config" / "published" / "flexmoe_table4.csv"
RULE = Rule({"accuracy": 0.02}, 0.05)


def load(data: str = "real") -> ComplexityTable:
    path = ROOT / "config" / "tables" / "flexmoe_table4.yaml"
    table = load_table(path, known_methods(), data)
    assert isinstance(table, ComplexityTable)
    return table


def store_complexity(root: Path, cells: list[Cell]) -> Path:
    path = root / "complexity.json"
    told = {
        "parameters": 1_234_567,
        "forward_gflops_per_stay": 0.25,
        "seconds_per_iteration": 0.0125,
        "batch_size": 8,
        "device": "cpu",
        "threads": 2,
    }
    path.write_text(json.dumps([{"cell": asdict(cell), **told} for cell in cells]))
    return path


def written(root: Path, table: ComplexityTable, absent: tuple[str, ...] = ()) -> pd.DataFrame:
    """Store results of all cells but those of `absent` methods, write the table, return it."""
    there = [cell for cell in table.cells() if cell.method not in absent]
    cells = entries(table, metrics=[store_metrics(root, cell, 0.6) for cell in there])
    costs = store_complexity(root, there)
    write_complexity_table(table, cells, costs, PRINTED, RULE, root / "tables", root / "claims.csv")
    return pd.read_csv(root / "tables" / f"{table.name}.csv")


def test_each_printed_value_is_one_claim(tmp_path: Path) -> None:
    frame = written(tmp_path, load("generated"))
    claims = pd.read_csv(tmp_path / "claims.csv", keep_default_na=False)
    lines = PRINTED.read_text().splitlines()[1:]
    assert len(claims) == len(set(claims["claim"])) == len(frame) == len(lines) == 72
    assert set(claims["paper"]) == {"Flex-MoE"} and set(claims["data"]) == {"synthetic"}
    verdicts = claims.groupby("metric")["verdict"].agg(set)
    assert verdicts["Accuracy"] == {
        "not comparable: synthetic data",
        "not a target: table 1 prints the same mean with another deviation (H-27) and is held "
        "against instead",
    }
    for quantity in ("Parameters", "GFLOPs", "Mean time (s per iteration)"):
        (verdict,) = verdicts[quantity]
        assert verdict.startswith("not a target: complexity depends on the machine")
    rows = claims.set_index("claim")
    ours = rows.loc["flexmoe_table4-IGCB-diagnosis-Parameters-Flex-MoE"]
    assert (float(ours["published_mean"]), float(ours["measured"])) == (36916167, 1234567)
    assert summarise([tmp_path / "tables" / "flexmoe_table4.csv"]).startswith(
        "Table flexmoe_table4"
    )


def test_accuracies_are_judged_where_table_1_prints_the_same(tmp_path: Path) -> None:
    """The four values with other deviations than in table 1 are no targets (H-27)."""
    frame = written(tmp_path, load())
    accuracy = frame[frame["metric"] == "Accuracy"]
    table1 = pd.read_csv(ROOT / "config" / "published" / "flexmoe_table1.csv")
    both = accuracy.merge(table1, on=["modalities", "method"])
    assert len(both) == 18 and (both["published_mean"] == both["mean_y"]).all()
    other = both["published_sd"] != both["std"]
    assert other.sum() == 4
    assert (both["verdict"].str.startswith("not a target: table 1") == other).all()
    assert set(both.loc[~other, "verdict"]) <= {"equivalent", "different", "inconclusive"}
    assert both.loc[~other, "p"].notna().all()
    quantities = frame[frame["metric"] != "Accuracy"]
    assert quantities["p"].isna().all() and quantities["mean"].notna().all()


def test_the_page_has_printed_beside_ours_and_under_which_conditions(tmp_path: Path) -> None:
    table = load("generated").noted("small")
    frame = written(tmp_path, table, absent=("LIMoE",))
    page = complexity_page(frame, table)
    assert page.title.endswith("(synthetic data in its layout) (small)")
    assert len(page.view) == 3 * 4 * 2
    view = page.view.set_index(["Modalities", "Quantity", "Value"])
    assert view.loc[("IGC", "Parameters", "published"), "FuseMoE"] == "340,929,475"
    assert view.loc[("IGC", "Parameters", "ours"), "FuseMoE"] == "1,234,567"
    assert view.loc[("IGC", "Parameters", "ours"), "LIMoE"] == "–"
    assert view.loc[("IG", "GFLOPs", "published"), "TF"] == "59.05"
    assert view.loc[("IG", "GFLOPs", "ours"), "TF"] == "0.25"
    assert view.loc[("IG", "Mean time (s per iteration)", "ours"), "TF"] == "0.013"
    assert view.loc[("IG", "Accuracy", "ours"), "TF"] == "60.00 ± 0.40 [58.00, 62.00]"
    assert view.loc[("IG", "Accuracy", "published"), "TF"] == "59.94 ± 0.40"
    for words in ("Device cpu, 2 thread(s), batches of 8", "synthetic (generated) data"):
        assert words in page.caption
    limoe = frame[frame["method"] == "LIMoE"]
    assert set(limoe["status"]) == {"not run: data absent"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",33370898,", ",-3,", "row 13: mean '-3' is not a number of zero or more"),
        (",60.32,", ",160.32,", "mean '160.32' is not a percentage"),
        ("GFLOPs,MulT", "GFLOPS,MulT", "GFLOPs MulT is missing, but table flexmoe_table4"),
    ],
)
def test_faulty_published_values_are_named(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "values.csv"
    path.write_text(PRINTED.read_text().replace(old, new, 1))
    table = load()
    cells = entries(table, metrics=[])
    with pytest.raises(FleximodalError, match=message):
        write_complexity_table(table, cells, None, path, RULE, tmp_path, tmp_path / "claims.csv")


def test_unknown_quantities_are_named(tmp_path: Path) -> None:
    path = changed(tmp_path, "flexmoe_table4", quantities={"GFLOPs": "flops"})
    with pytest.raises(FleximodalError, match=f"{path}: .*quantities.GFLOPs"):
        load_table(path, known_methods(), "real")
