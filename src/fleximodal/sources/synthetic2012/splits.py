"""Five random 80/10/10 splits."""

import numpy as np

NUM_SPLITS = 5


def draw_splits(rng: np.random.Generator, label: np.ndarray) -> dict[str, np.ndarray]:
    """Draw `split1` to `split5`: by stay, one of `train`, `val`, `test`; not stratified.

    A draw in which a part lacks a class, which happens in small cohorts only, is drawn again.
    """
    tenth = round(len(label) / 10)
    parts = np.repeat(["train", "val", "test"], [len(label) - 2 * tenth, tenth, tenth])
    splits: dict[str, np.ndarray] = {}
    while len(splits) < NUM_SPLITS:
        split = rng.permutation(parts)
        if all(len(set(label[split == part])) == 2 for part in ("train", "val", "test")):
            splits[f"split{len(splits) + 1}"] = split
    return splits
