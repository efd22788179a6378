"""Task `diagnosis`: who is in, and what is counted of whom."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from fleximodal.cohorts.cohort import write_cohort
from fleximodal.cohorts.counts import check_counts
from fleximodal.cohorts.leakage import write_leakage
from fleximodal.cohorts.missingness import missingness_only
from fleximodal.cohorts.splits import write_splits
from fleximodal.dataset.gates import hours_range
from fleximodal.dataset.pack import pack_dataset
from fleximodal.dataset.packed import read_packed
from fleximodal.dataset.scaler import write_dataset_scalers
from fleximodal.errors import FleximodalError
from tests.unit.dataset.tables import CLASSES, write_modality, write_subjects

SHIPPED = Path(__file__).resolve().parents[3] / "config" / "published" / "cohort_counts.csv"
HAVE = {
    "image": (1, 2, 3, 7, 9),
    "genomic": (1, 2, 4, 9),
    "clinical": (1, 2, 3, 4, 5, 7, 8),
    "biospecimen": (1, 2, 4, 8),
}
SUBJECTS: list[Any] = [
    *((1, 0, None), (2, 2, None), (3, 1, None), (4, 1, None), (5, 0, None)),
    *((6, 0, None), (7, None, "a visit without a diagnosis"), (8, None, "the diagnosis changes")),
    *((9, 2, None), (10, None, "no row in the table of diagnoses")),
]


@pytest.fixture
def canonical(tmp_path: Path) -> Path:
    folder = tmp_path / "canonical"
    entries = [
        write_modality(folder, name, {one: [float(one)] for one in who})
        for name, who in HAVE.items()
    ]
    return write_subjects(folder, SUBJECTS, entries)


def write(canonical: Path, source: str = "synthetic-adni", **more: Any) -> Path:
    output = canonical.parent / "cohort"
    write_cohort(canonical, output, source=source, task="diagnosis", **more)
    return output


def test_who_is_in_and_what_they_have(canonical: Path) -> None:
    cohort = pl.read_parquet(write(canonical) / "cohort.parquet")
    assert cohort["stay_id"].to_list() == [1, 2, 3, 4, 5, 9]
    assert cohort.schema["label"] == pl.Enum(CLASSES)
    assert cohort["label"].to_list() == ["CN", "dementia", "MCI", "MCI", "CN", "dementia"]
    for name, who in HAVE.items():
        assert cohort.filter(f"has_{name}")["stay_id"].to_list() == sorted({*who} - {7, 8})


def test_steps_and_combinations_are_counted(canonical: Path) -> None:
    output = write(canonical)
    flow = json.loads((output / "flow.json").read_text())
    assert [(step["step"], step["stays"], step["positive"]) for step in flow["steps"]] == [
        ("all subjects", 10, [3, 2, 2]),
        ("without: a visit without a diagnosis", 9, [3, 2, 2]),
        ("without: no row in the table of diagnoses", 8, [3, 2, 2]),
        ("without: the diagnosis changes", 7, [3, 2, 2]),
        ("with a diagnosis", 7, [3, 2, 2]),
        ("with at least one modality", 6, [2, 2, 2]),
    ]
    assert flow["combinations"] == {
        "image+genomic+clinical+biospecimen": 2,
        "genomic+clinical+biospecimen": 1,
        "image+clinical": 1,
        "image+genomic": 1,
        "clinical": 1,
    }
    assert flow["complete_cases"]["image+genomic+clinical+biospecimen"] == 2
    assert flow["availability"][0] == {
        "modality": "image",
        **{"stays": 4, "patients": 4, "positive": [1, 1, 2]},
    }
    task = json.loads((output / "task.json").read_text())
    assert (task["unit"], task["labels"], task["window_hours"]) == ("subject", list(CLASSES), None)


def test_nobody_with_a_label_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "canonical"
    entry = write_modality(folder, "clinical", {1: [0.0]})
    write_subjects(folder, [(1, None, "the diagnosis changes")], [entry])
    with pytest.raises(FleximodalError, match="nobody left after the step 'without: the diagnosis"):
        write(folder)


def test_published_counts_are_held_against_the_real_source_alone(canonical: Path) -> None:
    with_release = json.dumps({"release": "ADNI 22Apr2024", "channels": "unknown"})
    (canonical / "counts.json").write_text(with_release)
    with pytest.raises(FleximodalError, match="total 6 instead of 2380"):
        write(canonical, "adni", published=SHIPPED)
    rows = json.loads((write(canonical, published=SHIPPED) / "counts.json").read_text())
    assert {row["verdict"] for row in rows} == {"not comparable: synthetic data"}
    measured = {row["count"]: row["measured"] for row in rows}
    assert measured["exactly image+clinical"] == 1
    assert measured["exactly image+clinical+biospecimen"] == 0
    (canonical / "counts.json").write_text(with_release.replace("22Apr2024", "1Jan2026"))
    rows = json.loads((write(canonical, "adni", published=SHIPPED) / "counts.json").read_text())
    assert {row["verdict"] for row in rows} == {"not comparable: ADNI 1Jan2026"}


def test_shipped_counts_are_those_of_the_paper() -> None:
    exact = {"IGCB": 1474, "ICB": 127, "GCB": 122, "IC": 157, "CB": 21, "C": 479}
    names = dict(zip("IGCB", HAVE, strict=True))
    flow = {
        "steps": [{"stays": 2380}],
        "availability": [
            {"modality": name, "stays": sum(n for key, n in exact.items() if letter in key)}
            for letter, name in names.items()
        ],
        "complete_cases": {},
        "combinations": {
            "+".join(names[letter] for letter in key): number for key, number in exact.items()
        },
    }
    given = {"source": "adni", "task": "diagnosis", "channels": "unknown", "flow": flow}
    rows = check_counts(SHIPPED, release="ADNI 22Apr2024", **given)  # type: ignore[arg-type]
    assert [row["verdict"] for row in rows] == ["equal"] * 11
    assert sum(exact.values()) == 2380


def test_exact_count_of_an_absent_modality_is_not_compared() -> None:
    flow: dict[str, Any] = {
        "steps": [{"stays": 2380}],
        "availability": [{"modality": "clinical", "stays": 2380}],
        "complete_cases": {},
        "combinations": {"clinical": 2380},
    }
    rows = check_counts(
        SHIPPED,
        source="adni",
        release="ADNI 22Apr2024",
        task="diagnosis",
        channels="unknown",
        flow=flow,
    )
    found = {row["count"]: row["verdict"] for row in rows}
    assert found["exactly image+clinical"] == "not comparable: modality absent"
    assert found["exactly clinical"] == "off"


def test_flags_alone_are_scored_by_each_class_against_the_rest() -> None:
    random = np.random.default_rng(2)
    label = random.integers(0, 3, 300)
    flags = random.random((300, 2)) < np.array([[0.9, 0.2], [0.5, 0.5], [0.2, 0.9]])[label]
    cohort = pl.DataFrame(
        {
            "stay_id": range(300),
            "label": pl.Series([CLASSES[one] for one in label], dtype=pl.Enum(CLASSES)),
            "has_image": flags[:, 0],
            "has_genomic": flags[:, 1],
        }
    )
    splits = pl.DataFrame(
        {"split": "one", "stay_id": range(300), "part": ["train"] * 200 + ["test"] * 100}
    )
    wanted = []
    for one in range(3):
        model = LogisticRegression(tol=1e-10).fit(flags[:200].astype(float), label[:200] == one)
        scores = model.decision_function(flags[200:].astype(float))
        wanted.append(roc_auc_score(label[200:] == one, scores))
    entry = missingness_only(cohort, splits)["image+genomic"]["one"]
    assert entry == {
        "auroc": pytest.approx(np.mean(wanted)),
        "n_train": 200,
        "n_test": 100,
        "undefined": 0,
    }


def test_every_gate_passes_from_canonical_to_scalers(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    people = range(1, 121)
    folder = tmp_path / "canonical"
    entries = [
        write_modality(folder, name, {one: random.normal(size=3).tolist() for one in who})
        for name, who in {"image": people[:90], "clinical": people}.items()
    ]
    write_subjects(folder, [(one, one % 3, None) for one in people], entries)
    cohort, splits = write(folder), tmp_path / "splits"
    protocol = {"kind": "complete-test", "fractions": (0.7, 0.15, 0.15), "seed": 0}
    write_splits(cohort, splits, protocol=protocol | {"labels": "stratified"})
    dataset = tmp_path / "dataset"
    pack_dataset(folder, cohort, dataset, source="synthetic-adni", task="diagnosis")
    scalers = tmp_path / "scalers" / "scalers.json"
    write_dataset_scalers(dataset, splits / "splits.parquet", scalers)
    write_leakage(
        tmp_path / "leakage",
        cohort_folder=cohort,
        splits=splits / "splits.parquet",
        scalers=scalers,
        hours_range=hours_range(read_packed(dataset)),
        notes=None,
        encoder_patients=None,
        protocol_kind="complete-test",
        limits={"near_duplicate_share": 0.25},
    )
    report = json.loads((tmp_path / "leakage" / "leakage.json").read_text())
    verdicts = {gate["name"]: gate["verdict"] for gate in report["gates"]}
    assert verdicts.pop("window-independent-of-label") == "reported"
    assert set(verdicts.values()) == {"passed"}
    complete = report["gates"][2]["numbers"]["complete0"]
    assert complete["val"]["positive"] == complete["test"]["positive"] == [6, 6, 6]
