"""The generated cohort: readable by the real reader, repeatable, with a known truth."""

import csv
import json
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleximodal.errors import FleximodalError
from fleximodal.sources.auroc import weighted_auroc
from fleximodal.sources.physionet2012.canonical import write_canonical
from fleximodal.sources.physionet2012.channels import CHANNEL_NAMES
from fleximodal.sources.synthetic2012 import write_synthetic_release
from fleximodal.sources.synthetic2012.measurements import draw_series
from fleximodal.sources.synthetic2012.signals import SIGNALS
from fleximodal.sources.synthetic2012.truth import STATES, draw_truth


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated")
    write_synthetic_release(folder / "release", stays_per_set=150, seed=3)
    write_canonical(folder / "release", folder / "canonical", source="synthetic")
    return folder


def test_canonical_tables_have_the_size_and_prevalence_asked_for(generated: Path) -> None:
    stays = pl.read_parquet(generated / "canonical" / "stays.parquet")
    assert stays.height == 450
    assert stays.group_by("set").len()["len"].to_list() == [150, 150, 150]
    assert stays["stay_id"].to_list() == list(range(900_001, 900_451))
    assert stays["in_hospital_death"].mean() == pytest.approx(0.142, abs=1 / 450)
    events = pl.read_parquet(generated / "canonical" / "events.parquet")
    assert set(events["channel"].cast(pl.String)) == set(CHANNEL_NAMES)
    known_survival = stays.filter(pl.col("in_hospital_death") == 1)
    assert (known_survival["survival"] <= known_survival["length_of_stay"]).all()


def test_each_fault_of_the_real_release_occurs(generated: Path) -> None:
    counts = json.loads((generated / "canonical" / "counts.json").read_text())
    sets, total = counts["sets"], counts["total"]
    assert [sets[name]["nameless"] > 0 for name in "abc"] == [False, False, True]
    assert [bool(sets[name]["minus_one"]) for name in "abc"] == [False, False, True]
    assert {"Temp", "HR", "pH", "Mg"} <= set(total["out_of_range"])
    assert total["exact_duplicates"]
    assert {"MAP", "Temp", "Urine"} <= set(total["conflicting_same_time"])
    assert total["at_48h"] > 0
    assert min(sets[name]["records_without_time_series"] for name in "abc") >= 2
    assert set(total["descriptors"]["minus_one"]) == {"Gender", "Height", "Weight"}
    assert set(total["descriptors"]["out_of_range"]) == {"Height"}


def test_modalities_are_missing_in_part_and_by_severity(generated: Path) -> None:
    canonical = generated / "canonical"
    events = pl.read_parquet(canonical / "events.parquet")
    count = pl.read_parquet(canonical / "stays.parquet").height
    share = {}
    for modality, signals in SIGNALS.items():
        names = [signal.name for signal in signals]
        share[modality] = events.filter(pl.col("channel").is_in(names))["stay_id"].n_unique()
    assert 0.95 * count < share["vitals"] < count
    assert 0.8 * count < share["labs"] < share["vitals"]
    assert 0.4 * count < share["ventilation"] < 0.75 * count


def test_equal_arguments_give_equal_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    for name, seed in {"one": 1, "same": 1, "other": 2}.items():
        write_synthetic_release(tmp_path / name, stays_per_set=20, seed=seed)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == [
        "Outcomes-a.txt",
        "Outcomes-b.txt",
        "Outcomes-c.txt",
        "README.txt",
        "set-a.tar.gz",
        "set-b.tar.gz",
        "set-c.tar.gz",
        "splits-five-random.csv",
        "truth.json",
    ]
    for name in files:
        one = (tmp_path / "one" / name).read_bytes()
        assert one == (tmp_path / "same" / name).read_bytes(), name
        assert (one == (tmp_path / "other" / name).read_bytes()) == (name == "README.txt"), name


def test_says_that_there_are_no_patients(generated: Path) -> None:
    assert "NO PATIENTS" in (generated / "release" / "README.txt").read_text()
    assert json.loads((generated / "release" / "truth.json").read_text())["generated"] is True


