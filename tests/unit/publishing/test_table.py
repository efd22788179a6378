"""The frame of a table from three cells and published values."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fleximodal.errors import FleximodalError
from fleximodal.publishing.peers import read_peers
from fleximodal.publishing.table import build_table, measured_cells
from tests.unit.publishing.conftest import write_truth

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
    known = {
        "table",
        "source",
        "data",
        "task",
        "protocol",
        "cases",
        "modalities",
        "method",
        "variant",
    }
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
    declaration = declare(source="synthetic-physionet2012")
    assert set(build_table(declaration, entries(declaration))["data"]) == {"synthetic"}


def test_absence_is_per_cell(declare: Build, entries: Build) -> None:
    declaration = declare(modalities=["vitals", "vitals+cxr"], methods=["HAIM", "Concat"])
    frame = build_table(declaration, entries(declaration, absent=(2, 3), leakage=[0.6]))
    told = frame[["modalities", "method", "status"]].to_numpy().tolist()
    assert told == [
        ["vitals", "HAIM", "measured"],
        ["vitals", "Concat", "measured"],
        ["vitals", "Missingness only", "measured"],
        ["vitals+cxr", "HAIM", "not run: data absent"],
        ["vitals+cxr", "Concat", "not run: data absent"],
        ["vitals+cxr", "Missingness only", "not run: data absent"],
    ]
    assert frame["auroc_mean"].notna().tolist() == [True] * 3 + [False] * 3


def test_row_of_missingness_has_auroc_alone(declare: Build, entries: Build) -> None:
    declaration = declare()
    frame = build_table(declaration, entries(declaration, leakage=[0.52, 0.58, 0.61]))
    row = frame.iloc[-1]
    assert row["auroc_mean"] == pytest.approx(0.57)
    # Deviations from the mean are -0.05, 0.01 and 0.04: the sum of squares is 0.0042.
    assert row["auroc_sd"] == pytest.approx((0.0042 / 2) ** 0.5)
    assert row["n_runs"] == 3
    known = {"table", "source", "data", "task", "protocol", "cases", "modalities", "method"}
    assert set(row[row.notna()].index) == known | {"status", "auroc_mean", "auroc_sd", "n_runs"}
    assert list(measured_cells(frame)["method"]) == declaration.methods


def test_row_of_missingness_of_one_split_has_no_deviation(declare: Build, entries: Build) -> None:
    declaration = declare()
    row = build_table(declaration, entries(declaration, leakage=[0.52])).iloc[-1]
    assert row["auroc_mean"] == pytest.approx(0.52)
    assert pd.isna(row["auroc_sd"])


def test_row_of_missingness_is_empty_where_a_split_has_none(declare: Build, entries: Build) -> None:
    declaration = declare()
    row = build_table(declaration, entries(declaration, leakage=[0.52, None])).iloc[-1]
    assert (row["method"], row["status"], row["n_runs"]) == ("Missingness only", "measured", 2)
    assert pd.isna(row["auroc_mean"])


def test_no_row_of_missingness_without_auroc(declare: Build, entries: Build) -> None:
    declaration = declare(metrics=["brier"])
    frame = build_table(declaration, entries(declaration, leakage=[0.6]))
    assert list(frame["method"]) == declaration.methods


def test_missingness_of_several_classes_is_shown_and_where_there_is_none_nothing(
    declare: Build, entries: Build
) -> None:
    declaration = declare(source="adni", task="diagnosis", metrics=["auroc"])
    cells = entries(declaration, leakage=[0.5])
    report = json.loads(cells[0]["leakage"].read_text())
    (split,) = report["missingness_only"]["vitals+labs"].values()
    split["undefined"] = 1  # a class that is not in the test part
    cells[0]["leakage"].write_text(json.dumps(report))
    row = build_table(declaration, cells).iloc[-1]
    assert row["method"] == "Missingness only" and row["auroc_mean"] == pytest.approx(0.5)
    split["auroc"] = None  # no class is
    cells[0]["leakage"].write_text(json.dumps(report))
    row = build_table(declaration, cells).iloc[-1]
    assert row["method"] == "Missingness only" and pd.isna(row["auroc_mean"])
    cells[0]["leakage"].write_text('{"gates": []}')
    assert list(build_table(declaration, cells)["method"]) == declaration.methods


def test_leakage_reports_that_do_not_fit_are_refused(declare: Build, entries: Build) -> None:
    declaration = declare()
    cells = entries(declaration, leakage=[0.6])
    with pytest.raises(FleximodalError, match="table deaths: no leakage.json of source 'physio"):
        build_table(declaration, [{**entry, "leakage": None} for entry in cells])
    cells[0]["leakage"].write_text('{"missingness_only": {"vitals": {}}}')
    with pytest.raises(FleximodalError, match="missingness_only has no entry 'vitals.labs'"):
        build_table(declaration, cells)


def test_optimum_and_gap_are_those_of_the_modality_set(
    declare: Build, entries: Build, tmp_path: Path
) -> None:
    declaration = declare(
        source="synthetic-mimic4",
        modalities=["vitals+notes", "vitals"],
        methods=["HAIM", "Concat"],
        optimum=True,
    )
    cells = entries(declaration, absent=(3,), leakage=[0.6])
    frame = build_table(declaration, cells, truth=write_truth(tmp_path, declaration))
    # Each method is read over the modality sets.
    assert list(zip(frame["method"], frame["modalities"], strict=True)) == [
        ("HAIM", "vitals+notes"),
        ("HAIM", "vitals"),
        ("Concat", "vitals+notes"),
        ("Concat", "vitals"),
        ("Missingness only", "vitals+notes"),
        ("Missingness only", "vitals"),
    ]
    assert frame["auroc_optimum"].tolist()[:4] == [0.9, 0.88, 0.9, 0.88]
    assert frame["auroc_optimum"].isna().tolist()[4:] == [True, True]
    # Measured: 0.8415, and 0.01 more per cell in the order of the declaration.
    assert frame["auroc_gap"].tolist()[:3] == pytest.approx([0.0585, 0.0185, 0.0485])
    assert pd.isna(frame["auroc_gap"].iloc[3])
    assert list(frame).index("auroc_optimum") == list(frame).index("calibration_slope_high") + 1


def test_optimum_of_a_second_layout_of_the_hospital(
    declare: Build, entries: Build, tmp_path: Path
) -> None:
    declaration = declare(source="synthetic-mimic3", methods=["HAIM"], optimum=True)
    path = write_truth(tmp_path, declaration)
    second = json.loads(path.read_text())
    first = {"48-IHM": {"vitals+labs": {"expected": 0.5, "sample": 0.5}}}
    path.write_text(json.dumps({"optimum": first, "mimic3": second}))
    frame = build_table(declaration, entries(declaration), truth=path)
    assert frame["auroc_optimum"].tolist() == [0.9]
    in_first = declaration.model_copy(update={"source": "synthetic-mimic4"})
    frame = build_table(in_first, entries(in_first), truth=path)
    assert frame["auroc_optimum"].tolist() == [0.5]


def test_optimum_that_is_not_told_is_refused(
    declare: Build, entries: Build, tmp_path: Path
) -> None:
    declaration = declare(source="synthetic-mimic4", optimum=True)
    cells = entries(declaration)
    with pytest.raises(FleximodalError, match="its optimum needs truth.json"):
        build_table(declaration, cells)
    path = tmp_path / "truth.json"
    path.write_text('{"optimum": {"LOS": {}}}')
    with pytest.raises(FleximodalError, match="truth.json: the optimum of source 'synthetic-m"):
        build_table(declaration, cells, truth=path)


def test_tables_without_optimum_have_no_such_columns(declare: Build, entries: Build) -> None:
    declaration = declare()
    frame = build_table(declaration, entries(declaration))
    assert not [name for name in frame if "optimum" in name or "gap" in name]


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
