"""Table 5: counts of cohorts beside the published ones."""

import json
from pathlib import Path

import pandas as pd
import pytest

from fleximodal.errors import FleximodalError
from fleximodal.publishing.cohort_claims import cohort_claims
from fleximodal.publishing.cohort_entries import cohort_entries
from fleximodal.publishing.cohort_table import (
    build_cohort_table,
    cohort_page,
    read_published,
    write_cohort_table,
)
from fleximodal.publishing.own_declaration import load_own
from tests.unit.publishing.cohorts import write_cohort, write_published

ROOT = Path(__file__).resolve().parents[3]
TABLE = load_own(ROOT / "config" / "tables" / "table5.yaml")


def test_a_row_per_count_with_what_is_told_of_it(tmp_path: Path) -> None:
    counts = [
        ("total", 100, 100, "equal"),
        ("notes", 60, 61, "within tolerance"),
        ("vitals+notes", 58, 70, "off"),
        ("ecg", None, 50, "not comparable: modality absent"),
    ]
    entry = write_cohort(tmp_path, "mimic4", "48-IHM", counts=counts, complete={"vitals+notes": 58})
    frame = build_cohort_table([entry], [], write_published(tmp_path))
    assert set(frame["source"]) == {"mimic4"} and set(frame["data"]) == {"real"}
    assert set(frame["release"]) == {"MIMIC-IV 2.2"} and set(frame["channels"]) == {"paper"}
    rows = frame.set_index("count")
    assert list(rows.index) == ["total", "notes", "vitals+notes", "ecg"]
    total = rows.loc["total"]
    assert (total["stays"], total["patients"], total["positives_most"]) == (100, 80, 15)
    assert (total["prevalence"], total["share_of_total"]) == (0.15, 1.0)
    notes = rows.loc["notes"]
    assert (notes["patients"], notes["prevalence"], notes["share_of_total"]) == (50, 0.2, 0.6)
    assert (notes["published"], notes["difference"], notes["tolerance"]) == (61, -1, 3.05)
    both = rows.loc["vitals+notes"]
    assert (both["stays"], both["share_of_total"], both["verdict"]) == (58, 0.58, "off")
    assert pd.isna(both["patients"]) and pd.isna(both["prevalence"])
    assert rows.loc["ecg", "verdict"] == "not run: data absent"
    assert rows.loc["ecg", "published"] == 50 and pd.isna(rows.loc["ecg", "stays"])


def test_several_labels_give_a_range_and_their_mean(tmp_path: Path) -> None:
    step = ("all stays", 100, 80, [10, 30, 20])
    entry = write_cohort(
        tmp_path, "mimic4", "25-PHE", steps=[step], counts=[("total", 100, 200, "off")]
    )
    frame = build_cohort_table([entry], [], write_published(tmp_path))
    row = frame.iloc[0]
    assert (row["labels"], row["positives_least"], row["positives_most"]) == (3, 10, 30)
    assert row["prevalence"] == pytest.approx(0.2)
    assert cohort_page(frame, TABLE).view["Positive"].tolist() == ["10 to 30 per label (20.0 %)"]


def test_absent_cohorts_keep_the_published_values(tmp_path: Path) -> None:
    absent = [("mimic3", "25-PHE"), ("mimic4", "LOS")]
    frame = build_cohort_table([], absent, write_published(tmp_path))
    told = frame[["source", "task", "count", "published", "verdict"]]
    assert told.astype(object).where(told.notna(), None).to_numpy().tolist() == [
        ["mimic4", "LOS", "total", 100, "not run: data absent"],
        ["mimic4", "LOS", "notes", 61, "not run: data absent"],
        ["mimic3", "25-PHE", "total", None, "not run: data absent"],
    ]
    assert frame[["stays", "difference", "share_of_total"]].isna().all(axis=None)


def test_rows_are_in_the_fixed_order_of_names(tmp_path: Path) -> None:
    names = [("synthetic-mimic4", "48-IHM"), ("mimic4", "25-PHE"), ("mimic4", "48-IHM")]
    entries = [write_cohort(tmp_path, *name, counts=[("total", 100, 1, "off")]) for name in names]
    found = cohort_entries(
        [entry.folder for entry in entries], {entry.canonical for entry in entries}
    )
    assert sorted(found, key=str) == sorted(entries, key=str)
    frame = build_cohort_table(entries, [("mimic4", "LOS")], write_published(tmp_path))
    pairs = list(dict.fromkeys(zip(frame["source"], frame["task"], strict=True)))
    assert pairs == [
        *(("mimic4", "48-IHM"), ("mimic4", "LOS"), ("mimic4", "25-PHE")),
        ("synthetic-mimic4", "48-IHM"),
    ]


