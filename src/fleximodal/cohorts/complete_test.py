"""Protocol `complete-test`: validation and test stays have every modality, training need not.

Flex-MoE (arXiv 2410.08245), section 4.1: 70/15/15 % of the subjects, and the same validation and
test parts for all methods and sets of modalities, for which each must have all modalities.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from fleximodal.cohorts.counting import flags_of
from fleximodal.cohorts.parts import check_shares
from fleximodal.errors import FleximodalError


def complete_test(
    cohort: pl.DataFrame, fractions: Sequence[float], seed: int, labels: str
) -> pl.DataFrame:
    """Draw validation and test parts, each of its share of all stays, from the complete ones.

    Parameters
    ----------
    cohort
        stay_id, label, and a flag `has_{modality}` per modality of the source.
    fractions
        Shares of train, val and test among all stays; sizes of val and test are rounded.
    seed
        Seed of the draw, also in the split's name, `complete{seed}`.
    labels
        `stratified`: each class has the same share in val and test as among complete stays, up to
        one stay; `ignored`: drawn whatever the label.

    Returns
    -------
    DataFrame
        split, stay_id, part.

    Raises
    ------
    FleximodalError
        If the fractions are impossible, too few stays are complete, or stratification is asked for
        where there are several labels.
    """
    check_shares("complete-test", fractions, 1)
    several = isinstance(cohort.schema["label"], pl.Array)
    if several and labels == "stratified":
        raise FleximodalError(
            "Protocol complete-test cannot stratify by several labels; "
            "set protocols.complete-test.labels to ignored."
        )
    stays = cohort.sort("stay_id").with_columns(
        complete=pl.all_horizontal(f"has_{name}" for name in flags_of(cohort))
    )
    complete = stays.filter("complete")
    sizes = {
        part: round(share * stays.height)
        for part, share in zip(("val", "test"), fractions[1:], strict=True)
    }
    if complete.height < sum(sizes.values()):
        raise FleximodalError(
            f"Protocol complete-test needs {sum(sizes.values())} stays with every modality for val "
            f"and test, but the cohort has {complete.height}; lower their fractions."
        )
    if labels == "stratified":
        strata = complete["label"].cast(pl.String).to_numpy()
    else:
        strata = np.zeros(complete.height)
    position = _draw(strata, sizes, np.random.default_rng(seed))
    drawn = pl.DataFrame(
        {
            "stay_id": complete["stay_id"].to_numpy()[np.concatenate(list(position.values()))],
            "part": np.repeat(list(position), [len(rows) for rows in position.values()]),
        }
    )
    return stays.join(drawn, on="stay_id", how="left").select(
        pl.lit(f"complete{seed}").alias("split"), "stay_id", pl.col("part").fill_null("train")
    )


def _draw(
    strata: np.ndarray, sizes: dict[str, int], generator: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return the positions drawn for each part, none twice."""
    names, counts = np.unique(strata, return_counts=True)
    order = {name: generator.permutation(np.flatnonzero(strata == name)) for name in names}
    drawn: dict[str, list[np.ndarray]] = {part: [] for part in sizes}
    left = counts.copy()
    for part, size in sizes.items():
        for name, number in zip(names, _quotas(counts, left, size), strict=True):
            drawn[part].append(order[name][:number])
            order[name] = order[name][number:]
        left = np.array([len(order[name]) for name in names])
    return {part: np.concatenate(rows) for part, rows in drawn.items()}


def _quotas(counts: np.ndarray, left: np.ndarray, size: int) -> np.ndarray:
    """Return how many of each stratum are drawn: its share, the largest remainders rounded up."""
    exact = counts * size / counts.sum()
    quotas = np.minimum(np.floor(exact).astype(int), left)
    while quotas.sum() < size:
        free = np.where(quotas < left, exact - quotas, -np.inf)
        quotas[int(free.argmax())] += 1
    return quotas
