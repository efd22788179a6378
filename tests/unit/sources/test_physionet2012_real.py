"""The real release against figures published with it and an independent count."""

import csv
import io
import json
import tarfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fleximodal.sources.physionet2012.canonical import write_canonical
from fleximodal.sources.physionet2012.channels import CHANNELS, DESCRIPTORS

pytestmark = pytest.mark.slow

WITHOUT_TIME_SERIES = [
    140501,
    140936,
    141264,
    142731,
    142998,
    143656,
    145611,
    147514,
    150309,
    150649,
    155655,
    156254,
]


@pytest.fixture(scope="module")
def canonical(real_release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("real") / "canonical"
    write_canonical(real_release, output, source="physionet2012")
    return output


@pytest.fixture(scope="module")
def counts(canonical: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((canonical / "counts.json").read_text())
    return found


def of_sets(counts: dict[str, Any], *path: str) -> list[int]:
    values = []
    for count in counts["sets"].values():
        for key in path:
            count = count.get(key, 0)
        values.append(count)
    return values


def test_counts_of_the_data_set_s_description(counts: dict[str, Any]) -> None:
    assert of_sets(counts, "records") == [4000, 4000, 4000]
    assert of_sets(counts, "rows_read") == [1_757_980, 1_762_535, 1_765_303]
    assert of_sets(counts, "nameless") == [0, 0, 2403]
    assert of_sets(counts, "deaths") == [554, 568, 585]
    assert of_sets(counts, "records_without_time_series") == [3, 7, 2]
    assert of_sets(counts, "descriptors", "minus_one", "Height") == [1894, 1930, 1902]
    assert of_sets(counts, "descriptors", "minus_one", "Weight") == [326, 347, 328]
    assert of_sets(counts, "descriptors", "minus_one", "Gender") == [3, 5, 4]
    assert of_sets(counts, "minus_one", "NIDiasABP") == [0, 0, 167]
    assert of_sets(counts, "minus_one", "DiasABP") == [0, 0, 57]


def test_stays(canonical: Path) -> None:
    stays = pl.read_parquet(canonical / "stays.parquet")
    assert stays.filter(pl.col("n_events") == 0)["stay_id"].to_list() == WITHOUT_TIME_SERIES
    assert stays["stay_id"].is_sorted()
    assert stays["in_hospital_death"].sum() == 1707
    by_type = stays.group_by("set", "icu_type").len().sort("set", "icu_type")["len"]
    assert by_type.to_list() == [
        *(577, 874, 1481, 1068),
        *(590, 782, 1436, 1192),
        *(602, 874, 1376, 1148),
    ]
    events = pl.read_parquet(canonical / "events.parquet")
    per_stay = events.group_by("stay_id").len().sort("stay_id")
    with_events = stays.filter(pl.col("n_events") > 0)
    assert per_stay["stay_id"].to_list() == with_events["stay_id"].to_list()
    assert per_stay["len"].to_list() == with_events["n_events"].to_list()


def test_gross_outliers_are_few_and_gone(canonical: Path, counts: dict[str, Any]) -> None:
    total = counts["total"]
    assert sum(total["out_of_range"].values()) < 0.002 * total["rows_read"]
    events = pl.read_parquet(canonical / "events.parquet")
    limits = events.group_by(pl.col("channel").cast(pl.String)).agg(
        low=pl.col("value").min(), high=pl.col("value").max()
    )
    found = {name: (low, high) for name, low, high in limits.iter_rows()}
    assert len(found) == 37
    for channel in CHANNELS:
        low, high = found[channel.name]
        assert channel.low <= low + 1e-6 and high <= channel.high


def test_equal_input_gives_equal_bytes(real_release: Path, canonical: Path, tmp_path: Path) -> None:
    write_canonical(real_release, tmp_path / "again", source="physionet2012")
    for path in canonical.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def members(path: Path, every: int) -> Iterator[tuple[int, str]]:
    with tarfile.open(path) as tar:
        files = (member for member in tar if member.isfile())
        for member in islice(files, 0, None, every):
            file = tar.extractfile(member)
            assert file is not None
            yield int(Path(member.name).stem), file.read().decode()


def test_sample_of_records_against_plain_reading(real_release: Path, canonical: Path) -> None:
    """Read 201 records row by row with the csv module and compare every event and descriptor."""
    limits = {channel.name: (channel.low, channel.high) for channel in CHANNELS}
    expected: dict[tuple[int, int, str], float] = {}
    descriptors: dict[int, dict[str, float]] = {}
    sample = []
    for name in "abc":
        for record, text in members(real_release / f"set-{name}.tar.gz", every=60):
            sample.append(record)
            static = descriptors[record] = {}
            for row in csv.DictReader(io.StringIO(text)):
                hour, minute = row["Time"].split(":")
                at = 60 * int(hour) + int(minute)
                parameter, value = row["Parameter"], float(row["Value"])
                if parameter in ("RecordID", "Age", "Gender", "Height", "ICUType"):
                    static[parameter] = value
                elif parameter == "Weight" and at == 0 and "Weight" not in static:
                    static["Weight"] = value
                elif parameter and value != -1:
                    low, high = limits[parameter]
                    if low <= value <= high:
                        expected[record, at, parameter] = value
    assert len(sample) == 201
    wanted = pl.col("stay_id").is_in(sample)
    events = pl.read_parquet(canonical / "events.parquet").filter(wanted)
    found = {
        (stay, round(60 * hours), channel): value for stay, hours, channel, value in events.rows()
    }
    assert len(found) == events.height > 80_000
    assert found.keys() == expected.keys()
    assert all(value == pytest.approx(expected[key], rel=1e-6) for key, value in found.items())

    columns = {"Age": "age", "Gender": "gender", "Height": "height", "ICUType": "icu_type"}
    columns["Weight"] = "weight"
    stays = pl.read_parquet(canonical / "stays.parquet").filter(wanted)
    for stay in stays.iter_rows(named=True):
        for item in DESCRIPTORS:
            value = descriptors[stay["stay_id"]][item.name]
            known = item.low <= value <= item.high
            assert stay[columns[item.name]] == (pytest.approx(value, rel=1e-6) if known else None)
