"""Flex-MoE's figure 2: counts of subjects beside the printed ones, and a claim for each."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from fleximodal.publishing import figure_cohort
from fleximodal.publishing.equivalence import Rule
from fleximodal.publishing.figure_declaration import FigureDeclaration, FigureKeys
from fleximodal.publishing.figure_inputs import FigureInputs

ROOT = Path(__file__).resolve().parents[3]
NAMES = {"I": "image", "G": "genomic", "C": "clinical", "B": "biospecimen"}
PRINTED = ROOT / "config" / "published" / "flexmoe_figure2.csv"
EXACT = {"IGCB": 1474, "ICB": 127, "GCB": 122, "IC": 157, "CB": 21, "C": 479}


def declared(data: str = "real") -> FigureDeclaration:
    keys = yaml.safe_load((ROOT / "config" / "figures" / "flexmoe_figure2.yaml").read_text())
    assert set(keys) <= set(FigureKeys.model_fields)
    defaults = {
        name: field.get_default(call_default_factory=True)
        for name, field in FigureKeys.model_fields.items()
        if not field.is_required()
    }
    source = "adni" if data == "real" else "synthetic-adni"
    return FigureDeclaration.model_construct(
        **defaults | keys, name="flexmoe_figure2", source=source
    )


def flow(exact: dict[str, int]) -> dict[str, Any]:
    """Return flow.json of a cohort with these combinations."""
    return {
        "steps": [{"step": "all", "stays": sum(exact.values()), "patients": sum(exact.values())}],
        "availability": [
            {"modality": name, "stays": sum(n for one, n in exact.items() if letter in one)}
            for letter, name in NAMES.items()
        ],
        "combinations": {"+".join(NAMES[c] for c in one): n for one, n in exact.items()},
    }


def numbers(declaration: FigureDeclaration, exact: dict[str, int] | None) -> pd.DataFrame:
    printed = pd.read_csv(PRINTED)
    inputs = FigureInputs([], flow(exact) if exact else {}, printed)
    return figure_cohort.numbers(declaration, inputs)


def verdicts(declaration: FigureDeclaration, exact: dict[str, int] | None) -> dict[str, str]:
    found = figure_cohort.claims(declaration, numbers(declaration, exact), Rule({}, 0.05))
    assert len(found) == len({claim.claim for claim in found}) == 10
    assert {(claim.paper, claim.dataset) for claim in found} == {("Flex-MoE", "ADNI")}
    return {claim.claim.removeprefix("flexmoe_figure2-"): claim.verdict for claim in found}


def test_the_printed_counts_agree_with_one_another() -> None:
    """Six combinations make the whole cohort, and with them the four counts of modalities."""
    printed = pd.read_csv(PRINTED)
    exact = printed[printed["quantity"] == "exactly"].set_index("label")["value"]
    assert exact.to_dict() == EXACT and sum(EXACT.values()) == 2380
    single = printed[printed["quantity"] == "with"].set_index("label")["value"]
    told = {one["modality"]: one["stays"] for one in flow(EXACT)["availability"]}
    assert {NAMES[letter]: value for letter, value in single.items()} == told


def test_equal_counts_are_equivalent_and_generated_ones_are_not_compared() -> None:
    assert set(verdicts(declared(), EXACT).values()) == {"equivalent"}
    generated = verdicts(declared("generated"), EXACT)
    assert set(generated.values()) == {"not comparable: synthetic data"}
    assert set(verdicts(declared(), None).values()) == {"not run: data absent"}


def test_counts_beyond_their_tolerance_are_different() -> None:
    changed = {**EXACT, "ICB": 127 + 7, "IC": 157 - 7}  # 5 % of 127 is 6.35, of 157 is 7.85
    del changed["CB"]  # nobody: less than 21
    found = verdicts(declared(), changed)
    assert found["exactly-ICB"] == "different" and found["exactly-IC"] == "equivalent"
    assert found["exactly-CB"] == "different"
    assert found["with-C"] == "equivalent"  # 21 of 2,380 are less than 1 %
    assert found["with-G"] == "equivalent"
    rows = numbers(declared(), changed)
    assert len(rows[rows["origin"] == "measured"]) == 4 + 5


def test_tolerances_are_those_of_the_cohort_without_its_spare_subjects() -> None:
    counts = pd.read_csv(ROOT / "config" / "published" / "cohort_counts.csv")
    counts = counts[counts["dataset"] == "ADNI"].set_index("quantity")
    for row in pd.read_csv(PRINTED).to_dict("records"):
        names = "+".join(NAMES[letter] for letter in row["label"])
        told = counts.loc[names if row["quantity"] == "with" else f"exactly {names}"]
        assert row["value"] == told["n_stays"]
        percent = told["tolerance_percent"] / 100
        assert row["tolerance"] == pytest.approx(row["value"] * percent, abs=0.006)


@pytest.mark.parametrize("exact", [EXACT, None])
def test_the_figure_has_a_bar_per_modality_and_occurring_combination(
    exact: dict[str, int] | None,
) -> None:
    declaration = declared("generated")
    figure = figure_cohort.draw(numbers(declaration, exact), declaration)
    single, sets = figure.axes
    assert [label.get_text() for label in single.get_xticklabels()] == ["I", "G", "C", "B"]
    assert [label.get_text() for label in sets.get_xticklabels()] == [
        "IGCB", "ICB", "GCB", "IC", "CB", "C"
    ]  # fmt: skip
    texts = [text.get_text() for text in sets.texts]
    assert "1,474" in texts
    assert texts.count("1,474") == (2 if exact else 1)
    assert ("synthetic (generated) data" in texts) == (exact is not None)
    assert json.dumps(figure.get_suptitle()).count("Flex-MoE, figure 2") == 1
