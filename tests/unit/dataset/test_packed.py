"""Packing against a reading of the same stays step by step; damaged files are refused."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from safetensors.numpy import load_file, save_file

from fleximodal.dataset.pack import pack_dataset
from fleximodal.dataset.packed import Items, Series, read_packed
from fleximodal.errors import FleximodalError

from .hospital import CHANNELS, FEATURES, STAYS, Hospital, Stay, write_tables, write_task

Pack = Callable[..., Hospital]


@settings(max_examples=25, deadline=None)
@given(stays=STAYS)
def test_packing_keeps_each_observation_in_its_place(pack: Pack, stays: list[Stay]) -> None:
    hospital = pack(stays)
    dataset = hospital.dataset
    assert dataset.stay_id.tolist() == list(hospital.stays)
    assert dataset.patient_id.tolist() == [stay_id + 1000 for stay_id in hospital.stays]
    assert dataset.label.tolist() == [stay.label for stay in stays]
    for name in CHANNELS:
        series = dataset.modalities[name]
        assert isinstance(series, Series)
        assert series.channels == tuple(CHANNELS[name])
        for position, stay in enumerate(stays):
            rows = []
            for row in range(series.row_offsets[position], series.row_offsets[position + 1]):
                block = slice(*series.observation_offsets[row : row + 2])
                observed = zip(series.channel[block], series.value[block], strict=True)
                rows.append((series.hours[row], dict(observed)))
            assert rows == stay.rows(name)
    static = dataset.modalities["static"]
    assert isinstance(static, Items)
    assert static.features == tuple(FEATURES)
    # Who has no known feature has no row.
    known = [stay.static for stay in stays if stay.static != (None, None)]
    has = [stay.static != (None, None) for stay in stays]
    assert static.row_offsets.tolist() == [0, *np.cumsum(has)]
    assert static.hours.tolist() == [0.0] * len(known)
    wanted = np.array(known, dtype=np.float32).reshape(-1, 2)
    np.testing.assert_array_equal(static.features_array, wanted)


def two_stays() -> list[Stay]:
    return [
        Stay({(0, "HR"): 80.0, (0, "pH"): 7.4, (90, "HR"): 85.0, (2880, "K"): 4.0}, (50.0, None)),
        Stay({(30, "Na"): 140.0}, (60.0, 170.0), 1),
    ]


def test_types_on_disk(pack: Pack) -> None:
    arrays = load_file(pack(two_stays()).folder / "dataset.safetensors")
    types = {key: str(array.dtype) for key, array in arrays.items()}
    series = {
        "row_offsets": "int64",
        "hours": "float32",
        "observation_offsets": "int64",
        "channel": "int16",
        "value": "float32",
    }
    assert types == {
        "stay_id": "int64",
        "patient_id": "int64",
        "label": "int8",
        **{f"{name}/{key}": kind for name in CHANNELS for key, kind in series.items()},
        "static/row_offsets": "int64",
        "static/hours": "float32",
        "static/features": "float32",
    }


def test_order_of_events_changes_no_byte(pack: Pack) -> None:
    one, two = pack(two_stays(), shuffle=1), pack(two_stays(), shuffle=2)
    first, second = (one.folder / "dataset.safetensors", two.folder / "dataset.safetensors")
    assert first.read_bytes() == second.read_bytes()


def test_select_keeps_stays_and_order(pack: Pack) -> None:
    dataset = pack(two_stays()).dataset
    chosen = dataset.select(["static", "vitals"])
    assert list(chosen.modalities) == ["vitals", "static"]
    assert chosen.num_stays == 2
    with pytest.raises(FleximodalError, match="no modality notes; it has vitals, labs, static"):
        dataset.select(["vitals", "notes"])


def test_index_of_finds_stays_in_any_order(pack: Pack) -> None:
    dataset = pack(two_stays()).dataset
    assert dataset.index_of([8, 7, 8]).tolist() == [1, 0, 1]
    assert dataset.index_of([]).tolist() == []
    for strange in (6, 9):
        with pytest.raises(FleximodalError, match=f"1 stays .first: {strange}. are not in dataset"):
            dataset.index_of([7, strange])


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("hours", -0.1, "1 before admission or without a time"),
        ("hours", None, "1 before admission or without a time"),
        ("hours", float("nan"), "1 before admission or without a time"),
        ("value", float("inf"), "1 not finite"),
        ("value", None, "1 not finite"),
        ("repeat", None, "1 observations repeated at one time"),
    ],
)
def test_observations_that_cannot_be(
    tmp_path: Path, column: str, value: float | None, words: str
) -> None:
    write_tables(tmp_path, dict(enumerate(two_stays())))
    path = tmp_path / "events.parquet"
    table = pl.read_parquet(path)
    heart = table.filter(pl.col("channel") == "HR").head(1)
    if column == "repeat":
        table = pl.concat([table, heart.with_columns(value=pl.col("value") + 1)])
    else:
        wrong = pl.lit(value, dtype=pl.Float32).alias(column)
        rest = table.filter(pl.col("channel") != "HR")
        table = pl.concat([rest, heart.with_columns(wrong)])
    table.write_parquet(path)
    with pytest.raises(FleximodalError, match=words):
        pack_dataset(tmp_path, tmp_path, tmp_path / "packed", source="small", task="48-IHM")
    assert not (tmp_path / "packed").exists()


def hours_of(folder: Path, name: str, **meaning: object) -> list[float]:
    """Pack once more under another meaning of the task; return the hours of a modality."""
    write_task(folder, **meaning)  # type: ignore[arg-type]
    pack_dataset(folder, folder, folder / "packed", source="small", task="48-IHM")
    return [float(hour) for hour in read_packed(folder / "packed").modalities[name].hours]


def test_window_and_axis(tmp_path: Path) -> None:
    stay = Stay({(0, "HR"): 80.0, (24 * 60, "HR"): 81.0, (72 * 60, "HR"): 82.0})
    write_tables(tmp_path, {7: stay})
    assert hours_of(tmp_path, "vitals", window_hours=48.0) == [0.0, 24.0]
    assert hours_of(tmp_path, "vitals", window_hours=24.0) == [0.0, 24.0]
    assert hours_of(tmp_path, "vitals", window_hours=None) == [0.0, 24.0, 72.0]
    # A stay of 96 hours stretched to the horizon of 48.
    assert hours_of(tmp_path, "vitals", window_hours=None, axis="stay") == [0.0, 12.0, 36.0]


def test_several_labels(tmp_path: Path) -> None:
    write_tables(tmp_path, dict(enumerate(two_stays(), start=7)))
    write_task(tmp_path, labels=("a", "b", "c"))
    labels = [[1, 0, 1], [0, 0, 1]]
    cohort = pl.read_parquet(tmp_path / "cohort.parquet")
    column = pl.Series("label", labels, dtype=pl.Array(pl.Int8, 3))
    cohort.with_columns(column).write_parquet(tmp_path / "cohort.parquet")
    pack_dataset(tmp_path, tmp_path, tmp_path / "packed", source="small", task="25-PHE")
    dataset = read_packed(tmp_path / "packed")
    assert dataset.labels == ("a", "b", "c")
    assert dataset.label.dtype == np.int8
    assert dataset.label.tolist() == labels


def encoded(folder: Path, rows: list[tuple[int, float]], vectors: np.ndarray) -> None:
    """Write encoded notes as the encoders do."""
    (folder / "encoders" / "notes").mkdir(parents=True)
    table = pl.DataFrame(rows, schema={"stay_id": pl.Int64, "hours": pl.Float32}, orient="row")
    table.write_parquet(folder / "encoders" / "notes" / "items.parquet")
    save_file({"vectors": vectors}, folder / "encoders" / "notes" / "vectors.safetensors")


def with_notes(folder: Path) -> None:
    modalities = json.loads((folder / "modalities.json").read_text())
    notes = {"name": "notes", "kind": "vectors", "table": "notes.parquet", "encoded": "notes"}
    modalities["stay"].append(notes)
    (folder / "modalities.json").write_text(json.dumps(modalities))


def test_vectors_stand_with_their_stays(tmp_path: Path) -> None:
    write_tables(tmp_path, dict(enumerate(two_stays(), start=7)))
    with_notes(tmp_path)
    # Of stay 8 one note is after the window; stay 99 is not in the cohort.
    rows = [(8, 3.0), (8, 1.0), (8, 50.0), (99, 0.0)]
    vectors = np.arange(8, dtype=np.float32).reshape(4, 2)
    encoded(tmp_path, rows, vectors)
    pack_dataset(
        *(tmp_path, tmp_path, tmp_path / "packed"),
        source="small",
        task="48-IHM",
        encoders=tmp_path / "encoders",
    )
    notes = read_packed(tmp_path / "packed").modalities["notes"]
    assert isinstance(notes, Items)
    assert notes.row_offsets.tolist() == [0, 0, 2]
    assert notes.hours.tolist() == [1.0, 3.0]
    assert notes.features_array.tolist() == [[2.0, 3.0], [0.0, 1.0]]
    assert notes.features == ("notes_0", "notes_1")


def test_vectors_and_items_that_disagree_are_refused(tmp_path: Path) -> None:
    write_tables(tmp_path, dict(enumerate(two_stays(), start=7)))
    with_notes(tmp_path)
    encoded(tmp_path, [(8, 3.0)], np.zeros((2, 2), dtype=np.float32))
    with pytest.raises(FleximodalError, match="items.parquet has 1 rows and .* 2;"):
        pack_dataset(
            *(tmp_path, tmp_path, tmp_path / "packed"),
            source="small",
            task="48-IHM",
            encoders=tmp_path / "encoders",
        )


@pytest.fixture
def folder(pack: Pack, tmp_path: Path) -> Path:
    shutil.copytree(pack(two_stays()).folder, tmp_path / "packed")
    return tmp_path / "packed"


def change(folder: Path, **arrays: np.ndarray | None) -> None:
    path = folder / "dataset.safetensors"
    changed = {**load_file(path), **{key.replace("__", "/"): a for key, a in arrays.items()}}
    save_file({key: array for key, array in changed.items() if array is not None}, path)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"vitals__value": np.zeros(2, np.float32)}, "vitals/value differ from manifest"),
        ({"labs__hours": None}, "labs/hours differ from manifest"),
        ({"extra": np.zeros(2, np.float32)}, "extra differ from manifest"),
        ({"vitals__row_offsets": np.array([0, 3, 2])}, "vitals: row_offsets do not divide"),
        ({"labs__row_offsets": np.array([1, 1, 2])}, "labs: row_offsets do not divide"),
        ({"static__row_offsets": np.array([0, 1, 1])}, "static: row_offsets do not divide"),
        ({"vitals__observation_offsets": np.array([0, 4, 3])}, "observation_offsets do not"),
        ({"vitals__channel": np.array([0, 2, 3], np.int16)}, "channel numbers are out of range"),
        ({"static__features": np.zeros((2, 3), np.float32)}, r"shape \(2, 3\), not \(2, 2\)"),
    ],
)
def test_file_that_does_not_fit_is_refused(
    folder: Path, arrays: dict[str, np.ndarray | None], words: str
) -> None:
    read_packed(folder)
    change(folder, **arrays)
    with pytest.raises(FleximodalError, match=f"dataset.safetensors is damaged .*{words}"):
        read_packed(folder)


@pytest.mark.parametrize("kept", [0, 5, 300, -1])
def test_truncated_file_is_refused(folder: Path, kept: int) -> None:
    path = folder / "dataset.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(FleximodalError, match="dataset.safetensors is damaged"):
        read_packed(folder)


@pytest.mark.parametrize("name", ["dataset.safetensors", "manifest.json"])
def test_absent_file_is_said(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(FleximodalError, match="holds no packed dataset"):
        read_packed(folder)


def test_manifest_says_what_is_packed(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["settings"]["horizon_hours"] == 48.0
    assert manifest["settings"]["modalities"][2] == {
        "name": "static",
        "kind": "items",
        "features": FEATURES,
    }
    assert sorted(manifest["inputs"]) == [
        "cohort.parquet",
        "events.parquet",
        "modalities.json",
        "static.parquet",
        "task.json",
    ]
    assert manifest["rows"]["vitals/value"] == 3


def test_changes_in_memory_do_not_reach_the_file(folder: Path) -> None:
    path = folder / "dataset.safetensors"
    before = path.read_bytes()
    dataset = read_packed(folder)
    series = dataset.modalities["vitals"]
    assert isinstance(series, Series)
    series.value[:] = -1
    assert path.read_bytes() == before


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_file_is_memory_mapped(folder: Path) -> None:
    path = str((folder / "dataset.safetensors").resolve())
    dataset = read_packed(folder)
    assert path in Path("/proc/self/maps").read_text()
    del dataset
    assert path not in Path("/proc/self/maps").read_text()
