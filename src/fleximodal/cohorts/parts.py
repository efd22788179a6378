"""The parts of a split, and what their shares must be."""

from collections.abc import Sequence

from fleximodal.errors import FleximodalError

PARTS = ("train", "val", "test")


def check_shares(kind: str, fractions: Sequence[float], count: int) -> None:
    """Require three positive fractions with sum 1, and at least one split.

    Raises
    ------
    FleximodalError
        Naming the protocol `kind` and what is wrong.
    """
    if len(fractions) != 3 or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise FleximodalError(
            f"Protocol {kind}: fractions {list(fractions)} must be three positive numbers "
            "(train, val, test) with sum 1."
        )
    if count < 1:
        raise FleximodalError(f"Protocol {kind}: count {count} must be at least 1.")