def test_four_files_say_what_is_synthetic_and_what_is_absent(tmp_path: Path) -> None:
    counts = [("total", 100, 35_129, "not comparable: synthetic data")]
    entry = write_cohort(tmp_path, "synthetic-mimic4", "48-IHM", counts=counts, release="generated")
    published = write_published(tmp_path)
    folder = tmp_path / "tables"
    write_cohort_table(
        TABLE.noted("small & quick"),
        [entry],
        [("mimic4", "48-IHM")],
        published,
        folder,
        tmp_path / "claims.csv",
    )
    files = {path.suffix: path.read_text() for path in folder.iterdir()}
    assert sorted(files) == [".csv", ".html", ".md", ".tex"]
    for suffix in (".html", ".md", ".tex"):
        assert "synthetic-mimic4: synthetic (generated) data, no patients" in files[suffix]
        assert "not run: data absent" in files[suffix]
        assert "not comparable: synthetic data" in files[suffix]
    assert files[".md"].startswith("# Stays per source, task and modality (small & quick)")
    assert r"(small \& quick)" in files[".tex"]
    stored = pd.read_csv(folder / "table5.csv")
    assert stored["data"].tolist() == ["real", "real", "synthetic"]
    assert stored["difference"].dropna().tolist() == [100 - 35_129]


def test_differences_are_shown_only_where_they_say_something(tmp_path: Path) -> None:
    verdicts = [
        *(("total", 100, 90, "off"), ("notes", 60, 61, "within tolerance")),
        ("vitals", 100, 10, "not comparable: MIMIC-IV 3.1"),
    ]
    entry = write_cohort(tmp_path, "mimic4", "48-IHM", counts=verdicts)
    page = cohort_page(build_cohort_table([entry], [], write_published(tmp_path)), TABLE)
    assert page.view["Difference"].tolist() == ["+10", "-1", "–"]
    assert page.view["Share of total (%)"].tolist() == ["100.0", "60.0", "100.0"]
    assert "Unit" not in page.view and "Stays" in page.view


def test_units_are_told_apart(tmp_path: Path) -> None:
    names = [("48-IHM", "stay"), ("one-year-mortality", "admission")]
    entries = [write_cohort(tmp_path, "mimic4", task, unit=unit) for task, unit in names]
    page = cohort_page(build_cohort_table(entries, [], write_published(tmp_path)), TABLE)
    assert list(dict.fromkeys(page.view["Unit"])) == ["stays", "admissions"]
    assert "Number" in page.view


def test_counts_and_flow_must_agree(tmp_path: Path) -> None:
    entry = write_cohort(tmp_path, "mimic4", "LOS", counts=[("notes", 59, 61, "off")])
    with pytest.raises(FleximodalError, match="count 'notes' is 59, but flow.json says 60"):
        build_cohort_table([entry], [], write_published(tmp_path))


@pytest.mark.parametrize("name", ["flow.json", "task.json", "counts.json"])
def test_an_absent_file_is_named(tmp_path: Path, name: str) -> None:
    entry = write_cohort(tmp_path, "mimic4", "LOS")
    (entry.folder / name).unlink()
    with pytest.raises(FleximodalError, match=f"{name}: cannot be read .*build the cohort again"):
        build_cohort_table([entry], [], write_published(tmp_path))


def test_a_source_without_canonical_tables_is_named(tmp_path: Path) -> None:
    entry = write_cohort(tmp_path, "mimic4", "LOS")
    with pytest.raises(FleximodalError, match="no folder of canonical tables of source 'mimic4'"):
        cohort_entries([entry.folder], [tmp_path / "canonical" / "mimic3"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dataset,tasks,quantity\n", "column 'n_stays' is missing"),
        ("dataset,tasks,quantity,n_stays\neICU,LOS,total,5\n", "row 1: unknown dataset 'eICU'"),
        ("", "cannot be read as CSV"),
    ],
)
def test_faulty_published_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FleximodalError, match=f"published.csv: {message}"):
        read_published(write_published(tmp_path, text))


def test_shipped_published_counts() -> None:
    values = read_published(ROOT / "config" / "published" / "cohort_counts.csv")
    assert values["mimic4", "48-IHM"] == values["mimic4", "LOS"]
    assert {"total": 35_129, "notes": 32_038}.items() <= values["mimic4", "LOS"].items()
    assert {"total": 73_173, "ecg": 35_925}.items() <= values["mimic4", "25-PHE"].items()


