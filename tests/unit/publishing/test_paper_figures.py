"""Figures of the papers: cells from the declaration, numbers from made-up results, verdicts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from fleximodal.errors import FleximodalError
from fleximodal.publishing.claims import COLUMNS as CLAIM_COLUMNS
from fleximodal.publishing.claims import write_claims
from fleximodal.publishing.figure_declaration import load_figure
from fleximodal.publishing.figures import KINDS, write_paper_figure
from fleximodal.publishing.published_table import Rule
from fleximodal.publishing.robustness_table import write_robustness
from tests.unit.publishing.paper_figures import CONFIG, SEEDS, declared, stored_inputs

CLAIMING = ("figure3a", "figure3b", "figure3c", "figure3d")
NAMES = (*CLAIMING, "figure5", "robustness")
RULE = Rule({"auroc": 0.01}, 0.05)


def numbers_of(name: str, folder: Path, papers_data: str = "generated") -> pd.DataFrame:
    declaration = declared(name, papers_data)
    inputs = stored_inputs(declaration, folder)
    frame: pd.DataFrame = KINDS[declaration.kind].numbers(declaration, inputs)
    return frame


def test_cells_are_shared_with_the_tables() -> None:
    paths = {cell.path for cell in declared("figure3a").cells()}
    joint = "vitals+notes+cxr/vitals+notes/FuseMoE-Laplace-joint/paper"
    assert f"synthetic-mimic4/48-IHM/stay/{joint}" in paths
    assert len(paths) == 10
    real = declared("robustness", "real").cells()
    assert {cell.source for cell in real} == {"mimic4"}
    assert all(cell.cases == "all" for cell in real)


def test_complete_cases_are_those_of_one_entry() -> None:
    cases = [entry.cell.cases for entry in declared("figure3d").entries() if entry.task == "LOS"]
    assert cases == ["vitals+notes+cxr", "all", "all", "all"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"methods": {"4": "FuseMoE-Laplce"}}, "unknown method 'FuseMoE-Laplce'; did you mean"),
        ({"modalities": None}, "modalities: a figure of kind 'experts' needs them"),
        ({"cases_of": {"5": "all"}}, "cases_of: unknown cases_of '5'"),
        ({"publisched": "x.csv"}, "unknown key 'publisched'; did you mean 'published'"),
    ],
)
def test_faulty_declarations_are_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    values = yaml.safe_load((CONFIG / "figures" / "figure3b.yaml").read_text())
    path = tmp_path / "figure3b.yaml"
    path.write_text(yaml.safe_dump({**values, **change}))
    with pytest.raises(FleximodalError, match=message):
        load_figure(path, ["FuseMoE-Laplace", *values["methods"].values()], papers_data="real")


def digitised(name: str) -> "pd.Series[float]":
    frame = pd.read_csv(CONFIG / "published" / f"fusemoe_{name}.csv", dtype={"label": str})
    return frame.groupby(["task", "quantity", "label"], sort=False)["value"].mean()


def test_digitised_values_are_the_published_ones() -> None:
    cost = digitised("figure3a")
    assert cost["48-IHM", "seconds", "FuseMoE"] == 877
    assert cost["25-PHE", "memory_mib", "FuseMoE"] == 3991
    experts = digitised("figure3b")["LOS", "auroc"]
    assert list(experts.index) == ["4", "8", "12", "16", "20", "24"]
    np.testing.assert_allclose(experts, [76.2, 79.4, 81.6, 83.9, 82.5, 84.3], atol=0.051)
    shares = digitised("figure3c")["25-PHE", "share"]
    assert shares.to_dict() == {"vitals": 0.38, "notes": 0.29, "cxr": 0.25, "ecg": 0.08}
    missing = digitised("figure3d")["48-IHM", "auroc"]
    np.testing.assert_allclose(missing, [83.3, 81.6, 84.5, 82.8], atol=0.051)


def test_cost_is_of_one_run(tmp_path: Path) -> None:
    frame = numbers_of("figure3a", tmp_path)
    row = frame[(frame["task"] == "48-IHM") & (frame["label"] == "TF")]
    ours = row[row["origin"] == "measured"].iloc[0]
    assert ours["seconds"] == pytest.approx(4.5 + 0.1)  # mean of 4.5, 4.6, 4.7
    assert ours["memory_mib"] == 645.0
    assert ours["device"] == "cpu"
    theirs = row[row["origin"] == "published"].iloc[0]
    assert (theirs["seconds"], theirs["memory_mib"]) == (728, 1676)


def test_expert_numbers_are_in_percent(tmp_path: Path) -> None:
    frame = numbers_of("figure3b", tmp_path)
    rows = frame[(frame["task"] == "LOS") & (frame["experts"] == 12)].set_index("origin")
    assert rows.loc["measured", "auroc_mean"] == pytest.approx(75.2)
    assert rows.loc["measured", "auroc_low"] == pytest.approx(70.2)
    assert rows.loc["published", "auroc_mean"] == 81.59


def test_shares_sum_to_one_and_gains_count_as_nothing(tmp_path: Path) -> None:
    frame = numbers_of("figure3c", tmp_path)
    rows = frame[frame["task"] == "48-IHM"]
    for reading in ("presence", "norm", "ablation"):
        assert rows[rows["reading"] == reading]["share"].sum() == pytest.approx(1)
    ablation = rows[rows["reading"] == "ablation"].set_index("modality")
    # Without ECGs the made-up AUROC is better by a point: 0.05 - 0.06.
    assert ablation.loc["ecg", "loss"] == pytest.approx(-0.01)
    assert ablation.loc["ecg", "share"] == 0
    assert ablation.loc["vitals", "share"] == pytest.approx(1 / 3)
    norm = rows[(rows["reading"] == "norm") & (rows["modality"] == "cxr")].iloc[0]
    assert (norm["share"], norm["share_sd"]) == (pytest.approx(0.1), pytest.approx(0.02))


def test_missing_has_runs_on_both_test_parts(tmp_path: Path) -> None:
    frame = numbers_of("figure3d", tmp_path)
    ours = frame[(frame["origin"] == "measured") & (frame["task"] == "48-IHM")]
    missing = ours[ours["label"] == "Missing"]
    assert missing.groupby("test")["seed"].apply(tuple).to_dict() == {
        "own": SEEDS,
        "common": SEEDS,
    }
    own = missing[missing["test"] == "own"]
    common = missing[missing["test"] == "common"]
    np.testing.assert_allclose(common["auroc"].to_numpy() - own["auroc"].to_numpy(), 2.0)
    assert set(common["n_stays"]) == {80}
    theirs = frame[frame["origin"] == "published"]
    assert (theirs.groupby(["task", "label"]).size() == 5).all()


@pytest.mark.parametrize("papers_data", ["generated", "real"])
@pytest.mark.parametrize(
    ("name", "count"), [("figure3a", 20), ("figure3b", 18), ("figure3c", 12), ("figure3d", 12)]
)
def test_each_published_value_has_a_verdict(
    tmp_path: Path, name: str, count: int, papers_data: str
) -> None:
    declaration = declared(name, papers_data)
    module = KINDS[declaration.kind]
    frame = module.numbers(declaration, stored_inputs(declaration, tmp_path))
    claims = module.claims(declaration, frame, RULE)
    assert len(claims) == len({claim.claim for claim in claims}) == count
    for claim in claims:
        assert claim.difference == pytest.approx(claim.measured - claim.published_mean)
    verdicts = {claim.verdict for claim in claims}
    if name in ("figure3a", "figure3c"):
        assert all(verdict.startswith("not a target: ") for verdict in verdicts)
    elif papers_data == "generated":
        assert verdicts == {"not comparable: synthetic data"}
    else:
        assert verdicts <= {"equivalent", "different", "inconclusive"}
    write_claims(claims, tmp_path / "claims.csv")
    assert list(pd.read_csv(tmp_path / "claims.csv").columns) == CLAIM_COLUMNS


def test_absent_data_leave_the_published_values(tmp_path: Path) -> None:
    declaration = declared("figure3b", "real")
    inputs = stored_inputs(declaration, tmp_path, absent=True)
    claims = tmp_path / "claims.csv"
    write_paper_figure(declaration, inputs, tmp_path, claims=claims, rule=RULE)
    assert set(pd.read_csv(claims)["verdict"]) == {"not run: data absent"}
    assert set(pd.read_csv(tmp_path / "figure3b.csv")["origin"]) == {"published"}


def test_robustness_without_data_is_refused(tmp_path: Path) -> None:
    declaration = declared("robustness", "real")
    inputs = stored_inputs(declaration, tmp_path, absent=True)
    with pytest.raises(FleximodalError, match="none of its cells was run"):
        write_paper_figure(declaration, inputs, tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_figure_says_synthetic(tmp_path: Path, name: str) -> None:
    declaration = declared(name).noted("a note")
    inputs = stored_inputs(declaration, tmp_path)
    write_paper_figure(declaration, inputs, tmp_path)
    drawn = (tmp_path / f"{name}.svg").read_text()
    assert "synthetic (generated) data" in drawn
    assert "a note" in drawn
    assert not pd.read_csv(tmp_path / f"{name}.csv").empty
    for suffix in ("png", "pdf"):
        assert (tmp_path / f"{name}.{suffix}").stat().st_size > 0


def test_real_autoencoder_shows_no_single_ecg(tmp_path: Path) -> None:
    panels = set(numbers_of("figure5", tmp_path, "real")["panel"])
    assert panels == {"layers", "leads", "spectrum"}


def test_robustness_table(tmp_path: Path) -> None:
    declaration = declared("robustness")
    write_robustness(declaration, stored_inputs(declaration, tmp_path), tmp_path)
    frame = pd.read_csv(tmp_path / "robustness.csv")
    assert len(frame) == len(declaration.methods) * (15 + 9)
    row = frame[(frame["method"] == "HAIM") & (frame["condition"] == "only:notes+ecg")].iloc[0]
    assert row["auroc_mean"] == pytest.approx(0.80 - 0.10)
    assert row["auroc_loss_mean"] == pytest.approx(0.10)
    text = (tmp_path / "robustness.md").read_text()
    assert "| at most notes+ecg" in text
    assert "70.0 [65.0, 74.0]" in text
    assert "synthetic (generated) data" in text
    for suffix in ("tex", "html"):
        assert (tmp_path / f"robustness.{suffix}").stat().st_size > 0
