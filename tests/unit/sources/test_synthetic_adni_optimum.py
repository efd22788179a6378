"""The optimum of the generated study, against Bayes' rule on the raw files and against labels."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bed_reader import open_bed
from scipy.special import logsumexp
from scipy.stats import binom, multivariate_normal, norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from fleximodal.sources.synthetic_adni import write_release
from fleximodal.sources.synthetic_adni.biospecimen import PANEL
from fleximodal.sources.synthetic_adni.columns import REGION_COLUMNS
from fleximodal.sources.synthetic_adni.freesurfer import ATROPHY, VENTRICLES
from fleximodal.sources.synthetic_adni.freesurfer import panel as freesurfer_panel
from fleximodal.sources.synthetic_adni.model import (
    ALLELE_PROBABILITY,
    CLASSES,
    FACTOR_MEANS,
    FLAGS,
    NUMBERS,
    PRIOR,
    TYPE_PROBABILITY,
    dosage_frequencies,
)
from fleximodal.sources.synthetic_adni.model import VENTRICLES as VENTRICLE_MEANS
from fleximodal.sources.synthetic_adni.optimum import SETS
from fleximodal.sources.synthetic_adni.panel import Panel
from fleximodal.sources.synthetic_adni.ravens import panel as ravens_panel

SHAPE = (13, 14, 15)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "study"
    settings = {"subjects": 150, "variants": 700, "seed": 4, "image_source": "both"}
    write_release(path, settings={**settings, "ravens_shape": SHAPE})
    return path


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "study"
    write_release(path, settings={"subjects": 4_000, "variants": 600, "seed": 9})
    return path


def read(folder: Path, table: str) -> pd.DataFrame:
    (path,) = folder.glob(f"*/{table}_*.csv")
    return pd.read_csv(path, low_memory=False)


def normal(values: np.ndarray, panel: Panel, factor: int, means: np.ndarray) -> np.ndarray:
    """Log-density of a person's rows, (m, J) with NaN, by the full covariance; one per mean."""
    shown = np.flatnonzero(panel.factor == factor)
    standard = (values[:, shown] - panel.base[shown]) / panel.scale[shown]
    row, column = np.nonzero(~np.isnan(standard))
    if not len(row):
        return np.zeros(len(means))
    loading = panel.loading[shown][column]
    covariance = np.outer(loading, loading)
    covariance += (column[:, None] == column) * (1 - loading**2)
    covariance += np.eye(len(row)) * panel.retest**2
    seen = standard[row, column]
    return np.array([multivariate_normal.logpdf(seen, m * loading, covariance) for m in means])


