"""Labels of ADNI: constant diagnoses alone, each other subject with the reason."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleximodal.sources.adni.labels import read_labels
from tests.unit.sources.small_adni import ptid, row, write_table


def _write(folder: Path, rows: list[dict[str, object]]) -> Path:
    columns = ["Phase", "PTID", "RID", "DIAGNOSIS", "update_stamp"]
    return write_table(folder, "DXSUM_PDXCONV", columns, rows)


def test_the_label_is_the_diagnosis_that_never_changes(tmp_path: Path) -> None:
    given = {
        4: [1, 1],
        3: ["2.0"],
        10123: [3, 3],
        7: [2, 3],
        2: [3, 2, 3],
        9: [1, ""],
        8: [1, 2, ""],
    }
    rows = [row(rid, DIAGNOSIS=code) for rid, codes in given.items() for code in codes]
    labels = read_labels(_write(tmp_path, rows))
    assert labels.subjects.schema == {"stay_id": pl.Int64, "diagnosis": pl.Int8, "why": pl.String}
    assert labels.subjects.rows() == [
        (2, None, "the diagnosis changes"),
        (3, 1, None),
        (4, 0, None),
        (7, None, "the diagnosis changes"),
        (8, None, "a visit without a diagnosis"),
        (9, None, "a visit without a diagnosis"),
        (10123, 2, None),
    ]
    # Converters count for the study tables, subjects with a gap do not.
    assert labels.complete.to_list() == [2, 3, 4, 7, 10123]


@pytest.mark.parametrize("seed", range(3))
def test_labels_agree_with_a_loop_over_subjects(tmp_path: Path, seed: int) -> None:
    generator = np.random.default_rng(seed)
    codes = ["", "1", "2", "3"]
    people = generator.integers(1, 60, 200)
    given = generator.choice(4, 200, p=[0.05, 0.75, 0.1, 0.1])
    rows = [row(int(rid), DIAGNOSIS=codes[code]) for rid, code in zip(people, given, strict=True)]
    found = read_labels(_write(tmp_path, rows)).subjects
    expected = []
    for rid in sorted(set(people.tolist())):
        seen = {codes[code] for code in given[people == rid]}
        expected.append((rid, int(seen.pop()) - 1 if len(seen) == 1 and "" not in seen else None))
    assert found.select("stay_id", "diagnosis").rows() == expected
    assert (found["why"].is_null() == found["diagnosis"].is_not_null()).all()


def test_a_table_without_rid_is_keyed_by_ptid(tmp_path: Path) -> None:
    path = write_table(
        tmp_path, "DXSUM_PDXCONV", ["ptid", "diagnosis"], [{"ptid": ptid(77), "diagnosis": 3}]
    )
    assert read_labels(path).subjects.rows() == [(77, 2, None)]
