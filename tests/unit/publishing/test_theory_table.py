"""Table 2: theory beside measured slopes, the gates against one another, claims."""

from pathlib import Path

import pandas as pd
import pytest

from fleximodal.errors import FleximodalError
from fleximodal.publishing.claims import collect_claims
from fleximodal.publishing.own_declaration import load_own
from fleximodal.publishing.theory_table import (
    DIFFERENCE,
    against_printed,
    against_theory,
    build_table2,
    read_printed,
    read_rates,
    write_table2,
)
from tests.unit.publishing.theory_summaries import store, summary

ROOT = Path(__file__).resolve().parents[3]
RATES = ROOT / "config" / "published" / "fusemoe_table2.csv"
PRINTED = ROOT / "config" / "published" / "fusemoe_convergence.csv"
TABLE = load_own(ROOT / "config" / "tables" / "table2.yaml")


def table(**changes: float) -> pd.DataFrame:
    gates = [summary(gate, w=changes.get(gate, -0.3)) for gate in ("laplace", "softmax")]
    return build_table2(gates, read_rates(RATES), read_printed(PRINTED))


def row(frame: pd.DataFrame, **keys: object) -> "pd.Series[float]":
    for name, value in keys.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1, keys
    return frame.iloc[0]


def test_rates_are_those_of_the_paper_for_cells_of_two_and_three() -> None:
    rates = read_rates(RATES).set_index(["gate", "parameter"])["exponent_cell_2"]
    assert rates["softmax", "W"] == -1 / 8
    assert rates["laplace", "W"] == -1 / 4
    differing = [name for name in ("exp(beta)", "W", "a", "b", "nu")
                 if rates["softmax", name] != rates["laplace", name]]  # fmt: skip
    assert differing == ["W"], "only W differs for two in a cell"


def test_slopes_stand_beside_their_rates() -> None:
    frame = table()
    double = row(frame, gate="softmax", quantity="W", fitted_in_cell=2, error="largest")
    assert (double["theory"], double["slope"]) == (-0.125, -0.3)
    assert double["against_theory"] == "falls faster than the rate"
    assert double["mean_slope"] == pytest.approx(-0.31)
    assert (double["fits"], double["not_converged"]) == (120, 2)
    single = row(frame, gate="laplace", quantity="b", fitted_in_cell=1)
    assert (single["theory"], single["rate"]) == (-0.5, "n^(-1/2)")
    loss = row(frame, gate="laplace", quantity="D1", replicates=40)
    assert (loss["theory"], loss["printed"]) == (-0.5, -0.49)
    assert loss["against_printed"] == "interval contains -0.49"
    assert loss["near_theory"] == "yes"
    over = row(frame, gate="laplace", quantity="D2")
    assert over["against_printed"] == "interval excludes -0.47"
    assert row(frame, gate="laplace", quantity="D1", replicates=5)["slope"] == -0.6
    assert pd.isna(row(frame, gate="softmax", quantity="D1", replicates=40)["printed"])


def test_errors_weighted_by_mass_have_rows_of_their_own() -> None:
    frame = table()
    weighted = row(frame, gate="laplace", quantity="W", fitted_in_cell=2, error="weighted")
    assert (weighted["theory"], weighted["slope"]) == (-0.25, -0.6)
    assert len(frame[(frame["gate"] == DIFFERENCE) & (frame["error"] == "weighted")]) == 4
    share = row(frame, gate="laplace", quantity="lightest share")
    assert share["slope"] == -0.1
    assert pd.isna(share["theory"]) and share["against_theory"] == share["near_theory"] == ""


def test_what_was_not_measured_is_empty_not_absent() -> None:
    missing = row(table(), gate="softmax", setting="over", quantity="W", fitted_in_cell=1)
    assert pd.isna(missing["slope"]) and missing["against_theory"] == ""
    assert missing["theory"] == -0.5


def test_gates_stand_against_one_another() -> None:
    same = row(table(), gate=DIFFERENCE, quantity="W", error="largest")
    assert same["slope"] == pytest.approx(0.0)
    assert same["theory"] == pytest.approx(-0.125)
    reach = 1.959964 * 0.03 * 2**0.5
    assert (same["low"], same["high"]) == pytest.approx((-reach, reach))
    assert same["against_theory"].startswith("no difference between the gates is seen")
    assert "excludes the theory's difference" in same["against_theory"]
    faster = row(table(laplace=-0.3, softmax=-0.15), gate=DIFFERENCE, quantity="W", error="largest")
    assert faster["against_theory"] == (
        "the gates differ; interval contains the theory's difference"
    )


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.3, -0.2, "interval contains the rate"),
        (-0.4, -0.26, "falls faster than the rate"),
        (-0.2, 0.1, "falls slower than the rate"),
        (None, None, ""),
    ],
)
def test_words_on_a_rate(low: float | None, high: float | None, words: str) -> None:
    assert against_theory(-0.25, low, high) == words


def test_words_on_a_printed_slope() -> None:
    assert against_printed(-0.49, -0.52, -0.48) == "interval contains -0.49"
    assert against_printed(-0.49, -0.52, -0.5) == "interval excludes -0.49"
    assert against_printed(None, -0.52, -0.5) == ""


def test_files_and_claims(tmp_path: Path) -> None:
    files = store(tmp_path, summary("laplace"), summary("softmax"))
    out, part = tmp_path / "table2.csv", tmp_path / "claims" / "theory.csv"
    write_table2(TABLE, files, RATES, PRINTED, tmp_path, part)
    assert set(pd.read_csv(out)["data"]) == {"simulation"}
    collect_claims([part], tmp_path / "claims.csv")
    claims = pd.read_csv(tmp_path / "claims.csv").set_index("claim")
    assert len(claims) == 10 + 2 * 2, "one row per published value"
    first = claims.loc["figure3-D1-exponent"]
    assert first["verdict"] == "equivalent"
    assert (first["published_mean"], first["measured"], first["n"]) == (-0.49, -0.51, 120)
    assert first["difference"] == pytest.approx(-0.02)
    assert claims.loc["figure3-D2-exponent", "verdict"] == "different"
    assert claims.loc["figure3-D2-constant", "verdict"].startswith("not a target: the level")
    bound = claims.loc["table2-softmax-W", "verdict"]
    assert bound == "not a target: an upper bound on the error; falls faster than the rate"


def test_claims_of_a_configuration_that_was_not_run(tmp_path: Path) -> None:
    files = store(tmp_path, summary("laplace", configuration="published"))
    write_table2(TABLE, files, RATES, PRINTED, tmp_path, tmp_path / "theory.csv")
    claims = pd.read_csv(tmp_path / "theory.csv")
    assert len(claims) == 14
    assert set(claims["verdict"]) == {"not run: data absent"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("-1/8", "-1/x", "row 2: exponent_cell_2"),
        ("parameter", "param", "column 'parameter' is missing"),
    ],
)
def test_faulty_published_file_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    file = tmp_path / "rates.csv"
    file.write_text(RATES.read_text().replace(old, new, 1))
    with pytest.raises(FleximodalError, match=words) as caught:
        read_rates(file)
    assert str(file) in str(caught.value)
