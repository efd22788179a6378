"""Figures of Flex-MoE: numbers from made-up traces, printed values, verdicts, files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import spearmanr

from fleximodal.errors import FleximodalError
from fleximodal.publishing.bank_page import bank_numbers, write_bank
from fleximodal.publishing.claims import write_claims
from fleximodal.publishing.figure_bank import overlap_words
from fleximodal.publishing.figure_declaration import load_figure
from fleximodal.publishing.figure_inputs import FigureInputs, read_digitised
from fleximodal.publishing.figures import KINDS, write_paper_figure
from fleximodal.publishing.published_table import Rule
from tests.unit.publishing.flexmoe_traces import (
    CONFIG,
    OCCURRING,
    declared,
    overlap,
    stored_inputs,
)

PRINTED = ("flexmoe_figure4", "flexmoe_figure5", "flexmoe_figure6")
RULE = Rule({"auroc": 0.01, "f1": 0.02, "accuracy": 0.02, "macro_f1": 0.02}, 0.05)


def numbers_of(name: str, folder: Path, papers_data: str = "generated") -> pd.DataFrame:
    declaration = declared(name, papers_data)
    inputs = stored_inputs(declaration, folder)
    frame: pd.DataFrame = KINDS[declaration.kind].numbers(declaration, inputs)
    return frame


def test_printed_values_are_those_of_the_paper() -> None:
    def read(name: str) -> "pd.Series[float]":
        return pd.read_csv(CONFIG / "published" / f"{name}.csv").set_index("label")["value"]

    similarity = read("flexmoe_figure4")
    assert len(similarity) == 15 + 6
    assert similarity["IGCB|C"] == 0.63 and similarity["CB|C"] == 0.45
    # "G is nearer to C and B than to I"
    assert similarity["I|G"] < min(similarity["G|C"], similarity["G|B"])
    shares = read("flexmoe_figure5")
    experts = shares.groupby(shares.index.str.split("|").str[0]).agg(["sum", "size"])
    assert len(experts) == 16 and (experts["size"] == 6).all()
    np.testing.assert_allclose(experts["sum"], 100, atol=1.0)
    assert shares["GCB|GCB"] == 28.7 and shares["C|C"] == 0.0
    sizes = read("flexmoe_figure6")
    assert len(sizes) == 12
    assert sizes["experts 16"] == sizes["layers 1"] == sizes["kept 4"] == sizes.max() == 66.11


def test_similarities_are_means_over_runs(tmp_path: Path) -> None:
    frame = numbers_of("flexmoe_figure4", tmp_path)
    ours = frame[(frame["origin"] == "measured") & (frame["panel"] == "combinations")]
    inputs = ours[ours["measure"] == "model_inputs"].set_index("label")
    assert len(inputs) == 15
    assert inputs.loc["ICB|IC", "similarity"] == pytest.approx(2 / 3 + 0.005)
    assert inputs.loc["ICB|IC", "similarity_sd"] == pytest.approx(np.std([0, 0.01], ddof=1))
    assert inputs.loc["ICB|IC", "overlap"] == pytest.approx(2 / 3)
    used = ours[ours["measure"] == "used_cells"].set_index("label")["similarity"]
    assert used.dropna().to_dict() == {"IC|C": 0.25}
    missing = frame[(frame["panel"] == "missing") & (frame["measure"] == "model_inputs")]
    assert set(missing[missing["similarity"].isna()]["label"]) == {"I|C", "G|C", "C|B"}


def test_overlap_and_similarity_are_correlated_by_rank(tmp_path: Path) -> None:
    frame = numbers_of("flexmoe_figure4", tmp_path)
    words = overlap_words(frame)
    printed = frame[(frame["origin"] == "published") & (frame["panel"] == "combinations")]
    pairs = [(overlap(a, b), s) for a, b, s in zip(
        printed["first"], printed["second"], printed["similarity"], strict=True
    )]  # fmt: skip
    expected = spearmanr(*zip(*pairs, strict=True)).statistic
    assert f"published {expected:.2f} (15 pairs)" in words
    assert "model inputs 1.00 (15 pairs)" in words
    assert "bank, all cells -1.00" in words
    assert "used cells" not in words  # one pair alone


def test_activations_are_pooled_over_runs(tmp_path: Path) -> None:
    frame = numbers_of("flexmoe_figure5", tmp_path)
    ours = frame[(frame["origin"] == "measured") & (frame["count"] == "top_k")]
    shares = ours[ours["quantity"] == "share"]
    # Expert ICB: 30 and 40 of complete stays, 20 of its own combination in each run.
    icb = shares[shares["expert"] == "ICB"].set_index("combination")
    assert icb.loc["IGCB", "percent"] == pytest.approx(100 * 70 / 110)
    assert icb.loc["ICB", "percent"] == pytest.approx(100 * 40 / 110)
    assert icb.loc["ICB", "activations"] == 40
    each = [100 * 20 / 50, 100 * 20 / 60]
    assert icb.loc["ICB", "percent_sd"] == pytest.approx(np.std(each, ddof=1))
    # Two experts beyond the combinations are one bar, fed alike by all.
    buffer = shares[shares["expert"] == "Buffer"].set_index("combination")["percent"]
    np.testing.assert_allclose(buffer.loc[list(OCCURRING)], 100 / 6)
    # Nothing chose expert I.
    assert shares[shares["expert"] == "I"]["percent"].isna().all()
    own = ours[ours["quantity"] == "specialisation"].set_index("combination")["percent"]
    assert own["IC"] == pytest.approx(100 * 80 / (80 + 2 * 5 + 2 * 6))
    first = frame[(frame["count"] == "top_1") & (frame["expert"] == "ICB")]
    assert first.set_index("combination").loc["IGCB", "percent"] == 50.0


def test_sensitivity_is_in_percent(tmp_path: Path) -> None:
    frame = numbers_of("flexmoe_figure6", tmp_path)
    rows = frame[(frame["varied"] == "experts") & (frame["size"] == 24)].set_index("origin")
    assert rows.loc["measured", "accuracy_mean"] == pytest.approx(60.2)
    assert rows.loc["measured", "accuracy_high"] == pytest.approx(63.2)
    assert rows.loc["measured", "method"] == "Flex-MoE-24-experts"
    assert rows.loc["published", "accuracy_mean"] == 63.21
    assert sorted(frame[frame["varied"] == "kept"]["size"].unique()) == [2, 3, 4, 5]


def test_many_modalities_say_what_was_not_run(tmp_path: Path) -> None:
    declaration = declared("flexmoe_modalities")
    assert declaration.cells() == []
    inputs = stored_inputs(declaration, tmp_path)
    frame = KINDS["many_modalities"].numbers(declaration, inputs)
    row = frame[(frame["method"] == "Concat") & (frame["modalities"] == 4)].iloc[0]
    assert row["auroc_mean"] == pytest.approx(0.81)
    assert row["auroc_sd"] == pytest.approx(np.std([0.8, 0.82], ddof=1))
    assert (row["combinations"], row["auroc_best"], row["data"]) == (15, 0.9, "synthetic")
    absent = frame[frame["n_runs"] == 0]
    assert absent[["method", "modalities"]].to_numpy().tolist() == [["Flex-MoE", 10]]
    figure = KINDS["many_modalities"].draw(frame, declaration)
    assert "Flex-MoE with 10 modalities was not run: 1023" in " ".join(
        figure.get_suptitle().split()
    )


@pytest.mark.parametrize("papers_data", ["generated", "real"])
@pytest.mark.parametrize(
    ("name", "count"), [("flexmoe_figure4", 21), ("flexmoe_figure5", 96), ("flexmoe_figure6", 12)]
)
@pytest.mark.parametrize("absent", [False, True])
def test_each_printed_value_has_a_verdict(
    tmp_path: Path, name: str, count: int, papers_data: str, absent: bool
) -> None:
    declaration = declared(name, papers_data)
    inputs = stored_inputs(declaration, tmp_path, absent=absent)
    module = KINDS[declaration.kind]
    found = module.claims(declaration, module.numbers(declaration, inputs), RULE)
    write_claims(found, tmp_path / "claims.csv")
    claims = pd.read_csv(tmp_path / "claims.csv")
    assert len(claims) == count and claims["claim"].is_unique
    assert set(claims["paper"]) == {"Flex-MoE"} and set(claims["dataset"]) == {"ADNI"}
    if name != "flexmoe_figure6":
        assert claims["verdict"].str.startswith("not a target: ").all()
        assert claims["measured"].notna().any() != absent
    elif absent:
        assert set(claims["verdict"]) == {"not run: data absent"}
    elif papers_data == "generated":
        assert set(claims["verdict"]) == {"not comparable: synthetic data"}
    else:
        row = claims[claims["claim"] == f"{name}-diagnosis-accuracy-experts 64"].iloc[0]
        assert row["published_mean"] == 65.05
        assert row["difference"] == pytest.approx(60.6 - 65.05)


@pytest.mark.parametrize("absent", [False, True])
@pytest.mark.parametrize("name", PRINTED)
def test_figures_are_drawn(tmp_path: Path, name: str, absent: bool) -> None:
    declaration = declared(name)
    write_paper_figure(declaration, stored_inputs(declaration, tmp_path, absent=absent), tmp_path)
    for suffix in ("png", "svg", "pdf", "csv"):
        assert (tmp_path / f"{name}.{suffix}").stat().st_size > 1000
    words = (tmp_path / f"{name}.svg").read_text()
    assert ("ours were not run" if absent else "synthetic (generated) data") in words


def test_many_modalities_are_drawn_and_nothing_is_refused(tmp_path: Path) -> None:
    declaration = declared("flexmoe_modalities", "real")
    write_paper_figure(declaration, stored_inputs(declaration, tmp_path), tmp_path)
    frame = pd.read_csv(tmp_path / "flexmoe_modalities.csv")
    assert set(frame["data"]) == {"synthetic"}
    with pytest.raises(FleximodalError, match="none of its cells was run"):
        write_paper_figure(declaration, FigureInputs([], {}, pd.DataFrame()), tmp_path)


def test_bank_table(tmp_path: Path) -> None:
    declaration = declared("flexmoe_figure4")
    inputs = stored_inputs(declaration, tmp_path)
    frame = bank_numbers(declaration, inputs)
    used = frame[(frame["quantity"] == "relative") & (frame["used"] == True)].iloc[0]  # noqa: E712
    assert (used["of"], used["value"], used["cells"]) == ("G", 2.5, 2)
    own = frame[(frame["quantity"] == "as_own") & (frame["used"] == True)].iloc[0]  # noqa: E712
    assert own["value"] == 0.5
    told = frame[(frame["quantity"] == "combination") & (frame["used"] == True)].iloc[0]  # noqa: E712
    assert (told["value"], told["chance"]) == (0.5, 0.2)
    write_bank(declaration, inputs, tmp_path)
    page = (tmp_path / "flexmoe_figure4.md").read_text()
    assert "2.50 ± 0.71" in page and "synthetic (generated) data" in page
    assert "Rank correlation of overlap and similarity" in page


def test_faulty_declarations_are_refused(tmp_path: Path) -> None:
    values = yaml.safe_load((CONFIG / "figures" / "flexmoe_figure4.yaml").read_text())
    path = tmp_path / "flexmoe_figure4.yaml"
    path.write_text(yaml.safe_dump({name: v for name, v in values.items() if name != "release"}))
    with pytest.raises(FleximodalError, match="release: a figure of kind 'bank' needs one"):
        load_figure(path, ["Flex-MoE"], papers_data="real")
    declaration = declared("flexmoe_figure4")
    strange = tmp_path / "strange.csv"
    strange.write_text("task,label,quantity,value,abs_error,source\ndiagnosis,IX|C,x,1,1,y\n")
    with pytest.raises(FleximodalError, match=r"label 'IX\|C' is not in the declaration"):
        read_digitised(strange, declaration)
    cohort = declared("flexmoe_figure2")
    assert cohort.cells() == []
    counts = read_digitised(CONFIG / "published" / "flexmoe_figure2.csv", cohort)
    assert len(counts) == 10
    alike = declaration.model_copy(update={"modalities": "vitals+ventilation"})
    with pytest.raises(FleximodalError, match="begin with the same letter"):
        read_digitised(strange, alike)


def test_claim_holds_ours_beside_the_printed_share(tmp_path: Path) -> None:
    declaration = declared("flexmoe_figure5")
    frame = numbers_of("flexmoe_figure5", tmp_path)
    claims = KINDS["activation"].claims(declaration, frame, RULE)
    own = next(claim for claim in claims if claim.claim.endswith("-GCB|GCB"))
    assert own.published_mean == 28.7 and own.measured == pytest.approx(100.0)
