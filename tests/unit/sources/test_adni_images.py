"""Images of ADNI: which row of the FreeSurfer table, which scan, and where each voxel lies."""

from pathlib import Path

import numpy as np
import pytest

from fleximodal.sources.adni.freesurfer import Regions, read_freesurfer
from fleximodal.sources.adni.preparation import Preparation
from fleximodal.sources.adni.ravens import Volumes, read_ravens
from tests.unit.sources.small_adni import DAY1, DAY2, DAY3, ptid, row, write_ravens, write_table

COLUMNS = ["PTID", "RID", "EXAMDATE", "STATUS", "ST101SV", "ST2CV", "ST2TA", "ST2TS", "ST9sa"]


def _regions(folder: Path, rows: list[dict[str, object]], **chosen: object) -> Regions:
    path = write_table(folder, "UCSFFSX7", [*COLUMNS, "update_stamp"], rows)
    return read_freesurfer(path, Preparation(**chosen))  # type: ignore[arg-type]


def _scan(rid: int, stamp: str, exam: str, value: object) -> dict[str, object]:
    return row(rid, stamp, EXAMDATE=exam, ST101SV=value, ST2CV=2, ST2TA=3, ST2TS=4, ST9sa=5)


def test_only_volumes_and_thicknesses_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = _regions(tmp_path, [_scan(2, DAY1, "2010-01-01", ""), _scan(1, DAY1, "", 1.5)])
    assert found.names == ["ST101SV", "ST2CV", "ST2TA"]
    assert found.stay_id.tolist() == [1, 2]
    np.testing.assert_array_equal(found.values, [[1.5, 2, 3], [np.nan, 2, 3]])
    assert found.values.dtype == np.float32


def test_the_row_of_the_latest_examination_or_of_the_latest_export(tmp_path: Path) -> None:
    rows = [
        _scan(1, DAY3, "2011-01-01", 1),
        _scan(1, DAY3, "2012-01-01", 2),
        _scan(1, DAY1, "2014-01-01", 3),
        _scan(1, DAY2, "2014-01-01", 4),
        _scan(1, DAY2, "2014-01-01", 5),
        _scan(1, "no time", "", 6),
    ]
    assert _regions(tmp_path, rows).values[0, 0] == 4
    assert _regions(tmp_path, rows, image_row="first_max_stamp").values[0, 0] == 1
    backwards = rows[::-1]
    assert _regions(tmp_path, backwards).values[0, 0] == 5
    assert _regions(tmp_path, backwards, image_row="first_max_stamp").values[0, 0] == 2


def test_rows_without_any_value_are_no_image(tmp_path: Path) -> None:
    empty = {"ST101SV": "", "ST2CV": 0, "ST2TA": ""}
    rows = [
        _scan(1, DAY1, "2010-01-01", 7),
        _scan(1, DAY2, "2011-01-01", 8) | empty,
        _scan(2, DAY1, "2010-01-01", 9) | empty,
    ]
    dropped = _regions(tmp_path, rows)
    assert dropped.stay_id.tolist() == [1] and dropped.values[0, 0] == 7
    assert dropped.counts["scans_without_value"] == 2
    kept = _regions(tmp_path, rows, zero_scans="keep")
    assert kept.stay_id.tolist() == [1, 2]
    np.testing.assert_array_equal(kept.values[0], [np.nan, 0, np.nan])


def _filled(found: Volumes) -> np.ndarray:
    target = np.zeros((len(found.stay_id), found.array.shape[1]), np.float32)
    found.fill(target)
    return target


@pytest.mark.parametrize("shape", [(4, 6, 3), (5, 5, 5), (7, 2, 9)])
def test_voxels_lie_where_direct_indexing_puts_them(
    tmp_path: Path, shape: tuple[int, int, int]
) -> None:
    generator = np.random.default_rng(0)
    labels = generator.choice([0, 35, 150, 250], shape)
    grey = labels == 150
    volumes = generator.normal(size=(3, *shape)) * grey
    array = np.stack([volume[grey] for volume in volumes]).astype(np.float32)
    scans = [f"{ptid(rid)}_2010-01-01" for rid in (9, 3, 5)]
    write_ravens(tmp_path, scans, labels, array)
    found = read_ravens(tmp_path, drop_zero_scans=True)
    assert found.stay_id.tolist() == [3, 5, 9]
    assert found.shape == (shape[0], shape[2], shape[1])
    for values, source in zip(_filled(found), (1, 2, 0), strict=True):
        flat = np.zeros(int(np.prod(shape)))
        flat[found.place] = values
        expected = volumes[source].transpose(0, 2, 1)
        np.testing.assert_allclose(flat.reshape(found.shape), expected, rtol=1e-6)
    for (x, y, z), place in zip(found.voxel.tolist(), found.place.tolist(), strict=True):
        assert np.unravel_index(place, found.shape) == (x, z, y) and grey[x, y, z]


def test_the_scan_of_the_latest_date_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleximodal.sources.adni.ravens._BLOCK_ROWS", 2)
    dates = {
        f"{ptid(1)}_2010-05-01": 1,
        f"{ptid(2)}_20111231": 2,
        f"{ptid(1)}_S12_2012-01-31": 3,
        f"{ptid(2)}_2011-02-28": 4,
        f"{ptid(1)}_2011-12-31": 5,
        f"{ptid(3)}_2010-01-01": 6,
        f"{ptid(3)}_2010-01-01 ": 7,
    }
    array = np.repeat(np.array(list(dates.values()), np.float32)[:, None], 2, axis=1)
    labels = np.full((1, 2, 1), 150)
    write_ravens(tmp_path, list(dates), labels, array)
    found = read_ravens(tmp_path, drop_zero_scans=False)
    assert _filled(found)[:, 0].tolist() == [3, 2, 6]
    assert isinstance(found.array, np.memmap)


def test_rows_of_zeros_are_images_only_as_released(tmp_path: Path) -> None:
    scans = [f"{ptid(1)}_2010-01-01", f"{ptid(1)}_2011-01-01", f"{ptid(2)}_2010-01-01"]
    array = np.array([[1, 2], [0, 0], [0, 0]], np.float64)
    write_ravens(tmp_path, scans, np.full((2, 1, 1), 150), array)
    kept = read_ravens(tmp_path, drop_zero_scans=False)
    assert kept.stay_id.tolist() == [1, 2] and not _filled(kept).any()
    dropped = read_ravens(tmp_path, drop_zero_scans=True)
    assert dropped.stay_id.tolist() == [1] and _filled(dropped).tolist() == [[1, 2]]
    assert dropped.counts["scans_without_value"] == 2