def test_claims_prefer_counts_of_the_release_and_the_farther_task(tmp_path: Path) -> None:
    published = write_published(tmp_path)
    synthetic = [("total", 40, 100, "not comparable: synthetic data")]
    near = [("total", 100, 100, "equal"), ("notes", 60, 61, "within tolerance")]
    far = [("total", 100, 100, "equal"), ("notes", 60, 90, "off")]
    entries = [
        write_cohort(tmp_path, "mimic4", "48-IHM", counts=near),
        write_cohort(tmp_path, "mimic4", "LOS", counts=far),
        write_cohort(
            tmp_path, "synthetic-mimic4", "25-PHE", counts=[("total", 100, 200, synthetic[0][3])]
        ),
    ]
    frame = build_cohort_table(entries, [("mimic4", "25-PHE")], published)
    claims = {claim.claim: claim for claim in cohort_claims(frame, read_published(published))}
    assert list(claims) == [
        "table5-48-IHM & LOS-total", "table5-48-IHM & LOS-notes", "table5-25-PHE-total"
    ]  # fmt: skip
    total = claims["table5-48-IHM & LOS-total"]
    assert (total.measured, total.published_mean, total.verdict) == (100, 100, "equivalent")
    assert total.source == "mimic4" and total.data == "real"
    assert claims["table5-48-IHM & LOS-notes"].verdict == "different"
    generated = claims["table5-25-PHE-total"]
    assert (generated.measured, generated.difference) == (100, -100)
    assert generated.verdict == "not comparable: synthetic data"
    assert generated.source == "synthetic-mimic4"


def test_claims_without_data_and_on_another_release(tmp_path: Path) -> None:
    published = write_published(tmp_path)
    other = [("total", 100, 100, "not comparable: MIMIC-IV 3.1")]
    entry = write_cohort(tmp_path, "mimic4", "48-IHM", counts=other)
    frame = build_cohort_table([entry], [("mimic4", "25-PHE")], published)
    verdicts = [claim.verdict for claim in cohort_claims(frame, read_published(published))]
    assert verdicts == [
        "not a target: counted on MIMIC-IV 3.1",
        "not run: data absent",
        "not run: data absent",
    ]


def test_counts_of_a_demonstration_are_not_comparable(tmp_path: Path) -> None:
    published = write_published(tmp_path)
    told = [("total", 100, 100, "not comparable: demonstration data")]
    entry = write_cohort(tmp_path, "mimic4", "48-IHM", counts=told, release="MIMIC-IV demo 2.2")
    frame = build_cohort_table([entry], [], published)
    assert set(frame["data"]) == {"demo"}
    claims = {claim.claim: claim for claim in cohort_claims(frame, read_published(published))}
    total = claims["table5-48-IHM & LOS-total"]
    assert (total.verdict, total.data) == ("not comparable: demo release", "demo")


def test_eight_counts_are_printed() -> None:
    printed = read_published(ROOT / "config" / "published" / "cohort_counts.csv")
    empty = build_cohort_table([], [], ROOT / "config" / "published" / "cohort_counts.csv")
    assert len(cohort_claims(empty, printed)) == 8


def test_subjects_with_exactly_some_modalities_are_counted(tmp_path: Path) -> None:
    published = write_published(
        tmp_path,
        "dataset,release,tasks,quantity,n_stays\n"
        "ADNI,ADNI 22Apr2024,diagnosis,total,100\n"
        "ADNI,ADNI 22Apr2024,diagnosis,exactly clinical,40\n",
    )
    counts = [
        ("total", 100, 100, "equal"),
        ("exactly image+clinical", 60, 61, "within tolerance"),
        ("exactly image", 0, None, "no published value"),
    ]
    entry = write_cohort(
        tmp_path, "adni", "diagnosis", counts=counts, unit="subject",
        steps=[("all subjects", 100, 100, [30, 50, 20])], availability=[], release="ADNI",
    )  # fmt: skip
    flow = entry.folder / "flow.json"
    told = json.loads(flow.read_text()) | {"combinations": {"image+clinical": 60, "clinical": 40}}
    flow.write_text(json.dumps(told))
    frame = build_cohort_table([entry], [("synthetic-adni", "diagnosis")], published)
    rows = frame[frame["source"] == "adni"].set_index("count")
    assert set(rows["unit"]) == {"subjects"} and rows.loc["total", "stays"] == 100
    assert rows.loc["exactly image+clinical", "share_of_total"] == 0.6
    assert rows.loc["exactly image", "stays"] == 0
    assert read_published(published)["adni", "diagnosis"]["exactly clinical"] == 40
    told["combinations"]["image+clinical"] = 61
    flow.write_text(json.dumps(told))
    with pytest.raises(FleximodalError, match="'exactly image[+]clinical' is 60, but .* says 61"):
        build_cohort_table([entry], [], published)
