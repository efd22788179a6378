"""Published counts: what is equal, near, off or not to be compared."""

import json
from pathlib import Path

import polars as pl
import pytest

from fleximodal.cohorts.cohort import write_cohort
from fleximodal.cohorts.counts import check_counts
from fleximodal.errors import FleximodalError
from tests.unit.cohorts.hospitals import stay, write_stays

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "config" / "published" / "cohort_counts.csv"
HEADER = "dataset,release,tasks,quantity,n_stays,tolerance_percent,tolerance_stays,reference"


def published(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "published.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def flow_of(total: int, **others: int) -> dict:
    singles = {name: stays for name, stays in others.items() if "_" not in name}
    return {
        "steps": [{"step": "all", "stays": total + 5}, {"step": "last", "stays": total}],
        "availability": [{"modality": name, "stays": stays} for name, stays in singles.items()],
        "complete_cases": {
            name.replace("_", "+"): stays for name, stays in others.items() if "_" in name
        },
    }


def verdicts(flow: dict, **changes: str) -> dict[str, str]:
    given = {"source": "mimic4", "release": "MIMIC-IV 2.2", "task": "48-IHM", "channels": "paper"}
    return {
        row["count"]: row["verdict"] for row in check_counts(SHIPPED, flow=flow, **given | changes)
    }


PUBLISHED = {"notes": 32038, "cxr": 8781, "ecg": 18271, "vitals_notes_cxr": 8770}


def test_shipped_counts_are_those_of_the_paper() -> None:
    assert set(verdicts(flow_of(35129, **PUBLISHED)).values()) == {"equal"}
    assert verdicts(flow_of(35129, **PUBLISHED), task="LOS") == dict.fromkeys(
        ("total", "notes", "cxr", "ecg", "vitals+notes+cxr"), "equal"
    )
    phenotyping = flow_of(73173, notes=56824, cxr=14568, ecg=35925, vitals_notes_cxr=14541)
    assert set(verdicts(phenotyping, task="25-PHE").values()) == {"equal"}
    assert set(verdicts(phenotyping).values()) == {"off"}


@pytest.mark.parametrize(
    ("total", "notes", "wanted"),
    [
        # 0.1 % of 35,129 is 35.1; 0.05 % of 32,038 and three are 19.0.
        (35129 + 35, 32038 - 19, "within tolerance"),
        (35129 - 36, 32038 + 20, "off"),
    ],
)
def test_tolerance(total: int, notes: int, wanted: str) -> None:
    found = verdicts(flow_of(total, **PUBLISHED | {"notes": notes}))
    assert (found["total"], found["notes"], found["cxr"]) == (wanted, wanted, "equal")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"source": "synthetic-mimic4", "release": "generated"}, "synthetic data"),
        ({"release": "MIMIC-IV demo 2.2"}, "demonstration data"),
        ({"release": "MIMIC-IV 3.1"}, "MIMIC-IV 3.1"),
        ({"release": "unknown"}, "unknown"),
        ({"changed": "window of 24 hours"}, "window of 24 hours"),
    ],
)
def test_what_cannot_be_compared_says_why(changes: dict[str, str], why: str) -> None:
    found = verdicts(flow_of(10, **PUBLISHED), **changes)
    assert set(found.values()) == {f"not comparable: {why}"}


def test_absent_modality_and_task_without_publication() -> None:
    found = check_counts(
        SHIPPED,
        source="mimic4",
        release="MIMIC-IV 2.2",
        task="48-IHM",
        channels="authors",
        flow=flow_of(35129, vitals=35129),
    )
    assert found[0] == {
        "count": "total",
        "measured": 35129,
        "published": 35129,
        "difference": 0,
        "tolerance": 35.13,
        "channels": "authors",
        "reference": "FuseMoE, arXiv 2402.03226, Table 5",
        "verdict": "equal",
    }
    assert {row["measured"] for row in found[1:]} == {None}
    assert {row["verdict"] for row in found[1:]} == {"not comparable: modality absent"}
    assert verdicts(flow_of(90, vitals=80), source="mimic3") == {
        "total": "no published value",
        "vitals": "no published value",
    }


def test_faulty_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FleximodalError, match="absent.csv does not exist"):
        check_counts(
            tmp_path / "absent.csv", source="s", release="r", task="t", channels="c", flow={}
        )
    path = published(tmp_path)
    path.write_text(HEADER.replace("n_stays", "stays") + "\n")
    with pytest.raises(FleximodalError, match="no column n_stays"):
        check_counts(path, source="s", release="r", task="t", channels="c", flow={})


@pytest.fixture
def canonical(tmp_path: Path) -> Path:
    return write_stays(
        tmp_path / "canonical",
        [stay(number, number, number, 50.0) for number in range(1, 5)],
        events=[(number, 1.0, "Sodium", 1.0) for number in range(1, 5)],
        items={"notes": [(1, 1.0), (2, 1.0)]},
        diagnoses=[(1, "4280", 9)],
        release="MIMIC-IV 2.2",
    )


def write(canonical: Path, path: Path, task: str, **settings: float) -> Path:
    output = canonical.parent / "cohort"
    write_cohort(canonical, output, source="mimic4", task=task, settings=settings, published=path)
    return output


def test_cohort_that_is_off_is_not_written(canonical: Path, tmp_path: Path) -> None:
    path = published(
        tmp_path,
        "MIMIC-IV,MIMIC-IV 2.2,48-IHM & LOS,total,4,0,0,x",
        "MIMIC-IV,MIMIC-IV 2.2,48-IHM & LOS,notes,5,0,2,x",
        "MIMIC-IV,MIMIC-IV 2.2,48-IHM & LOS,vitals+notes,3,0,1,x",
    )
    with pytest.raises(FleximodalError, match=r"published one \(notes 2 instead of 5\)"):
        write(canonical, path, "LOS")
    assert not (tmp_path / "cohort").exists()


def test_comparison_is_written_beside_the_cohort(canonical: Path, tmp_path: Path) -> None:
    path = published(tmp_path, "MIMIC-IV,MIMIC-IV 2.2,25-PHE,notes,3,0,1,x")
    rows = json.loads((write(canonical, path, "25-PHE") / "counts.json").read_text())
    assert [(row["measured"], row["difference"], row["verdict"]) for row in rows] == [
        (2, -1, "within tolerance")
    ]
    rows = json.loads(
        (write(canonical, path, "25-PHE", window_hours=30.0) / "counts.json").read_text()
    )
    assert rows[0]["verdict"] == "not comparable: window of 30 hours"


def test_release_that_tells_nothing_is_unknown(canonical: Path, tmp_path: Path) -> None:
    (canonical / "counts.json").write_text("{}")
    path = published(tmp_path, "MIMIC-IV,MIMIC-IV 2.2,48-IHM,total,99,0,0,x")
    rows = json.loads((write(canonical, path, "48-IHM") / "counts.json").read_text())
    assert rows[0]["verdict"] == "not comparable: unknown"


def test_shipped_file_repeats_the_published_table() -> None:
    table = pl.read_csv(SHIPPED)
    assert table.columns == HEADER.split(",")
    assert dict(table.group_by("dataset").len().rows()) == {"MIMIC-IV": 10, "ADNI": 11}
