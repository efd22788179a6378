"""Flex-MoE's table 5: shapes and gaps of raw files beside the printed ones."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.declared import load_table
from fleximodal.publishing.facts_declaration import RawFilesTable
from fleximodal.publishing.raw_files_table import build_raw_files, write_raw_files_table

ROOT = Path(__file__).resolve().parents[3]
PRINTED = ROOT / "config" / "published" / "flexmoe_table5.csv"
# As printed up to rounding, but for VITALS and the columns of one set of genotypes.
RAW = {
    "MEDHIST_09May2024": {"rows": 3083, "columns": 40, "missing": 0.13285},
    "NEUROEXM_01Jan2025": {"rows": 3873, "columns": 28, "missing": 0.13714},
    "APOERES_09May2024": {"rows": 2737, "columns": 17, "missing": 0.3984},
    "VITALS_09May2024": {"rows": 15000, "columns": 26, "missing": 0.2},
    "ADNI3_PLINK_Final": {"rows": 327, "columns": 500000, "missing": 0.0062},
    "ADNI3_PLINK_FINAL_2nd": {"rows": 328, "columns": 567386, "missing": 0.0046},
    "ADNI_G": {"rows": 10853, "columns": 84090, "missing": 0.0, "shape": [91, 109, 91]},
}


def load(data: str = "real") -> RawFilesTable:
    path = ROOT / "config" / "tables" / "flexmoe_table5.yaml"
    table = load_table(path, known_methods(), data)
    assert isinstance(table, RawFilesTable)
    return table


def counts(root: Path, raw: dict[str, Any]) -> Path:
    path = root / "counts.json"
    path.write_text(json.dumps({"release": "ADNI", "raw": raw}))
    return path


def verdicts(frame: pd.DataFrame, file: str) -> dict[str, str]:
    rows = frame[frame["measured_file"] == file]
    return dict(zip(rows["quantity"], rows["verdict"], strict=True))


def test_numbers_are_equal_within_half_of_the_last_printed_digit(tmp_path: Path) -> None:
    frame = build_raw_files(load(), PRINTED, counts(tmp_path, RAW))
    equal, apart = "equivalent", "different"
    shape = ("n_rows", "n_columns", "missing_percent")

    def told(*words: str) -> dict[str, str]:
        return dict(zip(shape, words, strict=True))

    assert verdicts(frame, "MEDHIST_09May2024") == told(equal, equal, equal)  # 13.285 of 13.28
    assert verdicts(frame, "NEUROEXM_01Jan2025") == told(equal, equal, equal)
    assert verdicts(frame, "APOERES_09May2024") == told(equal, equal, equal)  # 39.84 of 39.8
    assert verdicts(frame, "VITALS_09May2024") == told(apart, equal, apart)
    assert verdicts(frame, "ADNI3_PLINK_Final") == told(equal, apart, equal)
    assert verdicts(frame, "ADNI3_PLINK_FINAL_2nd") == told(equal, equal, equal)
    assert set(verdicts(frame, "ADNI_G").values()) == {equal}
    assert len(verdicts(frame, "ADNI_G")) == 4
    vitals = frame[frame["file"] == "VITALS_09May2024.csv"].set_index("quantity")
    assert vitals.loc["n_rows", "difference"] == 15000 - 15381
    assert vitals.loc["missing_percent", "measured"] == pytest.approx(20)


def test_each_printed_number_is_one_claim(tmp_path: Path) -> None:
    lines = PRINTED.read_text().splitlines()[1:]
    for data, verdict in (("generated", "not comparable: synthetic data"), ("real", "equivalent")):
        write_raw_files_table(
            load(data).noted("small"),
            PRINTED,
            counts(tmp_path, RAW),
            tmp_path,
            tmp_path / "claims.csv",
        )
        claims = pd.read_csv(tmp_path / "claims.csv", keep_default_na=False)
        assert len(claims) == len(set(claims["claim"])) == len(lines) == 40
        found = claims.set_index("claim")
        assert found.loc["flexmoe_table5-MEDHIST_09May2024.csv-n_rows", "verdict"] == verdict
        nowhere = found.loc["flexmoe_table5-PTDEMOG_09May2024.csv-n_rows"]
        assert nowhere["verdict"] == "not run: data absent" and nowhere["measured"] == ""
        text = (tmp_path / "flexmoe_table5.md").read_text()
        assert ("synthetic" in text) == (data == "generated") and "(small)" in text
        assert "| 567,386 " in text and "39.8 " in text and "13.29" in text


def test_rows_alone_are_compared_where_nothing_else_is_told(tmp_path: Path) -> None:
    path = tmp_path / "counts.json"
    path.write_text(json.dumps({"rows": {"MEDHIST_01Jan2025": 3084}}))
    frame = build_raw_files(load(), PRINTED, path)
    assert verdicts(frame, "MEDHIST_01Jan2025") == {
        "n_rows": "different",
        "n_columns": "not run: data absent",
        "missing_percent": "not run: data absent",
    }


def test_absent_data_leave_the_printed_numbers() -> None:
    frame = build_raw_files(load(), PRINTED, None)
    assert len(frame) == 40 and set(frame["verdict"]) == {"not run: data absent"}
    assert frame["published"].notna().all() and frame["measured"].isna().all()


def test_two_exports_of_one_file_are_refused(tmp_path: Path) -> None:
    raw = {name: RAW["MEDHIST_09May2024"] for name in ("MEDHIST_09May2024", "MEDHIST_01Jan2025")}
    with pytest.raises(FleximodalError, match="both fit 'MEDHIST'"):
        build_raw_files(load(), PRINTED, counts(tmp_path, raw))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("VITALS_09May2024.csv,n_rows", "VITAL.csv,n_rows", "row 3[0-9]: unknown file 'VITAL.csv'"),
        ("ADNI3_PLINK_Final,n_rows", "ADNI3_PLINK_Final,rows", "unknown quantity 'rows'"),
        (",3083,", ",many,", "row 20: value 'many' is no number"),
        ("NEUROEXM_09May2024.csv,n_columns", "NEUROEXM_09May2024.csv,n_rows", "is there twice"),
        ("quantity", "quantities", "column 'quantity' is missing"),
    ],
)
def test_faulty_published_numbers_are_named(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "values.csv"
    path.write_text(PRINTED.read_text().replace(old, new, 1))
    with pytest.raises(FleximodalError, match=f"{path}: .*{message}"):
        build_raw_files(load(), path, None)
