"""Flex-MoE's tables 1 to 3 and 7 to 10: printed values, verdicts, and a claim for each number."""

import json
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scipy.stats import ttest_1samp, ttest_ind_from_stats

from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.claims import Claim, collect_claims, write_claims
from fleximodal.publishing.declared import load_table
from fleximodal.publishing.entries import entries
from fleximodal.publishing.equivalence import Rule
from fleximodal.publishing.published_declaration import PublishedTable
from fleximodal.publishing.published_page import published_page
from fleximodal.publishing.published_table import build_published, published_claims
from fleximodal.publishing.published_values import read_printed
from tests.unit.publishing.stored_cells import store_metrics
from tests.unit.publishing.test_declared_tables import changed

ROOT = Path(__file__).resolve().parents[3]
RULE = Rule({"auroc": 0.01, "f1": 0.02, "accuracy": 0.02, "macro_f1": 0.02}, 0.05)
ADNI = {"flexmoe_table1": "accuracy", "flexmoe_table7": "macro_f1", "flexmoe_table8": "auroc"}
MIMIC = {"flexmoe_table2": "accuracy", "flexmoe_table9": "macro_f1", "flexmoe_table10": "auroc"}
VALUES = {**dict.fromkeys(ADNI, 110), **dict.fromkeys(MIMIC, 24), "flexmoe_table3": 12}
LETTERS = {
    "diagnosis": {"I": "image", "G": "genomic", "C": "clinical", "B": "biospecimen"},
    "one-year-mortality": {"L": "labs", "N": "notes", "C": "codes"},
}


def load(name: str, data: str = "real") -> PublishedTable:
    table = load_table(ROOT / "config" / "tables" / f"{name}.yaml", known_methods(), data)
    assert isinstance(table, PublishedTable)
    return table


def printed_file(table: PublishedTable) -> Path:
    return ROOT / "config" / "published" / table.published


def built(root: Path, table: PublishedTable, mean: float, **stored: Any) -> pd.DataFrame:
    files = [store_metrics(root, cell, mean, **stored) for cell in table.cells()]
    printed = read_printed(printed_file(table), table)
    return build_published(table, entries(table, metrics=files), printed, RULE)


def row_of(frame: pd.DataFrame, **keys: str) -> pd.Series:
    for name, value in keys.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


@pytest.mark.parametrize("name", VALUES)
def test_letters_are_our_modalities_in_their_order(name: str) -> None:
    table = load(name)
    (task,) = table.tasks
    for printed, ours in table.modalities.items():
        assert ours == "+".join(LETTERS[task][letter] for letter in printed)
    adni = task == "diagnosis"
    assert table.source == ("adni" if adni else "mimic4")
    assert table.protocol == ("complete-test" if adni else "patient")
    assert table.paper == "Flex-MoE" and table.gates == ["Flex-MoE"]
    assert {cell.variant for cell in table.cells()} == {"paper"}
    assert load(name, "generated").source.startswith("synthetic-")


@pytest.mark.parametrize(("name", "metric"), [*ADNI.items(), *MIMIC.items()])
def test_sets_and_methods_are_all_those_printed(name: str, metric: str) -> None:
    table = load(name)
    assert list(table.metrics.values()) == [metric]
    if name in ADNI:
        letters = {"".join(s) for s in product(*((x, "") for x in "IGCB"))}
        assert set(table.modalities) == {one for one in letters if len(one) > 1}
        assert len(table.methods) == 10
    else:
        assert set(table.modalities) == {"LN", "LC", "NC", "LNC"} and len(table.methods) == 6
    assert table.methods["FuseMoE"] == "FuseMoE-Laplace" and "FuseMoE-Laplace" in table.caption


@pytest.mark.parametrize(("name", "count"), VALUES.items())
def test_each_printed_value_is_one_claim(tmp_path: Path, name: str, count: int) -> None:
    table = load(name, "generated")
    frame = built(tmp_path, table, 0.6)
    claims = published_claims(table, frame)
    lines = printed_file(table).read_text().splitlines()[1:]
    assert len(claims) == len({claim.claim for claim in claims}) == count == len(lines)
    assert {(claim.paper, claim.data) for claim in claims} == {("Flex-MoE", "synthetic")}
    assert not {claim.verdict for claim in claims} & {"equivalent", "different", "inconclusive"}
    write_claims(claims, tmp_path / "part.csv")
    collect_claims([tmp_path / "part.csv"], tmp_path / "claims.csv")
    stored = pd.read_csv(tmp_path / "claims.csv")
    assert stored["measured"].tolist() == pytest.approx([60.0] * count)
    assert stored["published_sd"].isna().all() == (name == "flexmoe_table3")


@pytest.mark.parametrize("name", ADNI)
def test_digits_that_are_printed_twice_are_no_targets(tmp_path: Path, name: str) -> None:
    """A mean and a deviation that stand in two cells of a table are of one run, not of two."""
    table = load(name)
    frame = built(tmp_path, table, 0.6)
    pairs = list(zip(frame["published_mean"], frame["published_sd"], strict=True))
    twice = {pair for pair, number in Counter(pairs).items() if number > 1}
    assert twice
    judged = frame["verdict"].isin(["equivalent", "different", "inconclusive"])
    for pair, row, is_judged in zip(pairs, frame.to_dict("records"), judged, strict=True):
        if pair in twice:
            assert not is_judged and "(H-28)" in row["verdict"], row
    spared = frame[~judged]
    alone = [pair for pair, one in zip(pairs, judged, strict=True) if not one and pair not in twice]
    # 81.67 of Flex-MoE is printed twice with different deviations.
    assert [mean for mean, _ in alone] == ([81.67] * 2 if name == "flexmoe_table8" else [])
    assert spared["mean"].notna().all()


