"""Canonical tables of hand-made releases, worked out by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleximodal.errors import FleximodalError
from fleximodal.io.manifest import sha256_of
from fleximodal.sources.physionet2012.canonical import write_canonical
from fleximodal.sources.physionet2012.channels import (
    CHANNEL_NAMES,
    CHANNELS,
    DESCRIPTORS,
    STATIC_FEATURES,
    modalities,
)
from tests.unit.sources.small_releases import OUTCOME_HEADER, record_text, write_set

Rows = list[tuple[Any, ...]]


def read(release: Path, sets: str = "a") -> tuple[Rows, dict[str, Any]]:
    output = release.parent / "canonical"
    write_canonical(release, output, source="test", sets=sets)
    events = pl.read_parquet(output / "events.parquet")
    counts = json.loads((output / "counts.json").read_text())
    return events.rows(), counts["total"]


def test_all_tables_of_a_small_release(tmp_path: Path) -> None:
    records = {
        20: record_text(20, ["01:30,HR,73", "00:07,GCS,15", "48:00,HR,80", "00:07,pH,7.25"]),
        10: record_text(10, [], ["Age,76", "Gender,1", "Height,175.3", "ICUType,2", "Weight,76"]),
    }
    outcomes = f"{OUTCOME_HEADER}\n20,-1,7,9,-1,0\n10,16,-1,-1,3,1\n"
    release = write_set(tmp_path / "release", records, outcomes=outcomes)
    output = tmp_path / "canonical"

    write_canonical(release, output, source="test", sets=("a",))

    stays = pl.read_parquet(output / "stays.parquet")
    assert stays.to_dicts() == [
        {
            "stay_id": 10,
            "patient_id": 10,
            "set": "a",
            "in_hospital_death": 1,
            "length_of_stay": None,
            "survival": 3,
            "saps1": 16,
            "sofa": None,
            "age": 76.0,
            "gender": 1,
            "height": pytest.approx(175.3),
            "weight": 76.0,
            "icu_type": 2,
            "n_events": 0,
        },
        {
            "stay_id": 20,
            "patient_id": 20,
            "set": "a",
            "in_hospital_death": 0,
            "length_of_stay": 9,
            "survival": None,
            "saps1": None,
            "sofa": 7,
            "age": 54.0,
            "gender": 0,
            "height": None,
            "weight": None,
            "icu_type": 4,
            "n_events": 4,
        },
    ]
    assert dict(stays.schema) == {
        "stay_id": pl.Int64,
        "patient_id": pl.Int64,
        "set": pl.String,
        "in_hospital_death": pl.Int8,
        "length_of_stay": pl.Int32,
        "survival": pl.Int32,
        "saps1": pl.Int32,
        "sofa": pl.Int32,
        "age": pl.Float32,
        "gender": pl.Int8,
        "height": pl.Float32,
        "weight": pl.Float32,
        "icu_type": pl.Int8,
        "n_events": pl.Int32,
    }
    events = pl.read_parquet(output / "events.parquet")
    assert events.columns == ["stay_id", "hours", "channel", "value"]
    assert [events.schema[name] for name in ("stay_id", "hours", "value")] == [
        pl.Int64,
        pl.Float32,
        pl.Float32,
    ]
    assert events.rows() == [
        (20, pytest.approx(7 / 60), "GCS", 15.0),
        (20, pytest.approx(7 / 60), "pH", 7.25),
        (20, 1.5, "HR", 73.0),
        (20, 48.0, "HR", 80.0),
    ]
    static = pl.read_parquet(output / "static.parquet")
    assert static.columns == ["stay_id", *STATIC_FEATURES]
    assert static.rows() == [
        (10, 76.0, 1.0, pytest.approx(175.3), 76.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        (20, 54.0, 0.0, None, None, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0),
    ]
    counts = json.loads((output / "counts.json").read_text())
    assert counts["sets"]["a"] == counts["total"]
    assert counts["total"] == {
        "records": 2,
        "records_without_time_series": 1,
        "deaths": 1,
        "rows_read": 16,
        "rows_kept": 4,
        "descriptor_rows": 12,
        "at_48h": 1,
        "nameless": 0,
        "minus_one": {},
        "out_of_range": {},
        "exact_duplicates": {},
        "conflicting_same_time": {},
        "descriptors": {
            "minus_one": {"Height": 1, "Weight": 1},
            "out_of_range": {},
            "repeated": {},
            "absent": {},
        },
    }
    assert json.loads((output / "modalities.json").read_text()) == modalities()
    manifest = json.loads((output / "manifest.json").read_text())
    assert manifest["rows"] == {"events.parquet": 4, "static.parquet": 2, "stays.parquet": 2}
    assert manifest["inputs"]["set-a.tar.gz"] == sha256_of(release / "set-a.tar.gz")
    assert manifest["settings"]["source"] == "test"


@pytest.mark.parametrize(
    ("rows", "kept", "counted"),
    [
        pytest.param(["01:00,,3.1", "01:00,Albumin,3.1"], [3.1], {"nameless": 1}, id="nameless"),
        pytest.param(["01:00,NIDiasABP,-1"], [], {"minus_one": {"NIDiasABP": 1}}, id="minus-one"),
        pytest.param(
            ["01:00,Temp,-17.8", "02:00,Temp,25", "03:00,Temp,45", "04:00,Temp,45.1"],
            [25, 45],
            {"out_of_range": {"Temp": 2}},
            id="range-is-inclusive",
        ),
        pytest.param(
            ["01:00,pH,735", "01:00,HR,0", "01:00,MechVent,0", "01:00,Urine,0"],
            [0],
            {"out_of_range": {"HR": 1, "MechVent": 1, "pH": 1}},
            id="gross-outliers",
        ),
        pytest.param(
            ["01:00,HR,70", "01:00,HR,70", "01:01,HR,70"],
            [70, 70],
            {"exact_duplicates": {"HR": 1}},
            id="duplicates",
        ),
        pytest.param(
            ["01:00,MAP,70", "01:00,MAP,65"],
            [65],
            {"conflicting_same_time": {"MAP": 1}},
            id="last-of-conflicting",
        ),
        pytest.param(
            ["01:00,MAP,70", "01:00,MAP,65", "01:00,MAP,70"],
            [70],
            {"conflicting_same_time": {"MAP": 1}, "exact_duplicates": {"MAP": 1}},
            id="duplicate-and-conflict",
        ),
        pytest.param(
            ["01:00,Temp,36.5", "01:00,Temp,-17.8", "01:00,Temp,-1"],
            [36.5],
            {"out_of_range": {"Temp": 1}, "minus_one": {"Temp": 1}},
            id="invalid-values-do-not-conflict",
        ),
    ],
)
def test_each_kind_of_mess(
    one_record: Callable[..., Path], rows: list[str], kept: list[float], counted: dict[str, Any]
) -> None:
    events, counts = read(one_record(*rows))
    assert [value for *_, value in events] == pytest.approx(kept)
    nothing: dict[str, Any] = {
        "nameless": 0,
        "minus_one": {},
        "out_of_range": {},
        "exact_duplicates": {},
        "conflicting_same_time": {},
    }
    assert {key: counts[key] for key in nothing} == nothing | counted


def test_first_weight_of_minute_zero_describes_the_stay(tmp_path: Path) -> None:
    text = record_text(
        1, ["00:00,HR,70", "00:00,Weight,81", "00:00,Weight,82", "00:01,Weight,83"], ["Age,50"]
    )
    release = write_set(tmp_path / "release", {1: text})
    events, counts = read(release)
    assert [(channel, value) for _, _, channel, value in events] == [
        ("HR", 70),
        ("Weight", 82),
        ("Weight", 83),
    ]
    stay = pl.read_parquet(tmp_path / "canonical" / "stays.parquet").row(0, named=True)
    assert stay["weight"] == 81
    assert stay["gender"] is None and stay["icu_type"] is None
    assert counts["descriptors"]["absent"] == {"Gender": 1, "Height": 1, "ICUType": 1}


def test_descriptors_out_of_range_or_repeated(tmp_path: Path) -> None:
    text = record_text(1, [], ["Age,50", "Age,90", "Gender,0.5", "Height,454", "ICUType,5"])
    _, counts = read(write_set(tmp_path / "release", {1: text}))
    stay = pl.read_parquet(tmp_path / "canonical" / "stays.parquet").row(0, named=True)
    assert stay["age"] == 50
    assert stay["gender"] is stay["height"] is stay["icu_type"] is None
    assert counts["descriptors"] == {
        "minus_one": {},
        "out_of_range": {"Gender": 1, "Height": 1, "ICUType": 1},
        "repeated": {"Age": 1},
        "absent": {"Weight": 1},
    }


def test_sets_are_joined_and_totals_added(tmp_path: Path) -> None:
    release = tmp_path / "release"
    write_set(release, {5: record_text(5, ["01:00,HR,70", "01:00,HR,0"])}, name="b")
    write_set(release, {7: record_text(7, ["01:00,HR,71", "02:00,K,99"])}, name="a")
    write_set(release, {6: record_text(6, ["01:00,HR,72"])}, name="c")
    events, counts = read(release, "abc")
    assert [(stay, value) for stay, _, _, value in events] == [(5, 70), (6, 72), (7, 71)]
    stays = pl.read_parquet(tmp_path / "canonical" / "stays.parquet")
    assert stays.select("stay_id", "set").rows() == [(5, "b"), (6, "c"), (7, "a")]
    assert counts["records"] == 3
    assert counts["out_of_range"] == {"HR": 1, "K": 1}


def test_last_line_needs_no_line_end(one_record: Callable[..., Path]) -> None:
    events, counts = read(one_record(text=record_text(1, ["01:00,HR,70"]).rstrip("\n")))
    assert len(events) == 1
    assert counts["rows_read"] == 7


def test_tar_goes_before_folder_and_strangers_are_ignored(tmp_path: Path) -> None:
    release = tmp_path / "release"
    write_set(release, {1: record_text(1, ["01:00,HR,70"])}, unpacked=True)
    (release / "set-a" / "README.txt").write_text("not a record")
    (release / "set-a" / "empty").mkdir()
    assert [row[-1] for row in read(release)[0]] == [70]
    write_set(tmp_path / "other", {1: record_text(1, ["01:00,HR,71"])})
    (tmp_path / "other" / "set-a.tar.gz").rename(release / "set-a.tar.gz")
    assert [row[-1] for row in read(release)[0]] == [71]


def test_output_is_replaced_as_a_whole_and_kept_on_failure(tmp_path: Path) -> None:
    release = write_set(tmp_path / "release", {1: record_text(1, ["01:00,HR,70"])})
    output = tmp_path / "canonical"
    output.mkdir()
    (output / "stale").touch()
    write_canonical(release, output, source="test", sets=("a",))
    assert not (output / "stale").exists()
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    (release / "Outcomes-a.txt").write_text("")
    with pytest.raises(FleximodalError):
        write_canonical(release, output, source="test", sets=("a",))
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["canonical", "release"]


_series_row = st.tuples(
    st.one_of(st.sampled_from([0, 1, 2879, 2880]), st.integers(0, 2880)),
    st.sampled_from(["", "HR", "MAP", "Temp", "pH", "Weight", "WBC", "MechVent"]),
    st.sampled_from([-1, 0, 1, 7.4, 36.6, 70, 735]),
)
_release = st.dictionaries(
    st.integers(1, 10**6), st.lists(_series_row, max_size=12), min_size=1, max_size=6
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=_release, data=st.data())
def test_container_and_order_of_records_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory,
    content: dict[int, list[tuple[int, str, float]]],
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("containers")
    records = {
        record: record_text(record, [f"{m // 60:02}:{m % 60:02},{p},{v}" for m, p, v in rows])
        for record, rows in content.items()
    }
    shuffled = data.draw(st.permutations(list(records)))
    releases = {
        "tar": write_set(folder / "tar", records),
        "shuffled": write_set(folder / "shuffled", {r: records[r] for r in shuffled}),
        "unpacked": write_set(folder / "unpacked", records, unpacked=True),
    }
    found = {}
    for name, release in releases.items():
        output = folder / f"canonical-{name}"
        write_canonical(release, output, source="test", sets=("a",))
        found[name] = {
            path.name: path.read_bytes()
            for path in output.iterdir()
            if path.name != "manifest.json"  # lists the tar container where there is one
        }
    assert found["tar"] == found["shuffled"] == found["unpacked"]
    counts = json.loads(found["tar"]["counts.json"])["total"]
    assert counts["rows_read"] == sum(text.count("\n") - 1 for text in records.values())
    dropped = counts["nameless"] + sum(
        sum(counts[reason].values())
        for reason in ("minus_one", "out_of_range", "exact_duplicates", "conflicting_same_time")
    )
    assert counts["rows_read"] == counts["rows_kept"] + counts["descriptor_rows"] + dropped


def test_channels_are_the_37_parameters_in_three_modalities_and_static() -> None:
    listed = modalities()["stay"]
    assert [entry["name"] for entry in listed] == ["vitals", "labs", "ventilation", "static"]
    assert [len(entry["channels"]) for entry in listed[:3]] == [12, 19, 6]
    assert sorted(name for entry in listed[:3] for name in entry["channels"]) == list(CHANNEL_NAMES)
    assert len(set(CHANNEL_NAMES)) == 37
    assert all(entry["pseudo"] and "pseudo" in entry["note"] for entry in listed)
    assert all(channel.low <= channel.high for channel in CHANNELS)
    assert all(item.low < item.high for item in DESCRIPTORS)
