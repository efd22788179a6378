"""The open demo of MIMIC-IV: every count against SQL over the raw files."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from fleximodal.sources.mimic4.canonical import write_canonical
from fleximodal.sources.mimic4.channels import (
    ABSOLUTE_NEUTROPHILS,
    CHANNELS,
    HAIM_LABS,
    VITALS,
    Channel,
)
from fleximodal.sources.mimic4.folders import Mimic4Folders


@pytest.fixture(scope="module")
def demo(real_data: Path) -> Path:
    folder = real_data / "mimic-iv-clinical-database-demo-2.2"
    if not folder.is_dir():
        pytest.skip(f"no demo of MIMIC-IV: {folder} does not exist")
    return folder


@pytest.fixture(scope="module")
def raw(demo: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        for module, names in {
            "hosp": ("patients", "admissions", "labevents", "diagnoses_icd", "d_labitems"),
            "icu": ("icustays", "chartevents", "d_items"),
        }.items():
            for name in names:
                path = demo / module / f"{name}.csv.gz"
                connection.sql(f"create table {name} as select * from read_csv('{path}')")
        yield connection


@pytest.fixture(scope="module")
def canonical(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {}
    for channels, strict in (("paper", True), ("haim", False), ("authors", False)):
        output = tmp_path_factory.mktemp("demo") / channels
        write_canonical(
            Mimic4Folders(demo),
            output,
            source="mimic4",
            channels=channels,
            range_filter=strict,
            bound_at_outtime=strict,
        )
        folders[channels] = output
    return folders


def _events_sql(preset: tuple[Channel, ...]) -> str:
    """Return a query of (stay_id, hours, channel): distinct numeric rows in their stay."""
    chart = [(item, c.name) for c in preset if c.table == "chartevents" for item in c.items]
    labs = [(item, c.name) for c in preset if c.table == "labevents" for item in c.items]
    chart_sql = f"""
        select distinct s.stay_id, epoch(charttime - intime) / 3600 as hours, channel
        from chartevents e join icustays s using (stay_id)
        join (values {", ".join(map(str, chart))}) as items(itemid, channel) using (itemid)
        where valuenum is not null and charttime >= intime"""
    if not labs:
        return chart_sql
    return f"""{chart_sql} union all
        select distinct s.stay_id, epoch(charttime - intime) / 3600, channel
        from labevents e join icustays s using (subject_id)
        join (values {", ".join(map(str, labs))}) as items(itemid, channel) using (itemid)
        where valuenum is not null and charttime between intime and outtime
        and (e.hadm_id is null or e.hadm_id = s.hadm_id)"""


@pytest.mark.parametrize("channels", ["haim", "authors"])
def test_events_per_channel_equal_those_counted_in_sql(
    canonical: dict[str, Path], raw: duckdb.DuckDBPyConnection, channels: str
) -> None:
    sql = _events_sql(CHANNELS[channels])
    expected = dict(raw.sql(f"select channel, count(*) from ({sql}) group by channel").fetchall())
    events = pl.read_parquet(canonical[channels] / "events.parquet")
    found = dict(events.group_by(pl.col("channel").cast(pl.String)).len().iter_rows())
    assert found == expected
    assert sum(expected.values()) > 90_000


@pytest.mark.parametrize("channels", ["haim", "authors"])
def test_stays_with_a_numeric_row_in_48_hours(
    canonical: dict[str, Path], raw: duckdb.DuckDBPyConnection, channels: str
) -> None:
    sql = _events_sql(CHANNELS[channels])
    [[expected]] = raw.sql(f"""
        select count(distinct stay_id) from ({sql}) join icustays using (stay_id)
        where los >= 2 and hours <= 48""").fetchall()
    stays = pl.read_parquet(canonical[channels] / "stays.parquet")
    events = pl.read_parquet(canonical[channels] / "events.parquet")
    long = stays.filter(pl.col("los_days") >= 2)
    seen = events.filter(pl.col("hours") <= 48).join(long, on="stay_id", how="semi")
    assert seen["stay_id"].n_unique() == expected
    assert (stays.height, long.height) == (140, 74)


def test_values_are_those_of_the_file(
    canonical: dict[str, Path], raw: duckdb.DuckDBPyConnection
) -> None:
    """Sums over (stay, channel) without repeats, where no value can be chosen otherwise."""
    expected = raw.sql("""
        select stay_id, count(*), sum(valuenum) from (
            select stay_id, charttime, min(valuenum) as valuenum, count(*) as n
            from chartevents join icustays using (stay_id)
            where itemid = 220045 and valuenum is not null and charttime >= intime
            group by stay_id, charttime) group by stay_id having max(n) = 1
        order by stay_id""").fetchall()
    events = pl.read_parquet(canonical["haim"] / "events.parquet")
    found = (
        events.filter(pl.col("channel") == "Heart rate")
        .group_by("stay_id")
        .agg(pl.len(), pl.col("value").cast(pl.Float64).sum())
    )
    sums = {stay: (n, total) for stay, n, total in found.iter_rows()}
    assert len(expected) > 100
    for stay, n, total in expected:
        assert sums[stay] == (n, pytest.approx(total, rel=1e-9))


def test_stays_deaths_and_diagnoses(
    canonical: dict[str, Path], raw: duckdb.DuckDBPyConnection
) -> None:
    folder = canonical["paper"]
    stays = pl.read_parquet(folder / "stays.parquet")
    expected = raw.sql("""
        select s.stay_id, s.subject_id, s.hadm_id, intime, outtime, los,
            hospital_expire_flag, anchor_age + year(admittime) - anchor_year,
            first_careunit <> last_careunit, count(*) over (partition by s.hadm_id)
        from icustays s join admissions using (hadm_id) join patients p on s.subject_id =
            p.subject_id order by s.stay_id""").fetchall()
    assert stays.rows() == expected
    assert stays["in_hospital_death"].sum() == 20
    admissions = pl.read_parquet(folder / "admissions.parquet")
    assert (admissions.height, admissions["in_hospital_death"].sum()) == (275, 15)
    codes = raw.sql("""
        select distinct hadm_id, icd_version, trim(icd_code) from diagnoses_icd""").fetchall()
    diagnoses = pl.read_parquet(folder / "diagnoses.parquet")
    assert diagnoses.select("admission_id", "version", "code").rows() == sorted(codes)


def test_admission_labs_equal_sql(
    canonical: dict[str, Path], raw: duckdb.DuckDBPyConnection
) -> None:
    last = """
        select subject_id, hadm_id, admittime, dischtime from admissions
        qualify row_number() over (partition by subject_id order by admittime desc) = 1
        and count(*) over (partition by subject_id) > 1"""
    table = pl.read_parquet(canonical["haim"] / "admission_labs.parquet")
    assert table["stay_id"].to_list() == [
        row[1] for row in raw.sql(f"select * from ({last}) order by hadm_id").fetchall()
    ]
    seen = 0
    for channel in HAIM_LABS:
        rows = raw.sql(f"""
            select u.hadm_id, min(valuenum), max(valuenum), count(distinct charttime) = count(*),
                avg(valuenum), arg_max(valuenum, charttime)
            from labevents e join ({last}) u on e.subject_id = u.subject_id and (
                e.hadm_id = u.hadm_id
                or (e.hadm_id is null and charttime between admittime and dischtime))
            where itemid = {channel.items[0]} and valuenum is not null group by 1""").fetchall()
        names = [f"{channel.name}_{kind}" for kind in ("min", "max", "mean", "last")]
        found = {
            row[0]: row[1:] for row in table.select("stay_id", *names).drop_nulls().iter_rows()
        }
        assert sorted(found) == sorted(row[0] for row in rows)
        for admission, low, high, once, mean, latest in rows:
            if once:
                seen += 1
                assert found[admission] == pytest.approx((low, high, mean, latest), rel=1e-6)
    assert seen > 500


def test_counts_name_the_release_and_add_up(canonical: dict[str, Path]) -> None:
    for folder in canonical.values():
        counts = json.loads((folder / "counts.json").read_text())
        assert counts["release"] == "MIMIC-IV demo 2.2"
        assert counts["modules"] == {"core": True, "note": False, "cxr": False, "ecg": False}
        assert counts["rows"]["icu/chartevents"]["read"] == 668_862
        assert counts["rows"]["hosp/labevents"]["read"] == 107_727
        for table in ("chartevents", "labevents"):
            part = counts[table]
            assert part["wanted"] == part["kept"] + sum(part["dropped"].values())
        events = counts["events"]
        assert events["read"] == counts["chartevents"]["kept"] + counts["labevents"]["kept"]
        assert events["kept"] == pl.read_parquet(folder / "events.parquet").height


def test_the_range_filter_keeps_values_in_range(canonical: dict[str, Path]) -> None:
    events = pl.read_parquet(canonical["paper"] / "events.parquet")
    for channel in CHANNELS["paper"]:
        values = events.filter(pl.col("channel") == channel.name)["value"].cast(pl.Float64)
        low = 0.0 if channel.valid_low is None else channel.valid_low
        assert values.is_empty() or values.min() >= low - 1e-6
        if channel.valid_high is not None and len(values):
            assert values.max() <= channel.valid_high
    unfiltered = pl.read_parquet(canonical["haim"] / "events.parquet")
    assert events.join(unfiltered, on=["stay_id", "hours"], how="anti").is_empty()


def test_items_bear_the_labels_of_their_channels(raw: duckdb.DuckDBPyConnection) -> None:
    labels = dict(raw.sql("select itemid, label from d_items").fetchall())
    lab_labels = dict(raw.sql("select itemid, label from d_labitems").fetchall())
    fluids = dict(raw.sql("select itemid, fluid from d_labitems").fetchall())
    for channel in HAIM_LABS:
        [item] = channel.items
        assert fluids[item] == "Blood"
        assert channel.name.lower()[:3] in lab_labels[item].lower()
    assert labels[ABSOLUTE_NEUTROPHILS.items[0]] == "Absolute Neutrophil Count"
    assert [labels[channel.items[0]] for channel in VITALS] == [
        "Heart Rate",
        "Non Invasive Blood Pressure systolic",
        "Non Invasive Blood Pressure diastolic",
        "Non Invasive Blood Pressure mean",
        "Respiratory Rate",
        "O2 saturation pulseoxymetry",
        "GCS - Verbal Response",
        "GCS - Eye Opening",
        "GCS - Motor Response",
    ]


def test_lists_have_the_published_numbers_of_channels() -> None:
    assert {name: len(channels) for name, channels in CHANNELS.items()} == {
        "paper": 30,
        "authors": 30,
        "haim": 31,
    }
    for channels in CHANNELS.values():
        items = [item for channel in channels for item in channel.items]
        assert len(set(items)) == len(items)
        for channel in channels:
            bounds = (
                channel.outlier_low,
                channel.valid_low,
                channel.valid_high,
                channel.outlier_high,
            )
            known = [bound for bound in bounds if bound is not None]
            assert len(known) in (0, 4) and known == sorted(known)
    assert all(channel.table == "chartevents" for channel in CHANNELS["authors"])
