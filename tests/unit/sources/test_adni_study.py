"""Study tables of ADNI: collapsing visits, joining tables, what is left out, linking, APOE."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from fleximodal.sources.adni.collapse import merge, read_study_table
from fleximodal.sources.adni.preparation import Preparation
from fleximodal.sources.adni.study import Study, biospecimen, clinical
from tests.unit.sources.small_adni import (
    DAY1,
    DAY2,
    DAY3,
    ptid,
    row,
    tables,
    write_table,
    write_tables,
)

EVERYONE = pl.Series([1, 2, 3, 4, 5], dtype=pl.Int64)


def _clinical(folder: Path, content: dict[str, list[dict[str, object]]], **chosen: object) -> Study:
    write_tables(folder, content)
    return clinical(folder, EVERYONE, Preparation(**chosen))  # type: ignore[arg-type]


def _biospecimen(
    folder: Path, content: dict[str, list[dict[str, object]]], preparation: Preparation
) -> Study:
    write_tables(folder, content)
    return biospecimen(folder, EVERYONE, preparation)


def _column(study: Study, name: str) -> list[float | None]:
    values = study.features.values[:, study.features.names.index(name)]
    return [None if np.isnan(value) else float(value) for value in values]


def _collapsed(folder: Path, rows: list[dict[str, object]]) -> list[tuple[object, ...]]:
    path = write_table(folder, "VITALS", ["PTID", "RID", "update_stamp", "A", "B"], rows)
    return merge([read_study_table(path)]).rows.rows()


def test_the_last_cell_that_is_not_missing_counts(tmp_path: Path) -> None:
    rows = [
        row(2, DAY3, A="late", B=""),
        row(2, DAY2, A="", B="middle"),
        row(2, DAY1, A="early", B="early"),
        row(1, DAY1, A="only", B=""),
    ]
    assert _collapsed(tmp_path, rows) == [(1, "only", None), (2, "late", "middle")]


def test_of_equal_stamps_the_row_further_down_is_the_later_one(tmp_path: Path) -> None:
    tie = [row(1, DAY2, A="first", B="x"), row(1, DAY2, A="second"), row(1, "", A="undated", B="y")]
    assert _collapsed(tmp_path, tie) == [(1, "second", "x")]
    assert _collapsed(tmp_path, tie[::-1]) == [(1, "first", "x")]


@pytest.mark.parametrize("seed", range(3))
def test_collapsing_agrees_with_filling_in_pandas(tmp_path: Path, seed: int) -> None:
    generator = np.random.default_rng(seed)
    stamps = np.array([DAY1, DAY2, DAY3, "2013-07-08 09:10:11"])
    rows = [
        row(
            int(generator.integers(1, 9)),
            str(generator.choice(stamps)),
            A=generator.choice(["", "1", "2", "3"]),
            B=generator.choice(["", "", "x", "y"]),
        )
        for _ in range(80)
    ]
    frame = pd.DataFrame(rows).replace("", None)
    frame["update_stamp"] = pd.to_datetime(frame["update_stamp"], format="mixed")
    ordered = frame.sort_values("update_stamp", kind="stable")
    filled = ordered.groupby("RID")[["A", "B"]].transform(lambda part: part.ffill().bfill())
    last = filled.assign(RID=ordered["RID"]).groupby("RID").tail(1).sort_values("RID")
    expected = [
        (rid, *(None if pd.isna(cell) else cell for cell in cells))
        for rid, *cells in last[["RID", "A", "B"]].itertuples(index=False)
    ]
    assert _collapsed(tmp_path, rows) == expected


def test_tables_are_joined_on_all_subjects_and_the_left_value_goes_first(tmp_path: Path) -> None:
    first = write_table(
        tmp_path,
        "ONE",
        ["PTID", "RID", "update_stamp", "SHARED", "A"],
        [row(1, SHARED="left", A=1), row(2, SHARED="", A=2)],
    )
    second = write_table(
        tmp_path,
        "TWO",
        ["PTID", "UPDATE_STAMP", "B", "shared"],
        [
            {"PTID": ptid(rid), "UPDATE_STAMP": DAY3, "B": rid, "shared": "right"}
            for rid in (3, 2, 1)
        ],
    )
    merged = merge([read_study_table(first), read_study_table(second)])
    assert merged.rows.columns == ["stay_id", "SHARED", "A", "B"]
    assert merged.rows.rows() == [
        (1, "left", "1", "1"),
        (2, "right", "2", "2"),
        (3, "right", None, "3"),
    ]
    assert merged.numeric == {"A", "B"}


def test_leakage_columns_go_and_names_that_begin_alike_stay(tmp_path: Path) -> None:
    names = _clinical(tmp_path, tables(), administrative="keep").features.names
    for leak in ("PTCOGBEG", "PTADDX", "PTADBEG"):
        assert not [name for name in names if name == leak or name.startswith(f"{leak}_")]
    assert {"PTADBEGIN", "PTLANGSP", "PTLANGSP1"} <= set(names)


def test_columns_of_all_raw_tables_go(tmp_path: Path) -> None:
    content = tables()
    study = _clinical(tmp_path, content, administrative="keep", sentinels="values")
    columns = {name.split("_")[0] for name in study.features.names}
    assert not columns & {"PHASE", "RID", "VISCODE", "ID", "SITEID", "USERDATE", "PTID", "UPDATE"}
    # MEDHIST lacks it, so that it is not common to all.
    assert "HAS_QC_ERROR_0" in study.features.names
    assert "RECNO" in study.features.names
    dropped = _clinical(tmp_path, content)
    assert not {"HAS_QC_ERROR_0", "RECNO"} & set(dropped.features.names)
    assert {"HAS_QC_ERROR", "RECNO"} <= set(dropped.counts["dropped"])


def test_a_column_that_one_table_lacks_is_not_common(tmp_path: Path) -> None:
    content = tables()
    for part in content["clinical/VITALS"]:
        del part["SITEID"]
    assert "SITEID" in _clinical(tmp_path, content, administrative="keep").features.names
    assert "SITEID" not in _clinical(tmp_path, content).features.names


def test_missing_codes_are_missing_or_values(tmp_path: Path) -> None:
    content = tables()
    for part, year in zip(content["clinical/PTDEMOG"], (1990, 1995, 9999, 2001, -1), strict=False):
        part |= {"PTRTYR": year, "PTNOTRT": year}
    cleaned = _clinical(tmp_path, content)
    # The later record of subject 1 says -4: the earlier value is the last known one.
    assert _column(cleaned, "VSPULSE") == [60, 65, 66, 67, None]
    assert _column(cleaned, "PTRTYR") == [1990, 1995, None, 2001, None]
    # 9999 is no code in a column that holds no year.
    assert _column(cleaned, "PTNOTRT") == [1990, 1995, 9999, 2001, None]
    kept = _clinical(tmp_path, content, sentinels="values")
    assert _column(kept, "VSPULSE") == [-4, 65, 66, 67, None]
    assert _column(kept, "PTRTYR") == [1990, 1995, 9999, 2001, -1]


def test_only_subjects_with_a_diagnosis_at_every_visit_are_kept(tmp_path: Path) -> None:
    write_tables(tmp_path, tables())
    study = clinical(tmp_path, pl.Series([2, 4], dtype=pl.Int64), Preparation())
    assert study.features.stay_id.tolist() == [2, 4]
    assert study.seen.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert "MHCOMMEN_text 1" not in study.features.names


def test_medication_is_the_last_record_or_all_frequent_drugs(tmp_path: Path) -> None:
    content = tables()
    last = _clinical(tmp_path, content)
    assert _column(last, "CMMED_donepezil") == [1, -1, -1, None, None]
    assert _column(last, "CMMED_aspirin") == [-1, 1, -1, None, None]
    every = _clinical(tmp_path, content, medication="multihot")
    assert _column(every, "CMMED_ASPIRIN") == [1, 1, -1, None, None]
    assert _column(every, "CMMED_DONEPEZIL") == [1, -1, -1, None, None]
    assert _column(every, "CMMED_OTHER") == [-1, -1, 1, None, None]
    assert not [name for name in every.features.names if name.startswith("CMFREQ")]
    assert every.features.values.shape[1] == len(every.features.categorical)


def test_rare_drugs_are_no_features(tmp_path: Path) -> None:
    content = tables()
    people = pl.Series(range(1, 101), dtype=pl.Int64)
    content["clinical/RECCMEDS"] = [
        row(int(rid), CMMED="common" if rid > 1 else "rare") for rid in people
    ]
    write_tables(tmp_path, content)
    names = clinical(tmp_path, people, Preparation(medication="multihot")).features.names
    assert [name for name in names if name.startswith("CMMED")] == ["CMMED_COMMON"]


def test_analytes_find_their_subject_by_rid_or_by_phase(tmp_path: Path) -> None:
    content = tables()
    content["biospecimen/UPENNBIOMK_ROCHE_ELECSYS"].append(
        {"PHASE": "ADNIGO", "RID": 5, "TAU": 300, "update_stamp": DAY1}
    )
    by_rid = _biospecimen(tmp_path, content, Preparation())
    assert by_rid.features.stay_id.tolist() == [1, 2, 5]
    assert _column(by_rid, "TAU") == [101.5, 102.5, 300]
    assert by_rid.counts["rows_without_subject"] == 1
    by_phase = _biospecimen(tmp_path, content, Preparation(linkage="phase"))
    # Subject 2 was genotyped in ADNIGO and sampled in ADNI2, subject 5 the other way round.
    assert by_phase.features.stay_id.tolist() == [1, 2, 5]
    assert _column(by_phase, "TAU_101.5") == [1, None, None]
    assert by_phase.counts["rows_without_subject"] == 3


def test_biospecimen_keeps_what_is_not_common_as_released(tmp_path: Path) -> None:
    names = _biospecimen(tmp_path, tables(), Preparation.released()).features.names
    columns = {name.split("_")[0] for name in names}
    assert {"ID", "VISCODE", "BATCH", "EXAMDATE"} <= columns
    assert not {"PHASE", "RID"} & columns
    corrected = _biospecimen(tmp_path, tables(), Preparation()).features.names
    assert {name.split("_")[0] for name in corrected} == {"APGEN1", "APGEN2", "ABETA42", "TAU"}


def test_colprot_stands_for_phase(tmp_path: Path) -> None:
    content = tables()
    for part in content["biospecimen/UPENNBIOMK_ROCHE_ELECSYS"]:
        part["COLPROT"] = part.pop("PHASE")
    study = _biospecimen(tmp_path, content, Preparation(linkage="phase"))
    assert study.counts["rows_without_subject"] == 2


def test_apoe_comes_in_either_layout_and_leaves_in_the_chosen_one(tmp_path: Path) -> None:
    old, new = tables(), tables()
    for part in new["biospecimen/APOERES"]:
        part["GENOTYPE"] = f"{part.pop('APGEN1')}/{part.pop('APGEN2')}"
    old["biospecimen/APOERES"][1] |= {"APGEN1": 4, "APGEN2": 3}

    def apoe(content: dict[str, list[dict[str, object]]], layout: str) -> dict[str, object]:
        chosen = Preparation(apoe=layout)  # type: ignore[arg-type]
        study = _biospecimen(tmp_path, content, chosen)
        wanted = [name for name in study.features.names if name.startswith(("AP", "GENO"))]
        return {name: _column(study, name) for name in wanted}

    genotype = {
        "GENOTYPE_2/4": [-1, -1, 1],
        "GENOTYPE_3/3": [1, -1, -1],
        "GENOTYPE_3/4": [-1, 1, -1],
    }
    alleles = {
        "APGEN1_2": [-1, -1, 1],
        "APGEN1_3": [1, 1, -1],
        "APGEN2_3": [1, -1, -1],
        "APGEN2_4": [-1, 1, 1],
    }
    assert apoe(new, "auto") == apoe(new, "genotype") == apoe(old, "genotype") == genotype
    assert apoe(new, "alleles") == alleles
    # As it is, subject 2 has allele 4 first: three values, a number.
    assert apoe(old, "auto") == apoe(old, "alleles")
    assert apoe(old, "auto")["APGEN1"] == [3, 4, 2]
