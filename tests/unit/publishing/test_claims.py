"""The claims table: verdicts, and parts that must not pass."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from fleximodal.errors import FleximodalError
from fleximodal.publishing.claims import (
    COLUMNS,
    Claim,
    collect_claims,
    judge,
    judge_number,
    write_claims,
)

CLAIM = Claim(
    claim="table3-x",
    table="table3",
    dataset="MIMIC-IV",
    modalities="vitals+notes",
    task="48-IHM",
    metric="auroc",
    method="HAIM",
    variant="paper",
    published_mean=79.65,
    published_sd=0.0,
    measured=80.123456789012345,
    low=79.5,
    high=80.5,
    n=3,
    data="real",
    difference=0.473456789012345,
    verdict="equivalent",
)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.45, 0.55, "equivalent"),
        (0.52, 0.58, "equivalent"),  # excludes the value, but by less than matters
        (0.40, 0.60, "equivalent"),  # just within the margin
        (0.39, 0.60, "inconclusive"),
        (0.30, 0.70, "inconclusive"),
        (0.52, 0.70, "different"),
        (0.70, 0.80, "different"),
        (None, None, "inconclusive"),
    ],
)
def test_verdicts(low: float | None, high: float | None, verdict: str) -> None:
    assert judge(0.5, low, high, 0.1) == verdict


@pytest.mark.parametrize(
    ("measured", "data", "verdict"),
    [
        (10.5, "real", "equivalent"),
        (10.6, "real", "different"),
        (10.0, "synthetic", "not comparable: synthetic data"),
        (10.0, "demo", "not comparable: demo release"),
        (None, "demo", "not run: data absent"),
    ],
)
def test_verdicts_on_numbers_without_spread(
    measured: float | None, data: str, verdict: str, tmp_path: Path
) -> None:
    assert judge_number(10.0, measured, 0.5, data) == verdict
    write_claims([replace(CLAIM, verdict=verdict)], tmp_path / "part.csv")
    collect_claims([tmp_path / "part.csv"], tmp_path / "claims.csv")
    assert pd.read_csv(tmp_path / "claims.csv")["verdict"].tolist() == [verdict]


def test_parts_are_joined_in_order_without_a_change_of_digits(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    absent = replace(
        CLAIM, claim="b", measured=None, low=None, high=None, n=None, difference=None,
        verdict="not run: data absent",
    )  # fmt: skip
    write_claims([CLAIM], first)
    write_claims([absent, replace(CLAIM, claim="c", verdict="not a target: a bound")], second)
    collect_claims([second, first], tmp_path / "claims.csv")
    whole = pd.read_csv(tmp_path / "claims.csv", dtype=str, keep_default_na=False)
    assert list(whole.columns) == COLUMNS
    assert whole["claim"].tolist() == ["b", "c", "table3-x"]
    assert float(whole["measured"].iloc[2]) == CLAIM.measured
    assert whole["n"].tolist() == ["", "3", "3"]
    lines = second.read_text().splitlines() + first.read_text().splitlines()[1:]
    assert (tmp_path / "claims.csv").read_text().splitlines() == lines


def test_no_parts_give_an_empty_table(tmp_path: Path) -> None:
    collect_claims([], tmp_path / "claims.csv")
    assert (tmp_path / "claims.csv").read_text() == ",".join(COLUMNS) + "\n"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("verdict", "verdicts", "the columns are not claim, paper, table"),
        ("equivalent", "excellent", "row 1: unknown verdict 'excellent'"),
        ("equivalent", "not a target: ", "row 1: unknown verdict"),
        ("79.65", "about 80", "row 1: published_mean 'about 80' is no number"),
    ],
)
def test_faulty_part_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    part = tmp_path / "part.csv"
    write_claims([CLAIM], part)
    part.write_text(part.read_text().replace(old, new, 1))
    with pytest.raises(FleximodalError, match=words) as caught:
        collect_claims([part], tmp_path / "claims.csv")
    assert str(part) in str(caught.value)
    assert not (tmp_path / "claims.csv").exists()


def test_a_published_value_has_one_row(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_claims([CLAIM], tmp_path / f"{name}.csv")
    with pytest.raises(FleximodalError, match="claim 'table3-x' is also in"):
        collect_claims([tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "claims.csv")


def test_absent_part_is_named(tmp_path: Path) -> None:
    with pytest.raises(FleximodalError, match="nowhere.csv: cannot be read"):
        collect_claims([tmp_path / "nowhere.csv"], tmp_path / "claims.csv")