@pytest.mark.parametrize("name", MIMIC)
def test_values_of_substitute_features_are_never_judged(tmp_path: Path, name: str) -> None:
    frame = built(tmp_path, load(name), 0.6)
    (verdict,) = set(frame["verdict"])
    assert verdict.startswith("not a target: substitute features") and "order" in verdict
    assert frame["difference"].notna().all()
    absent = load(name)
    printed = read_printed(printed_file(absent), absent)
    nothing = build_published(absent, entries(absent, metrics=[]), printed, RULE)
    assert set(nothing["verdict"]) == {verdict}


def test_printed_deviations_are_those_of_a_population(tmp_path: Path) -> None:
    """Three values with population deviation s have sample deviation s times sqrt(3/2)."""
    table = load("flexmoe_table1")
    frame = built(tmp_path, table, 0.6, sd=0.01)
    row = row_of(frame, modalities="IGCB", method="Flex-MoE")
    assert (row["published_mean"], row["published_sd"], row["published_n"]) == (66.11, 1.14, 3)
    theirs = 1.14 * (3 / 2) ** 0.5
    against = [
        ttest_ind_from_stats(
            60.0 - shift, 1.0, 3, 66.11, theirs, 3, equal_var=False, alternative=side
        ).pvalue
        for shift, side in ((-2.0, "greater"), (2.0, "less"))
    ]
    assert row["p"] == pytest.approx(max(against))
    assert row["verdict"] == "different"
    other = table.model_copy(update={"deviation": "sample"})
    plain = row_of(built(tmp_path, other, 0.6, sd=0.01), modalities="IGCB", method="Flex-MoE")
    assert plain["p"] != pytest.approx(row["p"])
    page = published_page(frame, table, RULE)
    assert "the square root of 3/2" in page.caption and "2.0 points of Accuracy" in page.caption


def test_values_without_a_deviation_are_constants(tmp_path: Path) -> None:
    """The tests are then the one-sample tests of our runs."""
    table = load("flexmoe_table3")
    runs = [63.1, 64.0, 64.9]
    values = pd.Series(runs)
    frame = built(tmp_path, table, values.mean() / 100, sd=values.std() / 100)
    row = row_of(frame, method="without embedding bank", metric="Accuracy")
    assert row["published_mean"] == 63.87 and pd.isna(row["published_sd"])
    against = [
        ttest_1samp(values, 63.87 + shift, alternative=side).pvalue
        for shift, side in ((-2.0, "greater"), (2.0, "less"))
    ]
    assert row["p"] == pytest.approx(max(against))
    assert row["verdict"] == ("equivalent" if max(against) < 0.05 else "inconclusive")
    full = row_of(frame, method="Flex-MoE", metric="Accuracy")
    apart = ttest_1samp(values, 66.11).pvalue
    assert full["verdict"] == ("different" if apart < 0.05 else "inconclusive")
    view = published_page(frame, table, RULE).view
    printed = view[(view["Value"] == "published") & (view["Metric"] == "Accuracy (%)")]
    assert printed["without ES"].tolist() == ["62.75"]
    assert "taken as a constant" in published_page(frame, table, RULE).caption


def test_several_classes_have_no_share_of_positives(tmp_path: Path) -> None:
    table = load("flexmoe_table1", "generated")
    files = [store_metrics(tmp_path, cell, 0.6) for cell in table.cells()]
    for path in files:
        path.write_text(json.dumps({**json.loads(path.read_text()), "prevalence": None}))
    printed = read_printed(printed_file(table), table)
    frame = build_published(table, entries(table, metrics=files), printed, RULE)
    page = published_page(frame, table, RULE)
    assert "positive" not in page.caption and "300 of 250 patients" in page.caption
    assert len(page.view) == 11 * 2 and len(page.view.columns) == 4 + 10
    first = page.view.iloc[:2].set_index("Value")
    assert first.loc["published", "Flex-MoE"] == "61.08 ± 0.78"
    assert "FuseMoE with GB and CB: not a target: 37.91" in page.caption
    assert "synthetic" in page.title


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"metric": "AUROC"}, "metric: unknown metric 'AUROC'"),
        ({"modalities": ["IGCB", "IGBC"]}, "modalities: unknown modality 'IGBC'"),
        ({"method": "FlexMoE"}, "method: unknown method 'FlexMoE'"),
    ],
)
def test_unknown_values_that_are_no_targets_are_named(
    tmp_path: Path, entry: dict[str, Any], message: str
) -> None:
    path = changed(tmp_path, "flexmoe_table1", not_targets=[{**entry, "reason": "none"}])
    with pytest.raises(FleximodalError, match=f"not_targets.0.{message}"):
        load_table(path, known_methods(), "real")


def test_a_claim_has_the_deviation_as_printed(tmp_path: Path) -> None:
    table = load("flexmoe_table8")
    claims = {c.claim: c for c in published_claims(table, built(tmp_path, table, 0.7))}
    claim = claims["flexmoe_table8-IG-diagnosis-AUC-TF"]
    assert isinstance(claim, Claim)
    assert (claim.published_mean, claim.published_sd) == (73.45, 1.06)
    assert (claim.modalities, claim.metric, claim.dataset) == ("IG", "AUC", "ADNI")
