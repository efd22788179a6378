"""A demonstration of a release: its numbers are shown, and no verdict is taken from them."""

import json
from pathlib import Path

import pandas as pd
import pytest

from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.claims import collect_claims, write_claims
from fleximodal.publishing.declared import load_table
from fleximodal.publishing.entries import entries
from fleximodal.publishing.equivalence import Rule
from fleximodal.publishing.figure_declaration import FigureDeclaration
from fleximodal.publishing.figures import write_paper_figure
from fleximodal.publishing.published_declaration import PublishedTable
from fleximodal.publishing.published_page import published_page
from fleximodal.publishing.published_table import build_published, published_claims
from fleximodal.publishing.published_values import read_printed
from fleximodal.publishing.rankings import collect_rankings, write_rankings
from fleximodal.publishing.summary import summarise
from tests.unit.publishing import paper_figures
from tests.unit.publishing.stored_cells import store_metrics, store_predictions
from tests.unit.publishing.test_complexity_table import load as load_complexity
from tests.unit.publishing.test_complexity_table import written

CONFIG = Path(__file__).resolve().parents[3] / "config"
RULE = Rule({"auroc": 0.01, "f1": 0.02, "accuracy": 0.02, "macro_f1": 0.02}, 0.05)
DEMO, WHOLE = "MIMIC-IV demo 2.2", "MIMIC-IV 2.2"
VERDICT = "not comparable: demo release"


def counts_of(root: Path, release: str) -> Path:
    path = root / "counts.json"
    path.write_text(json.dumps({"release": release, "channels": "paper"}))
    return path


def table_of(name: str, counts: Path | None, data: str = "real") -> PublishedTable:
    table = load_table(CONFIG / "tables" / f"{name}.yaml", known_methods(), data)
    assert isinstance(table, PublishedTable)
    return table.measured_on(counts)


def frame_of(root: Path, table: PublishedTable, absent: tuple[str, ...] = ()) -> pd.DataFrame:
    there = [cell for cell in table.cells() if cell.method not in absent]
    cells = entries(table, metrics=[store_metrics(root, cell, 0.8) for cell in there])
    printed = read_printed(CONFIG / "published" / table.published, table)
    return build_published(table, cells, printed, RULE)


@pytest.mark.parametrize("name", ["table3", "table4"])
def test_values_of_a_demonstration_get_no_verdict(tmp_path: Path, name: str) -> None:
    demo = frame_of(tmp_path, table_of(name, counts_of(tmp_path, DEMO)), absent=("MulT",))
    whole = frame_of(tmp_path, table_of(name, counts_of(tmp_path, WHOLE)), absent=("MulT",))
    assert set(demo["data"]) == {"demo"} and set(whole["data"]) == {"real"}
    kept = demo["verdict"].isin(["not run: data absent"]) | demo["verdict"].str.startswith(
        "not a target: ", na=True
    )
    assert set(demo.loc[~kept, "verdict"]) == {VERDICT}
    pd.testing.assert_series_equal(demo.loc[kept, "verdict"], whole.loc[kept, "verdict"])
    assert {"equivalent", "different"} & set(whole.loc[~kept, "verdict"])
    same = ["mean", "published_mean", "difference", "p"]
    pd.testing.assert_frame_equal(demo[same], whole[same])


def test_pages_and_claims_say_it(tmp_path: Path) -> None:
    table = table_of("table3", counts_of(tmp_path, DEMO))
    frame = frame_of(tmp_path, table)
    page = published_page(frame, table, RULE)
    assert page.title.endswith(f"({DEMO})")
    assert f"real data of the demonstration {DEMO}, source mimic4" in page.caption
    write_claims(published_claims(table, frame), tmp_path / "part.csv")
    collect_claims([tmp_path / "part.csv"], tmp_path / "claims.csv")
    claims = pd.read_csv(tmp_path / "claims.csv")
    assert set(claims["verdict"]) == {VERDICT} and set(claims["data"]) == {"demo"}
    assert f"48 {VERDICT}" in summarise([], tmp_path / "claims.csv")


def test_generated_data_stay_generated_and_nothing_asked_changes_nothing(tmp_path: Path) -> None:
    generated = table_of("table3", counts_of(tmp_path, "generated"), "generated")
    verdicts = set(frame_of(tmp_path, generated)["verdict"].dropna())
    assert verdicts == {"not comparable: synthetic data"}
    assert table_of("table3", None) == load_table(
        CONFIG / "tables" / "table3.yaml", known_methods(), "real"
    )
    with pytest.raises(FleximodalError, match="counts.json: does not name the release"):
        path = tmp_path / "counts.json"
        path.write_text("{}")
        table_of("table3", path)


def test_values_that_are_no_target_stay_so(tmp_path: Path) -> None:
    frame = frame_of(tmp_path, table_of("flexmoe_table2", counts_of(tmp_path, DEMO)))
    assert frame["verdict"].str.startswith("not a target: substitute features").all()
    complexity = load_complexity().model_copy(update={"found": DEMO})
    frame = written(tmp_path, complexity)
    accuracy = frame.loc[frame["metric"] == "Accuracy", "verdict"]
    assert (accuracy == VERDICT).sum() == 14
    assert frame.loc[frame["metric"] != "Accuracy", "verdict"].str.startswith("not a target").all()


def test_orders_of_methods_get_an_outcome_and_no_verdict(tmp_path: Path) -> None:
    table = table_of("flexmoe_table2", counts_of(tmp_path, DEMO))
    table = table.model_copy(update={"modalities": {"LN": "labs+notes"}})
    files = [
        store_predictions(tmp_path, cell, 3.0 if cell.method == "Flex-MoE" else 0.5, seeds=(32,))
        for cell in table.cells()
    ]
    printed = read_printed(
        CONFIG / "published" / "flexmoe_table2.csv", table_of("flexmoe_table2", None)
    )
    part, output = tmp_path / "flexmoe_table2.json", tmp_path / "rankings.csv"
    cells = entries(table, predictions=files)
    write_rankings(table, cells, printed, part, level=0.05, replicates=40, seed=0)
    collect_rankings([part], output)
    frame = pd.read_csv(output)
    assert set(frame["verdict"]) == {VERDICT} and set(frame["data"]) == {"demo"}
    assert frame["outcome"].isin(["confirmed", "contradicted", "undecided"]).all()
    outcome = frame["outcome"].iloc[0]
    assert f"  on the demo release: {len(frame)} {outcome}" in summarise([], rankings=output)


def figure_of(name: str, counts: Path) -> FigureDeclaration:
    return paper_figures.declared(name, "real").measured_on(counts)


@pytest.mark.parametrize(
    ("name", "judged"),
    [("figure3a", False), ("figure3b", True), ("figure3c", False), ("figure3d", True)],
)
def test_figures_of_a_demonstration(tmp_path: Path, name: str, judged: bool) -> None:
    figure = figure_of(name, counts_of(tmp_path, DEMO))
    inputs = paper_figures.stored_inputs(figure, tmp_path)
    path = tmp_path / "claims.csv"
    write_paper_figure(figure, inputs, tmp_path, claims=path, rule=RULE)
    claims = pd.read_csv(path)
    assert set(claims["data"]) == {"demo"}
    assert claims["measured"].notna().all()
    if judged:
        assert set(claims["verdict"]) == {VERDICT}
    else:
        assert claims["verdict"].str.startswith("not a target: ").all()
    assert set(pd.read_csv(tmp_path / f"{name}.csv")["data"]) == {"demo", "real"}  # published: real
    drawn = (tmp_path / f"{name}.svg").read_text()
    assert DEMO in drawn and "synthetic" not in drawn
