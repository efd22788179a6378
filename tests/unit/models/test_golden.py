"""Agreement with reference arrays, forward and backward, whatever cases the folders hold."""

from pathlib import Path

import pytest
import torch

from tests.unit.models.golden_case import Case
from tests.unit.models.golden_components import NOT_BUILT, check_of


def cases(golden: Path, family: str) -> list[Path]:
    paths = sorted((golden / family).glob("*.json"))
    assert paths, f"no golden case in {golden / family}"
    return paths


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["single", "double"])
@pytest.mark.parametrize("family", ["fusemoe", "mists"])
def test_golden_cases_agree(
    golden: Path, family: str, dtype: torch.dtype, subtests: pytest.Subtests
) -> None:
    for path in cases(golden, family):
        if path.stem in NOT_BUILT:
            continue
        with subtests.test(path.stem):
            case = Case.load(path, dtype)
            check_of(case.name)(case)
            assert not case.mismatches, "\n".join(case.mismatches)
            assert case.untouched() == []


def test_only_named_cases_are_left_out(golden: Path) -> None:
    stored = {path.stem for family in ("fusemoe", "mists") for path in cases(golden, family)}
    assert stored > set(NOT_BUILT)
