"""How combinations of modalities are written: the initials of those observed."""

from collections.abc import Sequence
from itertools import combinations

from fleximodal.errors import FleximodalError

BUFFER = "Buffer"  # experts beyond those that stand for a combination (Flex-MoE, figure 5)


def letters_of(modalities: Sequence[str]) -> str:
    """Return the initials of modalities in capitals, such as IGCB.

    Raises
    ------
    FleximodalError
        If two modalities have the same initial.
    """
    letters = "".join(name[0].upper() for name in modalities)
    if len(set(letters)) < len(letters):
        raise FleximodalError(
            f"modalities {', '.join(modalities)}: two begin with the same letter, so combinations "
            "of them cannot be named by initials; choose other modalities"
        )
    return letters


def combinations_of(letters: str) -> list[str]:
    """Return all combinations in the order of Flex-MoE's index: full first.

    By falling size, and within a size in the order of the letters.
    """
    sizes = range(len(letters), 0, -1)
    return ["".join(chosen) for size in sizes for chosen in combinations(letters, size)]


def pair_label(first: str, second: str) -> str:
    """Return the name of a pair of combinations or modalities."""
    return f"{first}|{second}"