class Raw:
    """The raw files, read anew, and Bayes' rule on them."""

    def __init__(self, folder: Path) -> None:
        self.tables = {
            table: read(folder, table)
            for table in ("MEDHIST", "NEUROEXM", "PTDEMOG", "APOERES", "UCSFFSX7")
        }
        self.assays = read(folder, "UPENNBIOMK_ROCHE_ELECSYS")
        self.planted = json.loads((folder / "truth.json").read_text())["variants"]["planted"]
        self.dosage: dict[str, dict[str, float]] = {}
        for path in sorted(folder.glob("genomic/*.bed")):
            bed = open_bed(path)
            values = bed.read()
            for variant in self.planted:
                place = list(bed.sid).index(variant["id"])
                counted = values[:, place]
                if bed.allele_1[place] != variant["counted_allele"]:
                    counted = 2 - counted
                for ptid, value in zip(bed.iid, counted, strict=True):
                    known = self.dosage.setdefault(ptid, {})
                    if not np.isnan(value):
                        known[variant["id"]] = value
        lines = (folder / "image/ADNI_subj.txt").read_text().splitlines()
        self.scans = pd.Series([line.rsplit("_", 1)[0] for line in lines])
        self.maps = np.load(folder / "image/ADNI_G.npy").astype(float)

    def posterior(self, ptid: str, modalities: str) -> np.ndarray:
        log = np.log(PRIOR)
        if "C" in modalities:
            log = log + self._clinical(ptid)
        if "B" in modalities:
            log = log + self._assays(int(ptid.split("_")[2]))
        log = log + self._apoe(ptid, modalities)
        genotyped = self.dosage.get(ptid, {}) if "G" in modalities else {}
        by_switch, by_type = np.log([0.5, 0.5]), np.zeros(2)
        for variant in self.planted:
            dosage = genotyped.get(variant["id"])
            if dosage is None:
                continue
            frequency = dosage_frequencies()[variant["column"]]
            if variant["shows"] == "type":
                by_type = by_type + binom.logpmf(dosage, 2, frequency)
            if variant["shows"] == "switch":
                by_switch = by_switch + binom.logpmf(dosage, 2, frequency)
        law = np.array([1 - TYPE_PROBABILITY, TYPE_PROBABILITY])
        log = log + np.log(np.exp(by_type) @ law)
        if "I" in modalities:
            atrophy, ventricles = self._image(ptid)
            log = log + atrophy
            log = log + logsumexp(by_switch[:, None] + ventricles, axis=0)
        weight = np.exp(log - log.max())
        result: np.ndarray = weight / weight.sum()
        return result

    def _clinical(self, ptid: str) -> np.ndarray:
        log = np.zeros(3)
        for name, probability in FLAGS.items():
            table, lowest = ("NEUROEXM", 1) if name.startswith("NX") else ("MEDHIST", 0)
            rows = self.tables[table]
            answers = set(rows.loc[rows["PTID"] == ptid, name].dropna()) - {-4, -1}
            assert len(answers) < 2
            for answer in answers:
                log += binom.logpmf(answer - lowest, 1, probability)
        rows = self.tables["PTDEMOG"]
        for name, (means, deviation, low, top) in NUMBERS.items():
            for value in set(rows.loc[rows["PTID"] == ptid, name].dropna()) - {-4, -1}:
                above = np.inf if value == top else value + 0.5
                below = -np.inf if value == low else value - 0.5
                law = norm(np.array(means), deviation)
                log += np.log(law.cdf(above) - law.cdf(below))
        return log

    def _assays(self, rid: int) -> np.ndarray:
        rows = self.assays[self.assays["RID"] == rid]
        values = np.log(rows[["ABETA40", "ABETA42", "TAU", "PTAU"]].to_numpy(dtype=float))
        return sum(normal(values, PANEL, k, FACTOR_MEANS[k]) for k in (0, 1))

    def _apoe(self, ptid: str, modalities: str) -> np.ndarray:
        rows = self.tables["APOERES"]
        written = rows.loc[rows["PTID"] == ptid, ["APGEN1", "APGEN2"]].drop_duplicates()
        ids = {v["column"]: v["id"] for v in self.planted if v["shows"] == "apoe"}
        genotyped = self.dosage.get(ptid, {}) if "G" in modalities else {}
        total = np.zeros(3)
        for first in range(3):
            for second in range(3):
                pair = sorted((first + 2, second + 2))
                fits = "B" not in modalities or not len(written) or pair == written.iloc[0].tolist()
                for column, allele in ((0, 4), (1, 2)):
                    dosage = genotyped.get(ids[column])
                    fits = fits and (dosage is None or dosage == pair.count(allele))
                if fits:
                    total += ALLELE_PROBABILITY[:, first] * ALLELE_PROBABILITY[:, second]
        return np.log(total)

    def _image(self, ptid: str) -> tuple[np.ndarray, np.ndarray]:
        rows = self.tables["UCSFFSX7"]
        regions = rows.loc[rows["PTID"] == ptid, list(REGION_COLUMNS)].to_numpy(dtype=float)
        maps = self.maps[(self.scans == ptid).to_numpy()]
        maps = maps[(maps != 0).any(axis=1)]
        if not len(regions):
            return np.zeros(3), np.zeros((2, 3))
        # Both panels show one factor: integrate over it on a grid.
        grid = np.linspace(-9, 9, 721)
        both = []
        for factor in (0, 1):
            seen = sum(
                self._given(values, panel, factor, grid)
                for values, panel in ((regions, freesurfer_panel()), (maps, ravens_panel(SHAPE)))
            )
            means = [FACTOR_MEANS[2]] if factor == 0 else [-VENTRICLE_MEANS, VENTRICLE_MEANS]
            law = norm.logpdf(grid[:, None, None], np.array(means))
            both.append(logsumexp(seen[:, None, None] + law, axis=0))
        return both[0][0], both[1]

    @staticmethod
    def _given(values: np.ndarray, panel: Panel, factor: int, grid: np.ndarray) -> np.ndarray:
        """Log-density of a person's rows given the factor, column by column."""
        total = np.zeros(len(grid))
        for column in np.flatnonzero(panel.factor == factor):
            standard = (values[:, column] - panel.base[column]) / panel.scale[column]
            seen = standard[~np.isnan(standard)]
            if len(seen):
                loading, count = panel.loading[column], len(seen)
                covariance = np.full((count, count), 1 - loading**2)
                covariance += np.eye(count) * panel.retest**2
                distance = seen - loading * grid[:, None]
                inverse = np.linalg.inv(covariance)
                total -= np.einsum("gi,ij,gj->g", distance, inverse, distance) / 2
        return total