def test_five_splits_cover_the_stays_with_time_series(generated: Path) -> None:
    stays = pl.read_parquet(generated / "canonical" / "stays.parquet")
    death = dict(stays.select("stay_id", "in_hospital_death").iter_rows())
    with_series = stays.filter(pl.col("n_events") > 0)["stay_id"].to_list()
    with (generated / "release" / "splits-five-random.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["RecordID"]) for row in rows] == with_series
    columns = [f"split{i}" for i in range(1, 6)]
    assert list(rows[0]) == ["RecordID", *columns]
    tenth = round(len(rows) / 10)
    for column in columns:
        parts = [row[column] for row in rows]
        assert parts.count("val") == parts.count("test") == tenth
        assert parts.count("train") == len(rows) - 2 * tenth
        for part in ("train", "val", "test"):
            labels = {death[int(row["RecordID"])] for row in rows if row[column] == part}
            assert labels == {0, 1}
    for one, other in combinations(columns, 2):
        assert [row[one] for row in rows] != [row[other] for row in rows]


def test_too_small_a_cohort_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FleximodalError, match="stays_per_set is 5; give at least 20"):
        write_synthetic_release(tmp_path / "release", stays_per_set=5, seed=0)
    assert not (tmp_path / "release").exists()


def test_best_auroc_against_pairs() -> None:
    rng = np.random.default_rng(0)
    risk = rng.random(40)
    concordant = pairs = 0.0
    for i in range(40):
        for j in range(40):
            if i != j:
                weight = risk[i] * (1 - risk[j])
                pairs += weight
                concordant += weight * (risk[i] > risk[j])
    assert weighted_auroc(risk, risk, expected=True) == pytest.approx(concordant / pairs)
    label = (rng.random(40) < risk).astype(float)
    positive, negative = risk[label == 1], risk[label == 0]
    assert weighted_auroc(risk, label, expected=False) == pytest.approx(
        (positive[:, None] > negative).mean()
    )


def test_deaths_follow_the_risk() -> None:
    """Over many cohorts the rate of death in each third of the risk is the mean risk there."""
    risk, death = [], []
    for seed in range(40):
        truth = draw_truth(np.random.default_rng(seed), 300)
        risk.append(truth.risk)
        death.append(truth.death)
    risks, deaths = np.concatenate(risk), np.concatenate(death)
    for third in np.array_split(np.argsort(risks), 3):
        expected = risks[third].mean()
        margin = 5 * np.sqrt(expected * (1 - expected) / len(third))
        assert deaths[third].mean() == pytest.approx(expected, abs=margin)


@pytest.mark.parametrize("modality", SIGNALS)
def test_modality_shows_severity_and_its_own_state_only(modality: str) -> None:
    """Correlations of stay means with the latent truth: own and shared, not the others'."""
    rng = np.random.default_rng(0)
    truth = draw_truth(rng, 700)
    means = draw_series(rng, truth).group_by("stay", "parameter").agg(pl.mean("value"))
    channel = {"vitals": "MAP", "labs": "Creatinine", "ventilation": "SaO2"}[modality]
    of_channel = means.filter(pl.col("parameter") == channel)
    stay, value = of_channel["stay"].to_numpy(), of_channel["value"].to_numpy()

    def correlation(latent: np.ndarray) -> float:
        return abs(float(np.corrcoef(latent[stay], value)[0, 1]))

    assert correlation(truth.severity) > 0.2
    for state in STATES:
        if state == modality:
            assert correlation(truth.state[state]) > 0.2
        else:
            # Under independence the standard error is 1 / sqrt(700) = 0.04 or less.
            assert correlation(truth.state[state]) < 0.15


def test_measurements_tell_of_death_less_than_the_truth_does(generated: Path) -> None:
    """Each modality's clearest parameter, averaged by stay, tells dying stays from others."""
    truth = json.loads((generated / "release" / "truth.json").read_text())
    stays = pl.read_parquet(generated / "canonical" / "stays.parquet")
    events = pl.read_parquet(generated / "canonical" / "events.parquet")
    for channel, sign in {"GCS": -1, "BUN": 1, "FiO2": 1}.items():
        means = (
            events.filter(pl.col("channel") == channel).group_by("stay_id").agg(pl.mean("value"))
        )
        joined = stays.join(means, on="stay_id", maintain_order="left")
        score = sign * joined["value"].to_numpy()
        found = weighted_auroc(score, joined["in_hospital_death"].to_numpy(), expected=False)
        assert 0.55 < found < truth["best_auroc"]["expected"], channel
