"""Agreement with reference arrays, forward and backward, whatever cases the folders hold."""

from pathlib import Path

import pytest
import torch

from tests.unit.models.golden_components import CHECKS, NOT_BUILT, check_of, load_case


def cases(golden: Path, family: str) -> list[Path]:
    paths = sorted((golden / family).glob("*.json"))
    assert paths, f"no golden case in {golden / family}"
    return paths


PRECISIONS = pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64], ids=["single", "double"]
)

# Minutes in double precision.
HEAVY = ("flexmoe", "cnn3d")


def compare(family: str, path: Path, dtype: torch.dtype) -> None:
    case = load_case(path, dtype)
    check_of(family, case.name)(case)
    assert not case.mismatches, "\n".join(case.mismatches)
    assert case.untouched() == []


@PRECISIONS
@pytest.mark.parametrize("family", CHECKS)
def test_golden_cases_agree(
    golden: Path, family: str, dtype: torch.dtype, subtests: pytest.Subtests
) -> None:
    for path in cases(golden, family):
        if path.stem in NOT_BUILT or (family, path.stem) == HEAVY:
            continue
        with subtests.test(path.stem):
            compare(family, path, dtype)


@pytest.mark.slow
@PRECISIONS
def test_golden_volumes_agree(golden: Path, dtype: torch.dtype) -> None:
    family, name = HEAVY
    compare(family, golden / family / f"{name}.json", dtype)


def test_only_named_cases_are_left_out(golden: Path) -> None:
    stored = {path.stem for family in CHECKS for path in cases(golden, family)}
    assert stored > set(NOT_BUILT)