def test_probabilities_are_those_of_bayes_on_the_raw_files(small: Path) -> None:
    truth = pd.read_parquet(small / "truth.parquet")
    raw = Raw(small)
    chosen = truth.groupby("combination").head(3)
    assert set(chosen["combination"]) == {"IGCB", "ICB", "GCB", "IC", "CB", "C"}
    for row in chosen.to_dict("records"):
        for name in SETS:
            written = np.array([row[f"p_{name}_{label}"] for label in CLASSES])
            has = "".join(letter for letter in name if letter in row["combination"])
            if not has:
                assert np.isnan(written).all()
                continue
            found = raw.posterior(row["ptid"], has)
            assert written == pytest.approx(found, abs=2e-5), (row["rid"], name)


def test_normal_columns_reduce_to_their_sufficient_statistic() -> None:
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((20, 2))
    person = np.sort(rng.integers(0, 20, 50))
    standard = PANEL.rows(rng, PANEL.subjects(rng, factors), person).astype(float)
    standard[rng.random(standard.shape) < 0.2] = np.nan
    measured = PANEL.measure(standard, person, 20)
    means = np.array([-1.0, 0.3, 2.0])
    for one in range(20):
        values = PANEL.base + PANEL.scale * standard[person == one]
        for factor in (0, 1):
            full = normal(values, PANEL, factor, means)
            precision = measured.precision[one, factor]
            if precision == 0:
                assert (full == 0).all()
                continue
            spread = np.sqrt(1 + 1 / precision)
            short = norm.logpdf(measured.value[one, factor], means, spread)
            assert np.diff(short) == pytest.approx(np.diff(full), abs=1e-6)


def test_probabilities_are_calibrated(large: Path) -> None:
    truth = pd.read_parquet(large / "truth.parquet")
    for name in ("I", "G", "C", "B", "IG", "GCB", "IGCB"):
        for number, label in enumerate(CLASSES):
            p = truth[f"p_{name}_{label}"]
            known = p.notna()
            hit = (truth["class"] == number)[known].to_numpy().astype(float)
            score = p[known].to_numpy()
            for part in np.array_split(np.argsort(score, kind="stable"), 5):
                margin = 4.5 * np.sqrt((score[part] * (1 - score[part])).sum()) / len(part)
                assert hit[part].mean() == pytest.approx(score[part].mean(), abs=margin)


def test_the_optimum_told_is_that_of_the_probabilities(large: Path) -> None:
    truth = pd.read_parquet(large / "truth.parquet")
    told = json.loads((large / "truth.json").read_text())["optimum"]
    assert set(told["sets"]) == set(SETS) and len(SETS) == 15
    for name in SETS:
        probability = truth[[f"p_{name}_{label}" for label in CLASSES]].to_numpy()
        for pool, rows in (
            ("some", ~np.isnan(probability[:, 0])),
            ("complete", (truth["combination"] == "IGCB").to_numpy()),
        ):
            classes, found = truth["class"].to_numpy()[rows], told["sets"][name][pool]
            p = probability[rows]
            assert found["subjects"] == rows.sum()
            assert found["accuracy"]["expected"] == pytest.approx(p.max(axis=1).mean())
            assert found["accuracy"]["sample"] == pytest.approx((p.argmax(1) == classes).mean())
            auroc = roc_auc_score(classes, p, multi_class="ovr")
            assert found["macro_auroc"]["sample"] == pytest.approx(auroc)
            for values in (found["accuracy"], found["macro_auroc"]):
                assert values["sample"] == pytest.approx(values["expected"], abs=0.05)
    whole = told["by_combination"]
    assert sum(part["subjects"] for part in whole.values()) == len(truth)


