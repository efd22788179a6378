"""A table that a paper printed: rows, verdicts, claims, and what a reader sees."""

from pathlib import Path

import pandas as pd
import pytest

from fleximodal.methods.registry import known_methods
from fleximodal.publishing.claims import collect_claims, write_claims
from fleximodal.publishing.declared import load_table
from fleximodal.publishing.entries import entries
from fleximodal.publishing.equivalence import Rule
from fleximodal.publishing.formats import write_page
from fleximodal.publishing.published_declaration import PublishedTable
from fleximodal.publishing.published_page import published_page
from fleximodal.publishing.published_table import build_published, published_claims
from fleximodal.publishing.published_values import read_printed
from fleximodal.publishing.summary import summarise
from tests.unit.publishing.stored_cells import store_metrics

ROOT = Path(__file__).resolve().parents[3]
RULE = Rule({"auroc": 0.01, "f1": 0.02}, 0.05)
ALL = [("table3", 48), ("table4", 48), ("table7", 32), ("table8", 48)]


def load(name: str, data: str) -> PublishedTable:
    table = load_table(ROOT / "config" / "tables" / f"{name}.yaml", known_methods(), data)
    assert isinstance(table, PublishedTable)
    return table


def built(
    root: Path, table: PublishedTable, mean: float = 0.8, absent: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Store metrics of all cells but those of `absent` methods, HAIM with one run."""
    files = [
        store_metrics(root, cell, mean, *((None, 1) if cell.method == "HAIM" else (0.004, 3)))
        for cell in table.cells()
        if cell.method not in absent
    ]
    printed = read_printed(ROOT / "config" / "published" / table.published, table)
    return build_published(table, entries(table, metrics=files), printed, RULE)


def row_of(frame: pd.DataFrame, **keys: str) -> pd.Series:
    for name, value in keys.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


@pytest.mark.parametrize(("name", "count"), ALL)
def test_each_printed_value_is_one_claim(tmp_path: Path, name: str, count: int) -> None:
    table = load(name, "generated")
    frame = built(tmp_path, table)
    claims = published_claims(table, frame)
    assert len(claims) == len({claim.claim for claim in claims}) == count
    assert {claim.data for claim in claims} == {"synthetic"}
    verdicts = {claim.verdict for claim in claims}
    assert "not comparable: synthetic data" in verdicts
    assert not verdicts & {"equivalent", "different", "inconclusive"}
    write_claims(claims, tmp_path / "part.csv")
    collect_claims([tmp_path / "part.csv"], tmp_path / "claims.csv")
    stored = pd.read_csv(tmp_path / "claims.csv")
    assert stored["measured"].between(69, 81).all() and (stored["published_n"] == 3).all()


def test_values_are_in_percent_and_judged_on_real_data(tmp_path: Path) -> None:
    frame = built(tmp_path, load("table3", "real"), mean=0.811)
    place = {"task": "48-IHM", "metric": "AUROC"}
    laplace = row_of(frame, method="Laplace", **place)
    assert laplace["published_mean"] == 81.03 and laplace["mean"] == pytest.approx(81.1)
    assert (laplace["n_runs"], laplace["n_stays"], laplace["prevalence"]) == (3, 300, 0.12)
    assert laplace["low"] == pytest.approx(79.1) and laplace["margin"] == pytest.approx(1.0)
    assert laplace["difference"] == pytest.approx(0.07)
    assert laplace["measured_method"] == "FuseMoE-Laplace-joint"
    assert laplace["verdict"] == "equivalent" and laplace["p"] < 0.05
    assert row_of(frame, method="MISTS", **place)["verdict"] == "different"
    haim = row_of(frame, method="HAIM", **place)  # one run: its interval over patients
    assert pd.isna(haim["p"]) and haim["verdict"] == "inconclusive"


def test_absent_data_and_values_that_are_no_target(tmp_path: Path) -> None:
    table = load("table4", "real")
    frame = built(tmp_path, table, absent=("FuseMoE-Gaussian",))
    gaussian = frame[frame["method"] == "Gaussian"]
    assert set(gaussian["verdict"]) == {"not run: data absent"} and gaussian["mean"].isna().all()
    twice = frame[frame["verdict"].str.startswith("not a target: ", na=False)]
    assert set(twice["method"]) == {"HAIM"} and len(twice) == 4
    assert set(twice["modalities"]) == {"vitals+notes+CXR+ECG"}
    assert twice["mean"].notna().all()


def test_auroc_of_predictions_stands_in_a_row_of_its_own(tmp_path: Path) -> None:
    frame = built(tmp_path, load("table3", "real"))
    haim = frame[(frame["method"] == "HAIM") & (frame["task"] == "25-PHE")]
    ours = row_of(haim, measured_metric="auroc")
    alike = row_of(haim, measured_metric="auroc_hard")
    assert ours["mean"] == pytest.approx(80) and pd.isna(ours["published_mean"])
    assert pd.isna(ours["verdict"])
    assert alike["mean"] == pytest.approx(70) and alike["published_mean"] > 60
    others = frame[(frame["method"] != "HAIM") & (frame["measured_metric"] == "auroc_hard")]
    assert others.empty


def test_extensions_have_no_published_value(tmp_path: Path) -> None:
    table = load("table4", "generated")
    frame = built(tmp_path, table)
    ours = frame[frame["extension"]]
    assert set(ours["method"]) == set(table.extensions)
    assert ours["mean"].notna().all() and ours["published_mean"].isna().all()


def test_page_has_the_layout_of_the_paper(tmp_path: Path) -> None:
    table = load("table4", "generated").noted("small & quick")
    frame = built(tmp_path, table)
    page = published_page(frame, table, RULE)
    view = page.view
    assert list(view.columns[:4]) == ["Modalities", "Task", "Metric", "Value"]
    assert list(view.columns[4:8]) == ["HAIM", "Softmax", "Gaussian", "Laplace"]
    assert view.columns[8] == "MISTS (our extension)"
    # Two sets, three tasks, two metrics, and AUROC of 0/1 predictions for 25-PHE; two rows each.
    assert len(view) == 2 * (3 * 2 + 1) * 2
    first = view.iloc[:2].set_index("Value")
    assert first.loc["published", "Laplace"] == "83.87 ± 0.33"
    assert first.loc["ours", "Laplace"] == "80.00 ± 0.40 [78.00, 82.00]"
    assert first.loc["ours", "HAIM"] == "80.00 [78.00, 82.00]"
    assert first.loc["published", "MISTS (our extension)"] == "–"
    hard = view[view["Metric"] == "AUROC of 0/1 predictions (%)"]
    assert set(hard["Laplace"]) == {"–"} and "63.57 ± 0.00" in set(hard["HAIM"])
    for words in ("synthetic (generated) data", "300 of 250 patients", "1.0 points of AUROC",
                  "2.0 points of F1", "12.0 % positive", "printed twice"):  # fmt: skip
        assert words in page.caption
    write_page(frame, page, tmp_path / "tables")
    files = {path.suffix: path.read_text() for path in (tmp_path / "tables").iterdir()}
    assert sorted(files) == [".csv", ".html", ".md", ".tex"]
    for suffix in (".html", ".md", ".tex"):
        assert "synthetic" in files[suffix] and "83.87" in files[suffix]
    assert r"small \& quick" in files[".tex"]


def test_summary_counts_verdicts_and_names_the_largest_differences(tmp_path: Path) -> None:
    table = load("table7", "real")
    frame = built(tmp_path, table, mean=0.5)
    write_claims(published_claims(table, frame), tmp_path / "claims.csv")
    lines = summarise([], tmp_path / "claims.csv").splitlines()
    assert lines[0] == f"Published values (32): {tmp_path / 'claims.csv'}"
    verdicts = frame["verdict"].value_counts()
    assert f"{verdicts['different']} different" in lines[1]
    apart = frame[frame["verdict"] == "different"]
    worst = (apart["difference"] / apart["margin"]).abs().max()
    assert lines[2] == "  largest differences, in margins:"
    assert lines[3].endswith(f"({worst:.1f} margins)") and len(lines) == 8
