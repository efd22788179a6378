"""Linkage pruning against a plain loop over pairs, and what it must leave."""

import numpy as np
import pytest

from fleximodal.sources.adni.pruning import prune


def _random(seed: int, variants: int, people: int, unknown: float) -> np.ndarray:
    """Return dosages (V, N) in blocks that resemble each other, some unknown, some constant."""
    generator = np.random.default_rng(seed)
    share = generator.uniform(0.05, 0.95, variants)
    dosages = generator.binomial(2, share[:, None], (variants, people))
    for place in range(1, variants):
        if generator.random() < 0.6:
            copied = generator.random(people) < generator.uniform(0.3, 1)
            earlier = dosages[max(0, place - int(generator.integers(1, 4)))]
            same = earlier if generator.random() < 0.5 else 2 - earlier
            dosages[place] = np.where(copied, same, dosages[place])
    dosages[generator.random(dosages.shape) < unknown] = -1
    dosages[generator.integers(0, variants, 2)] = generator.integers(-1, 3, (2, 1))
    # Two arrays that no individual was measured with both.
    dosages[::7, : people // 2] = -1
    dosages[1::7, people // 2 :] = -1
    return dosages.astype(np.int8)


def _rarer(dosages: np.ndarray) -> float:
    known = dosages[dosages >= 0]
    share = known.mean() / 2 if known.size else 0.0
    return min(share, 1 - share)


def _r2(one: np.ndarray, two: np.ndarray) -> float:
    both = (one >= 0) & (two >= 0)
    one, two = one[both].astype(float), two[both].astype(float)
    if both.sum() < 2 or one.std() == 0 or two.std() == 0:
        return 0.0
    return float(np.corrcoef(one, two)[0, 1] ** 2)


def _plainly(dosages: np.ndarray, chromosome: np.ndarray, window: int, step: int, r2: float):
    kept = np.zeros(len(dosages), dtype=bool)
    for code in dict.fromkeys(chromosome.tolist()):
        places = np.flatnonzero(chromosome == code)
        alive = {place: _rarer(dosages[place]) > 0 for place in places}
        for start in range(0, len(places), step):
            inside = [place for place in places[start : start + window]]
            changed = True
            while changed:
                changed = False
                for position, one in enumerate(inside):
                    for two in inside[position + 1 :]:
                        if not (alive[one] and alive[two]):
                            continue
                        if _r2(dosages[one], dosages[two]) <= r2:
                            continue
                        lower = _rarer(dosages[one]) < _rarer(dosages[two]) - 1e-12
                        alive[one if lower else two] = False
                        changed = True
                        break
        kept[[place for place in places if alive[place]]] = True
    return kept


@pytest.mark.parametrize(
    ("seed", "window", "step", "r2", "unknown"),
    [
        (0, 10, 3, 0.1, 0.0),
        (1, 10, 3, 0.1, 0.1),
        (2, 5, 5, 0.3, 0.1),
        (3, 50, 5, 0.1, 0.05),
        (4, 8, 11, 0.2, 0.1),
        (5, 2, 1, 0.5, 0.2),
    ],
)
def test_pruning_agrees_with_a_plain_loop(
    seed: int, window: int, step: int, r2: float, unknown: float
) -> None:
    dosages = _random(seed, 90, 60, unknown)
    chromosome = np.repeat([1, 2, 23], [70, 15, 5])
    expected = _plainly(dosages, chromosome, window, step, r2)
    kept = prune(dosages, chromosome, window=window, step=step, r2=r2)
    np.testing.assert_array_equal(kept, expected)
    assert 0 < kept.sum() < len(kept)


def test_no_pair_in_a_window_is_left_correlated() -> None:
    dosages = _random(9, 120, 50, 0.05)
    kept = np.flatnonzero(prune(dosages, np.ones(120), window=20, step=4, r2=0.2))
    for one in kept:
        # Pairs at most window - step apart were in one window.
        for two in kept[(kept > one) & (kept < one + 16)]:
            assert _r2(dosages[one], dosages[two]) <= 0.2


def test_of_a_pair_the_one_with_the_rarer_allele_goes() -> None:
    common = np.array([0, 0, 1, 1, 2, 2, 1, 0], dtype=np.int8)
    rare = np.array([0, 0, 0, 1, 1, 1, 0, 0], dtype=np.int8)
    assert _r2(common, rare) > 0.1
    for pair in ([common, rare], [rare, common], [2 - common, rare], [rare, 2 - common]):
        stacked = np.stack(pair)
        kept = prune(stacked, np.ones(2), window=50, step=5, r2=0.1)
        assert kept.tolist() == [row is not rare for row in pair]
    # Of equal ones the later goes, and nothing across chromosomes.
    twins = np.stack([common, 2 - common])
    assert prune(twins, np.ones(2), window=50, step=5, r2=0.1).tolist() == [True, False]
    assert prune(twins, np.array([1, 2]), window=50, step=5, r2=0.1).all()


def test_variants_that_do_not_vary_go() -> None:
    constant = np.array([[0, 0, 0], [2, 2, -1], [-1, -1, -1], [0, 1, 2]], dtype=np.int8)
    kept = prune(constant, np.ones(4), window=5, step=5, r2=1)
    assert kept.tolist() == [False, False, False, True]


def test_blocks_do_not_change_the_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    dosages = _random(11, 150, 40, 0.1)
    whole = prune(dosages, np.ones(150), window=12, step=5, r2=0.1)
    monkeypatch.setattr("fleximodal.sources.adni.pruning._BLOCK", 7)
    np.testing.assert_array_equal(prune(dosages, np.ones(150), window=12, step=5, r2=0.1), whole)
