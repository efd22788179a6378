"""The frame of a table from three cells and published values."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fleximodal.errors import FleximodalError
from fleximodal.publishing.peers import read_peers
from fleximodal.publishing.table import build_table

ROOT = Path(__file__).resolve().parents[3]
Build = Callable[..., Any]


@pytest.fixture
def peers(tmp_path: Path) -> pd.DataFrame:
    path = tmp_path / "peers.csv"
    path.write_text(
        "method,auroc,auprc,protocol,note,reference\n"
        "GRU-D,81.9,46.1,five-random,as reported,Che et al. 2018\n"
        'XGBoost,86.5,53.1,other,"a, b",unknown\n'
    )
    return read_peers(path)


def test_rows_are_the_cells_then_the_peers(
    declare: Build, entries: Build, peers: pd.DataFrame
) -> None:
    declaration = declare()
    frame = build_table(declaration, entries(declaration, absent=(1,)), peers)
    assert list(frame["method"]) == [*declaration.methods, "GRU-D", "XGBoost"]
    assert list(frame["status"]) == [
        "measured",
        "not run: data absent",
        "measured",
        "published",
        "published",
    ]
    assert set(frame["table"]) == {"deaths"}
    assert set(frame["data"]) == {"real"}
    assert list(frame["protocol"]) == ["five-random"] * 4 + ["other"]


def test_measured_values_are_unrounded(declare: Build, entries: Build) -> None:
    declaration = declare()
    frame = build_table(declaration, entries(declaration))
    last = frame.iloc[2]
    assert last["auroc_mean"] == 0.8415 + 0.01 * 2
    assert last["auroc_sd"] == 0.0025
    assert last["auprc_low"] < last["auprc_mean"] < last["auprc_high"]
    assert (last["n_runs"], last["n_stays"], last["n_patients"]) == (5, 4000, 3990)
    assert last["prevalence"] == 0.1425
    assert last["bootstrap_replicates"] == 1000
    assert (last["train_seconds"], last["peak_memory_mb"]) == (1234.5, 812.3)
    assert (last["parameters"], last["device"]) == (123_458, "cpu")
    assert "brier_mean" not in frame


def test_absent_cells_have_no_numbers(declare: Build, entries: Build) -> None:
    declaration = declare()
    row = build_table(declaration, entries(declaration, absent=(0, 1, 2))).iloc[1]
    known = {"table", "source", "data", "task", "protocol", "modalities", "method", "variant"}
    assert set(row[row.notna()].index) == known | {"status"}


def test_published_values_become_fractions(
    declare: Build, entries: Build, peers: pd.DataFrame
) -> None:
    declaration = declare()
    row = build_table(declaration, entries(declaration), peers).iloc[3]
    assert row["auroc_mean"] == pytest.approx(0.819)
    assert row["auprc_mean"] == pytest.approx(0.461)
    assert pd.isna(row["auroc_sd"]) and pd.isna(row["calibration_slope_mean"])
    assert row["reference"] == "Che et al. 2018"
    assert pd.isna(row["n_stays"])


def test_generated_data_say_so(declare: Build, entries: Build) -> None:
    declaration = declare(source="synthetic")
    assert set(build_table(declaration, entries(declaration))["data"]) == {"synthetic"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("method,auroc,protocol,note\n", "column 'reference' is missing"),
        ("method,aurco,protocol,note,reference\nA,80,p,n,r\n", "column 'aurco' is neither"),
        ("method,auroc,protocol,note,reference\nA,80,p,n,r\nB,8o,p,n,r\n", "row 2: auroc '8o'"),
        ("method,auroc,protocol,note,reference\nA,810,p,n,r\n", "row 1: auroc .*no.* percentage"),
        ("", "cannot be read as CSV"),
    ],
)
def test_faulty_published_values_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "peers.csv"
    path.write_text(text)
    with pytest.raises(FleximodalError, match=f"peers.csv: {message}"):
        read_peers(path)


def test_shipped_published_values() -> None:
    frame = read_peers(ROOT / "config" / "published" / "physionet2012_peers.csv")
    values = frame.set_index("method")
    assert len(frame) == 7
    assert values.loc["MTM", "auroc"] == pytest.approx(0.88)
    assert values.loc["Raindrop", "auprc"] == pytest.approx(0.44)
    assert list(frame.loc[frame["protocol"] != "five-random", "method"]) == ["XGBoost"]
    assert (frame[["note", "reference"]] != "").all(axis=None)
