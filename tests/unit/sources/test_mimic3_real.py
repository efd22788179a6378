"""The open demo of MIMIC-III against counts and values that SQL finds in the raw files."""

import json
import logging
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from fleximodal.errors import FleximodalError
from fleximodal.sources.mimic3.canonical import write_canonical
from fleximodal.sources.mimic3.channels import CHANNEL_OF_ITEM, CHANNELS, WORDS

TABLES = ("ADMISSIONS", "CHARTEVENTS", "DIAGNOSES_ICD", "ICUSTAYS", "LABEVENTS", "PATIENTS")
LABELS = {
    "Capillary refill rate": "capillary refill",
    "Diastolic BP": r"(BP|blood pressure).*diastolic|bp .*\[diastolic",
    "FiO2": "fio2|inspired o2",
    "GCS eye": "eye opening",
    "GCS motor": "motor response",
    "GCS total": "gcs total",
    "GCS verbal": "verbal response",
    "Glucose": "glucose",
    "Heart rate": "heart rate",
    "Height": "height",
    "Mean BP": r"(BP|blood pressure).*mean",
    "Oxygen saturation": "o2 sat|spo2|sao2|oxygen saturation",
    "Respiratory rate": "resp.* rate|rr",
    "Systolic BP": r"(BP|blood pressure).*systolic",
    "Temperature": "temp",
    "Weight": "weight",
    "pH": r"(^|\W|\.)ph($|\W)",
}

# Every value as the rules of the source want it, written once more in SQL. CHARTEVENTS comes first.
EVENTS = r"""
with raw as (
    select 0 as part, row_number() over () as n, SUBJECT_ID, HADM_ID, ICUSTAY_ID, ITEMID, CHARTTIME,
        trim(VALUE) as v, lower(coalesce(VALUEUOM, '')) as u
    from CHARTEVENTS where coalesce(ERROR, 0) <> 1
    union all
    select 1, row_number() over (), SUBJECT_ID, HADM_ID, null, ITEMID, CHARTTIME,
        trim(VALUE), lower(coalesce(VALUEUOM, ''))
    from LABEVENTS
),
placed as (
    select raw.*, items.channel, s.ICUSTAY_ID as stay, s.INTIME, s.OUTTIME
    from raw join items on raw.ITEMID = items.itemid
    join ICUSTAYS s on s.HADM_ID = raw.HADM_ID and s.SUBJECT_ID = raw.SUBJECT_ID
        and (s.ICUSTAY_ID = raw.ICUSTAY_ID or raw.ICUSTAY_ID is null and s.INTIME = (
            select max(t.INTIME) from ICUSTAYS t
            where t.HADM_ID = raw.HADM_ID and t.INTIME <= raw.CHARTTIME))
    where raw.CHARTTIME >= s.INTIME
),
numbered as (
    select *, case
        when channel like 'GCS%' and channel <> 'GCS total' or channel like 'Cap%' then (
            select score from words where words.channel = placed.channel and word = lower(v))
        when channel = 'Systolic BP' and v like '%/%' then split_part(v, '/', 1)::double
        when channel = 'Diastolic BP' and v like '%/%' then split_part(v, '/', 2)::double
        else try_cast(v as double) end as x
    from placed
),
cleaned as (
    select *, case
        when channel = 'FiO2' and x > 1 then x / 100
        when channel = 'Oxygen saturation' and x <= 1 then x * 100
        when channel = 'Temperature' and (x >= 79 or u like '%f%' or ITEMID in (678, 679))
            then (x - 32) / 1.8
        when channel = 'Weight' and ITEMID = 226531 then x * 0.45359237
        when channel = 'Height' and ITEMID in (226707, 1394) then x * 2.54
        else x end as y
    from numbered where x is not null
)
"""


@pytest.fixture(scope="module")
def demo(real_data: Path) -> Path:
    folder = real_data / "mimic-iii-clinical-database-demo-1.4"
    if not folder.is_dir():
        pytest.skip(f"no demo of MIMIC-III: {folder} does not exist")
    return folder


