"""Numbers of combinations of modalities."""

import pytest
import torch

from fleximodal.models.combinations import combination_index, combinations


def words(letters: str) -> list[str]:
    return ["".join(letters[m] for m in members) for members in combinations(len(letters))]


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("IGCB", "IGCB IGC IGB ICB GCB IG IC IB GC GB CB I G C B"),
        ("LNC", "LNC LN LC NC L N C"),
        ("IG", "IG I G"),
        ("I", "I"),
    ],
)
def test_combinations_come_by_size_then_by_letters(letters: str, expected: str) -> None:
    assert words(letters) == expected.split()


@pytest.mark.parametrize("modalities", [1, 2, 3, 4, 6])
def test_a_stay_has_the_number_of_what_it_has(modalities: int) -> None:
    """Every subset of modalities occurs once, the empty one last."""
    sets = combinations(modalities)
    present = torch.zeros(modalities, len(sets) + 1, dtype=torch.bool)
    for number, members in enumerate(sets):
        present[list(members), number] = True
    assert len({tuple(column.tolist()) for column in present.T}) == 2**modalities
    assert combination_index(present).tolist() == [*range(len(sets)), -1]


def test_numbers_follow_the_stays() -> None:
    present = torch.rand(4, 50) < 0.5
    order = torch.randperm(50)
    assert torch.equal(combination_index(present)[order], combination_index(present[:, order]))
