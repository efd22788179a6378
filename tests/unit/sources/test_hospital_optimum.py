"""The latent model of the generated hospital and the best AUROC it allows."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import cumulative_simpson, quad, simpson
from scipy.special import expit
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from fleximodal.sources.auroc import expected_auroc, sample_auroc, weighted_auroc
from fleximodal.sources.hospital.latents import Latents, draw_reference, in_first_day
from fleximodal.sources.hospital.model import (
    LONG_SHARE,
    MODALITIES,
    SHARES_48H,
    SHARES_ALL,
    latent_model,
)
from fleximodal.sources.hospital.optimum import (
    SHOWN,
    TASKS,
    Task,
    best_aurocs,
    best_scores,
    blurred,
    in_task,
    labels,
    seen,
    subsets,
)
from fleximodal.sources.hospital.phenotypes import PHENOTYPES

SOURCE_TASKS = [(source, task) for source, tasks in TASKS.items() for task in tasks]
NAMES = [f"{source}-{task.name}" for source, task in SOURCE_TASKS]


@pytest.fixture(scope="module")
def crowd() -> Latents:
    return draw_reference(np.random.default_rng(7), latent_model(), 60_000)


def test_prevalences_and_availability_are_those_of_the_cohorts(crowd: Latents) -> None:
    long = crowd.days >= 2
    margin = 5 * 0.5 / np.sqrt(long.sum())
    assert long.mean() == pytest.approx(LONG_SHARE, abs=margin)
    assert crowd.died[long].mean() == pytest.approx(0.13, abs=margin)
    for m, name in enumerate(MODALITIES[1:], start=1):
        assert crowd.early[long, m].mean() == pytest.approx(SHARES_48H[name], abs=margin)
        whole = crowd.early[:, m] | crowd.late[:, m]
        assert whole.mean() == pytest.approx(SHARES_ALL[name], abs=margin)
    wanted = [phenotype.prevalence for phenotype in PHENOTYPES]
    np.testing.assert_allclose(crowd.phenotypes.mean(axis=0), wanted, atol=margin)


def test_presence_and_length_of_stay_depend_on_the_severity(crowd: Latents) -> None:
    long = crowd.days >= 2
    assert crowd.u[long].mean() > 0.3
    for m in range(1, len(MODALITIES)):
        present = crowd.early[long, m]
        assert crowd.u[long][present].mean() - crowd.u[long][~present].mean() > 0.1


def test_blurred_is_the_mean_over_a_normal_variable() -> None:
    for spread, log_odds in ((0.0, -1.3), (0.7, 0.4), (2.6, -5.0), (2.6, 3.0)):
        exact = quad(lambda z, s=spread, a=log_odds: norm.pdf(z) * expit(a + s * z), -9, 9)[0]
        assert blurred(spread, np.array([log_odds]))[0] == pytest.approx(exact, abs=2e-6)


def test_a_single_private_state_gives_the_area_of_its_own_integral() -> None:
    """Without a severity the best score is the state itself, whose AUROC is a double integral."""
    slope, constant = 1.4, -2.0
    model = replace(
        latent_model(),
        death_0=constant,
        death_u=0.0,
        death_w=np.array([slope, 0.0, 0.0, 0.0]),
        sigma=np.full(4, 1e6),
        presence_u=np.zeros(4),
        los_u=0.0,
    )
    rate = quad(lambda w: norm.pdf(w) * expit(constant + slope * w), -9, 9)[0]
    w = np.linspace(-9, 9, 4_001)
    dying, living = (norm.pdf(w) * expit(sign * (constant + slope * w)) for sign in (1, -1))
    above = simpson(dying * cumulative_simpson(living, x=w, initial=0), x=w)
    exact = above / (rate * (1 - rate))
    task = TASKS["mimic4"][0]
    latents = draw_reference(np.random.default_rng(0), model, 40_000)
    members = latents.of(in_task(task, latents))
    score = best_scores(model, task, members, ("vitals",))
    np.testing.assert_allclose(score[:, 0], expit(constant + slope * members.w[:, 0]), atol=1e-5)
    assert expected_auroc(score) == pytest.approx(exact, abs=0.006)
    # The other modalities add nothing, and alone they know nothing.
    assert expected_auroc(best_scores(model, task, members, MODALITIES)) == pytest.approx(
        exact, abs=0.006
    )
    assert expected_auroc(best_scores(model, task, members, ("notes",))) == pytest.approx(
        0.5, abs=0.01
    )


@pytest.mark.parametrize(("source", "task"), SOURCE_TASKS, ids=NAMES)
def test_scores_are_the_posterior_by_brute_force(source: str, task: Task, crowd: Latents) -> None:
    """Weigh many draws from the prior by the likelihood of what a stay shows."""
    model = latent_model()
    rng = np.random.default_rng(1)
    draws = 40_000 if task.name == "25-PHE" else 100_000
    u = rng.standard_normal(draws)
    noise = rng.standard_normal(draws)
    days = np.exp(model.los_0 + model.los_u * u + model.los_s * noise)
    w = rng.standard_normal((draws, 4))
    members = crowd.of(np.flatnonzero(in_task(task, crowd))[:30])
    visible = members.first_day if task.window < 2 else members.early
    for names in subsets(SHOWN[source])[:: 4 if source == "mimic4" else 1]:
        chosen = [MODALITIES.index(name) for name in names]
        scores = best_scores(model, task, members, names)
        present = seen(task, members)
        for i in range(0, len(members.u), 5):
            if members.days[i] < task.window:
                centre = model.los_0 + model.los_u * u
                weight = norm.pdf(np.log(members.days[i]), centre, model.los_s)
                length = np.full(draws, members.days[i])
            else:
                weight = (days >= task.window).astype(float)
                length = days
            known = w.copy()
            for m in chosen:
                there = model.early(m, u, length)
                if task.window < 2:
                    there = there * in_first_day(m, length)
                weight = weight * (there if visible[i, m] else 1 - there)
                if present[i, m]:
                    weight = weight * norm.pdf(members.x[i, m], u, model.sigma[m])
                    known[:, m] = members.w[i, m]
            if task.name == "25-PHE":
                outcome = model.phenotypes(u, known)
            elif task.name == "LOS":
                alive = 1 - model.risk(u, known)
                below = 1 - model.longer(u, 4.0) / model.longer(u, 2.0)
                outcome = (alive * below)[:, None]
            else:
                outcome = model.risk(u, known)[:, None]
            weight = weight / weight.sum()
            found = weight @ outcome
            error = 6 * np.sqrt(weight**2 @ (outcome - found) ** 2) + 1e-4
            assert (np.abs(scores[i] - found) < error).all()


@pytest.mark.parametrize(("source", "task"), SOURCE_TASKS, ids=NAMES)
def test_scores_are_calibrated(source: str, task: Task, crowd: Latents) -> None:
    """Among stays of about equal score, the share of the label is the score."""
    members = crowd.of(np.flatnonzero(in_task(task, crowd))[:25_000])
    label = labels(task, members)
    for names in (SHOWN[source][:1], SHOWN[source][1:2], SHOWN[source]):
        score = best_scores(latent_model(), task, members, names)
        for k in {0, label.shape[1] // 2, label.shape[1] - 1}:
            for part in np.array_split(np.argsort(score[:, k], kind="stable"), 8):
                mean = score[part, k].mean()
                margin = 5 * np.sqrt(mean * (1 - mean) / len(part))
                assert label[part, k].mean() == pytest.approx(mean, abs=margin)


@pytest.mark.parametrize(("source", "task"), SOURCE_TASKS, ids=NAMES)
def test_more_modalities_never_lower_the_optimum(source: str, task: Task, crowd: Latents) -> None:
    nobody = crowd.of(np.arange(0))
    best = best_aurocs(source, nobody)[task.name]
    assert set(best) == {"+".join(names) for names in subsets(SHOWN[source])}
    for fewer in best:
        for more in best:
            if set(fewer.split("+")) < set(more.split("+")):
                lower, higher = best[fewer]["expected"], best[more]["expected"]
                assert lower is not None and higher is not None
                assert lower < higher + 0.001, (fewer, more)
    sizes = range(1, len(SHOWN[source]) + 1)
    chain = [best["+".join(SHOWN[source][:size])]["expected"] or 0.0 for size in sizes]
    assert all(later - earlier > 0.003 for earlier, later in pairwise(chain))
    assert all(value["sample"] is None for value in best.values())


def test_expected_is_what_large_samples_reach(crowd: Latents) -> None:
    best = best_aurocs("mimic4", crowd.of(np.arange(6_000)))
    for name, by_set in best.items():
        for values in by_set.values():
            assert values["sample"] == pytest.approx(values["expected"], abs=0.045), name


def test_a_fit_to_the_true_latents_does_not_exceed_the_optimum(crowd: Latents) -> None:
    task = TASKS["mimic4"][0]
    members = crowd.of(in_task(task, crowd))
    train, test = np.arange(0, 14_000), np.arange(14_000, len(members.u))
    present = seen(task, members).astype(float)
    features = np.hstack([present, present * members.x, present * members.w])
    label = members.died
    fitted = LogisticRegression(C=1.0, max_iter=500).fit(features[train], label[train])
    reached = roc_auc_score(label[test], fitted.decision_function(features[test]))
    score = best_scores(latent_model(), task, members.of(test), MODALITIES)
    best = sample_auroc(score, label[test][:, None])
    assert best is not None
    # Linear in what is seen is close to the truth, so the fit comes near, but not above.
    assert best - 0.03 < reached < best + 0.004


def test_auroc_with_ties_against_scikit_learn_and_pairs() -> None:
    rng = np.random.default_rng(0)
    score = rng.integers(0, 6, 60).astype(float)
    label = (rng.random(60) < 0.4).astype(float)
    found = weighted_auroc(score, label, expected=False)
    assert found == pytest.approx(roc_auc_score(label, score))
    probability = rng.integers(1, 6, 30) / 7
    concordant = pairs = 0.0
    for i in range(30):
        for j in range(30):
            if i != j:
                weight = probability[i] * (1 - probability[j])
                pairs += weight
                concordant += weight * ((probability[i] > probability[j])
                                        + (probability[i] == probability[j]) / 2)  # fmt: skip
    assert expected_auroc(probability[:, None]) == pytest.approx(concordant / pairs)
    assert weighted_auroc(score, np.zeros(60), expected=False) is None