def test_every_modality_is_weak_and_adds(large: Path) -> None:
    sets = json.loads((large / "truth.json").read_text())["optimum"]["sets"]
    best = {name: values["complete"]["accuracy"]["expected"] for name, values in sets.items()}
    for letter in "IGCB":
        assert 0.49 < best[letter] < 0.62
    assert 0.73 < best["IGCB"] < 0.79
    for fewer, more in combinations(SETS, 2):
        if set(fewer) < set(more):
            assert best[more] > best[fewer] + 0.02, (fewer, more)
    # Together image and genotypes tell more than their parts would, had they no interaction.
    gain = best["IG"] - max(best["I"], best["G"])
    assert gain > 0.1


def test_the_interaction_shows_in_neither_modality_alone(large: Path) -> None:
    truth = pd.read_parquet(large / "truth.parquet").set_index("ptid")
    planted = json.loads((large / "truth.json").read_text())["variants"]["planted"]
    sign = np.sign(dosage_frequencies()[:, 1] - 0.5)
    score: dict[str, float] = {}
    for path in sorted(large.glob("genomic/*.bed")):
        bed = open_bed(path)
        values = np.nan_to_num(bed.read() - 1)
        total = np.zeros(len(bed.iid))
        for variant in planted:
            if variant["shows"] == "switch":
                place = list(bed.sid).index(variant["id"])
                same = 1 if bed.allele_1[place] == variant["counted_allele"] else -1
                total += same * sign[variant["column"]] * values[:, place]
        score |= dict(zip(bed.iid, total, strict=True))
    scans = read(large, "UCSFFSX7").groupby("PTID")[list(VENTRICLES)].mean()
    size = ((scans - scans.mean()) / scans.std()).mean(axis=1)
    people = truth.index[truth["combination"] == "IGCB"]
    switch, ventricles = np.sign(pd.Series(score)[people]), size[people].fillna(0)
    middle = (truth.loc[people, "class"] == 1).to_numpy()
    for alone in (switch, ventricles, ventricles**2):
        assert abs(roc_auc_score(middle, alone) - 0.5) < 0.04
    assert roc_auc_score(middle, -switch * ventricles) > 0.7


def test_a_fit_to_the_raw_columns_stays_below_the_optimum(large: Path) -> None:
    truth = pd.read_parquet(large / "truth.parquet").set_index("ptid")
    names = [*ATROPHY, *VENTRICLES]
    scans = read(large, "UCSFFSX7").groupby("PTID")[names].mean()
    people = truth.index[truth["combination"] == "IGCB"]
    features = scans.loc[people].fillna(scans.mean())
    features = (features - features.mean()) / features.std()
    train, test = np.arange(0, 1_600), np.arange(1_600, len(people))
    classes = truth.loc[people, "class"].to_numpy()
    fitted = LogisticRegression(max_iter=500).fit(features.iloc[train], classes[train])
    reached = roc_auc_score(
        classes[test], fitted.predict_proba(features.iloc[test]), multi_class="ovr"
    )
    best = truth.loc[people[test], [f"p_I_{label}" for label in CLASSES]]
    optimum = roc_auc_score(classes[test], best, multi_class="ovr")
    assert optimum - 0.03 < reached < optimum + 0.015


def test_text_of_large_studies_has_many_values_and_classes_do_not_tell_presence(
    large: Path,
) -> None:
    assert read(large, "RECCMEDS")["CMMED"].nunique() >= 1000
    truth: pd.DataFrame = pd.read_parquet(large / "truth.parquet")
    counts: Any = pd.crosstab(truth["combination"], truth["class"])
    expected = counts.sum(axis=1).to_numpy()[:, None] * counts.sum().to_numpy() / len(truth)
    chi_squared = ((counts.to_numpy() - expected) ** 2 / expected).sum()
    # 10 degrees of freedom; this value is passed by one draw in 10,000.
    assert chi_squared < 35.6