@pytest.fixture(scope="module")
def sql(demo: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(config={"threads": 1})
    items = pl.DataFrame(list(CHANNEL_OF_ITEM.items()), schema=["itemid", "channel"], orient="row")
    words = pl.DataFrame(
        [(name, word, score) for name, scores in WORDS.items() for word, score in scores.items()],
        schema=["channel", "word", "score"],
        orient="row",
    )
    for name, table in {"items": items, "words": words}.items():
        connection.register(f"{name}_view", table.to_arrow())
        connection.execute(f"create table {name} as select * from {name}_view")
    for name in ("ADMISSIONS", "ICUSTAYS", "PATIENTS"):
        query = f"create table {name} as select * from read_csv('{demo / name}.csv.gz')"
        connection.execute(query)
    numbers = {
        "CHARTEVENTS": ["ITEMID", "SUBJECT_ID", "HADM_ID", "ICUSTAY_ID", "ERROR"],
        "LABEVENTS": ["ITEMID", "SUBJECT_ID", "HADM_ID"],
        "DIAGNOSES_ICD": ["SUBJECT_ID", "HADM_ID"],
    }
    for name, columns in numbers.items():
        casts = ", ".join(f"{column}::bigint as {column}" for column in columns)
        if name != "DIAGNOSES_ICD":
            casts += ", CHARTTIME::timestamp as CHARTTIME"
        text = f"select * replace ({casts}) from read_csv('{demo / name}.csv.gz', all_varchar=true)"
        wanted = "" if name == "DIAGNOSES_ICD" else " where ITEMID in (select itemid from items)"
        connection.execute(f"create table {name} as select * from ({text}){wanted}")
    yield connection
    connection.close()


def convert(demo: Path, output: Path, **options: bool) -> Path:
    chosen = {"range_filter": False, "bound_at_outtime": False, **options}
    write_canonical(demo, output, source="mimic3", **chosen)
    return output


@pytest.fixture(scope="module")
def canonical(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert(demo, tmp_path_factory.mktemp("mimic3") / "canonical")


def counts_of(canonical: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((canonical / "counts.json").read_text())
    return found


def number(sql: duckdb.DuckDBPyConnection, query: str) -> int:
    [(found,)] = sql.sql(query).fetchall()
    return int(found)


def test_release_and_stays(canonical: Path, sql: duckdb.DuckDBPyConnection) -> None:
    counts = counts_of(canonical)
    assert counts["release"] == "MIMIC-III demo 1.4"
    assert counts["rows"]["CHARTEVENTS"]["read"] == 758_355
    assert counts["rows"]["LABEVENTS"]["read"] == 76_074
    stays = pl.read_parquet(canonical / "stays.parquet")
    assert stays.height == 136
    assert stays.filter(pl.col("los_days") >= 2).height == 73
    assert stays["stay_id"].is_sorted() and stays["stay_id"].is_unique().all()
    expected = sql.sql("""
        select s.ICUSTAY_ID, s.SUBJECT_ID, s.HADM_ID, s.INTIME, s.OUTTIME, s.LOS,
            HOSPITAL_EXPIRE_FLAG,
            FIRST_CAREUNIT <> LAST_CAREUNIT or FIRST_WARDID <> LAST_WARDID,
            (select count(*) from ICUSTAYS t where t.HADM_ID = s.HADM_ID)
        from ICUSTAYS s join ADMISSIONS a on a.HADM_ID = s.HADM_ID order by 1
    """).fetchall()
    assert stays.drop("age").rows() == expected


def test_deaths_and_steps_of_exclusion(canonical: Path, sql: duckdb.DuckDBPyConnection) -> None:
    admissions = pl.read_parquet(canonical / "admissions.parquet")
    assert admissions.height == 129 and admissions["in_hospital_death"].sum() == 40
    assert admissions["patient_id"].n_unique() == 100
    assert admissions["death_date"].null_count() == 0
    stays = pl.read_parquet(canonical / "stays.parquet")
    of_stays = "from ICUSTAYS s join ADMISSIONS a using (HADM_ID) join PATIENTS p on "
    of_stays += "p.SUBJECT_ID = a.SUBJECT_ID where "
    same_place = "FIRST_CAREUNIT = LAST_CAREUNIT and FIRST_WARDID = LAST_WARDID"
    single = "HADM_ID in (select HADM_ID from ICUSTAYS group by 1 having count(*) = 1)"
    grown = "ADMITTIME >= DOB + interval 18 year"
    steps = [
        (~pl.col("transferred"), same_place),
        (pl.col("stays_in_admission") == 1, single),
        (pl.col("age") >= 18, grown),
    ]
    left, condition = stays, "true"
    sizes = []
    for step, said in steps:
        left, condition = left.filter(step), f"{condition} and {said}"
        sizes.append(left.height)
        assert left.height == number(sql, f"select count(*) {of_stays} {condition}")
        deaths = number(sql, f"select sum(HOSPITAL_EXPIRE_FLAG) {of_stays} {condition}")
        assert left["in_hospital_death"].sum() == deaths
    assert 136 > sizes[0] > sizes[1] > sizes[2] > 50
    assert counts_of(canonical)["stays"]["under_18"] == 136 - number(
        sql, f"select count(*) {of_stays} {grown}"
    )


def test_ages(canonical: Path, sql: duckdb.DuckDBPyConnection) -> None:
    expected = dict(
        sql.sql("""
            select HADM_ID, date_diff('day', DOB, ADMITTIME) / 365.25
            from ADMISSIONS join PATIENTS using (SUBJECT_ID)
        """).fetchall()
    )
    admissions = pl.read_parquet(canonical / "admissions.parquet")
    assert sum(age > 89 for age in expected.values()) == 9
    for admission, age in admissions.select("admission_id", "age").iter_rows():
        years = float(expected[admission])
        assert age == pytest.approx(90 if years > 89 else years, abs=0.01)


def test_every_event_equals_the_one_of_sql(canonical: Path, sql: duckdb.DuckDBPyConnection) -> None:
    expected = sql.sql(
        EVENTS
        + """
        select stay, epoch_us(CHARTTIME - INTIME) / 3.6e9 as hours, channel, arg_min(y, (part, n))
        from cleaned group by all order by stay, hours, channel
        """
    ).fetchall()
    events = pl.read_parquet(canonical / "events.parquet").cast({"channel": pl.String})
    assert events.height == len(expected) > 110_000
    found = events.sort("stay_id", "hours", "channel")
    stay, hours, channel, value = (list(column) for column in zip(*expected, strict=True))
    assert found["stay_id"].to_list() == stay
    assert found["channel"].to_list() == channel
    for name, column in {"hours": hours, "value": value}.items():
        difference = found[name].cast(pl.Float64) - pl.Series(column, dtype=pl.Float64)
        scale = pl.Series(column, dtype=pl.Float64).abs() + 1e-3
        assert (difference.abs() / scale).max() < 1e-6  # type: ignore[operator]


def test_rows_by_channel_before_repeats_are_left_out(
    canonical: Path, sql: duckdb.DuckDBPyConnection
) -> None:
    counts = counts_of(canonical)
    for part, name in enumerate(("CHARTEVENTS", "LABEVENTS")):
        query = f"{EVENTS} select channel, count(*) from cleaned where part = {part} group by 1"
        assert counts[name]["kept"] == dict(sql.sql(query).fetchall())
        wanted = f"select count(*) from {name} where ITEMID in (select itemid from items)"
        dropped = sum(sum(reason.values()) for reason in counts[name]["dropped"].values())
        kept = sum(counts[name]["kept"].values())
        assert dropped + kept == number(sql, wanted) == counts["rows"][name]["of_channels"]
    errors = (
        "select count(*) from CHARTEVENTS where ERROR = 1 and ITEMID in (select itemid from items)"
    )
    dropped = counts["CHARTEVENTS"]["dropped"]
    assert sum(dropped["marked as an error"].values()) == number(sql, errors) > 0
    assert counts["events"]["repeated"] > 0


def test_stays_with_events_in_48_hours(canonical: Path, sql: duckdb.DuckDBPyConnection) -> None:
    events = pl.read_parquet(canonical / "events.parquet")
    early = events.filter(pl.col("hours") <= 48)["stay_id"].n_unique()
    within = "CHARTTIME <= INTIME + interval 48 hour"
    assert early == number(sql, f"{EVENTS} select count(distinct stay) from cleaned where {within}")
    assert early > 120
    assert events["hours"].min() >= 0  # type: ignore[operator]
    assert events.sort("stay_id", "hours", "channel").equals(events)
    assert not events.select("stay_id", "hours", "channel").is_duplicated().any()
    assert events["value"].is_finite().all()


def test_cut_at_outtime(demo: Path, tmp_path: Path, sql: duckdb.DuckDBPyConnection) -> None:
    counts = counts_of(convert(demo, tmp_path / "cut", bound_at_outtime=True))
    late = 0
    for name in ("CHARTEVENTS", "LABEVENTS"):
        late += sum(counts[name]["dropped"].get("after the stay", {}).values())
    query = f"{EVENTS} select count(*) from cleaned where CHARTTIME > OUTTIME"
    assert late == number(sql, query) > 5


def test_range_filter(demo: Path, tmp_path: Path, canonical: Path) -> None:
    filtered = convert(demo, tmp_path / "filtered", range_filter=True)
    events = pl.read_parquet(filtered / "events.parquet")
    limits = events.group_by(pl.col("channel").cast(pl.String)).agg(
        low=pl.col("value").min(), high=pl.col("value").max()
    )
    found = {name: (low, high) for name, low, high in limits.iter_rows()}
    assert set(found) == set(LABELS)
    for channel in CHANNELS:
        low, high = found[channel.name]
        assert channel.valid[0] <= low + 1e-6 and high <= channel.valid[1] + 1e-6
    before, after = counts_of(canonical), counts_of(filtered)
    for name in ("CHARTEVENTS", "LABEVENTS"):
        outside = sum(after[name]["dropped"]["out of range"].values())
        kept = sum(before[name]["kept"].values()) - sum(after[name]["kept"].values())
        assert kept == outside > 0
        assert sum(after[name]["clipped"].values()) > 0


def test_every_word_of_the_demo_is_known(canonical: Path, sql: duckdb.DuckDBPyConnection) -> None:
    said = sql.sql("""
        select channel, VALUE, count(*), min(VALUENUM::double), max(VALUENUM::double)
        from CHARTEVENTS c join items i on c.ITEMID = i.itemid
        where channel in (select channel from words) and VALUE is not null group by all
    """).fetchall()
    assert len(said) == 34
    for channel, word, _, low, high in said:
        score = WORDS[channel][word.lower()]
        # Where the release has a number beside the word, it is ours.
        assert low is None or low == high == score
    counts = counts_of(canonical)
    assert "unknown word" not in counts["CHARTEVENTS"]["dropped"]
    repaired = counts["CHARTEVENTS"]["repaired"]["word to number"]
    kept = counts["CHARTEVENTS"]["kept"]
    assert repaired == {name: kept[name] for name in WORDS}


def test_items_have_the_labels_of_their_channels(demo: Path) -> None:
    labels: dict[int, str] = {}
    for name in ("D_ITEMS", "D_LABITEMS"):
        table = pl.read_csv(demo / f"{name}.csv.gz", infer_schema=False)
        labels |= dict(table.select(pl.col("ITEMID").cast(pl.Int64), "LABEL").iter_rows())
    for channel in CHANNELS:
        for item in channel.items:
            assert re.search(LABELS[channel.name], labels[item], re.I), (item, labels[item])


def test_diagnoses(canonical: Path, sql: duckdb.DuckDBPyConnection) -> None:
    diagnoses = pl.read_parquet(canonical / "diagnoses.parquet")
    assert diagnoses["version"].unique().to_list() == [9]
    query = "select distinct SUBJECT_ID, HADM_ID, ICD9_CODE from DIAGNOSES_ICD order by 2, 3"
    assert diagnoses.drop("version").rows() == sql.sql(query).fetchall()
    assert diagnoses["code"].str.starts_with("0").any()


def test_notes_are_absent_and_said_so_once(
    demo: Path, canonical: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="fleximodal.sources"):
        again = convert(demo, tmp_path / "again")
    assert sum("no notes" in message for message in caplog.messages) == 1
    assert {path.name for path in again.iterdir()} == {
        *("stays.parquet", "events.parquet", "diagnoses.parquet", "admissions.parquet"),
        *("modalities.json", "counts.json", "manifest.json"),
    }
    for path in canonical.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name


def test_a_table_cut_short_is_refused(demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    for name in TABLES:
        (folder / f"{name}.csv.gz").symlink_to(demo / f"{name}.csv.gz")
    (folder / "LABEVENTS.csv.gz").unlink()
    shorter = pl.read_csv(demo / "LABEVENTS.csv.gz", infer_schema=False).head(76_000)
    shorter.write_csv(folder / "LABEVENTS.csv")
    with pytest.raises(FleximodalError, match="LABEVENTS has 76,000 rows, but .* has 76,074"):
        convert(folder, tmp_path / "canonical")
    assert not (tmp_path / "canonical").exists()
    shutil.rmtree(folder)
