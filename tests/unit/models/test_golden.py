"""Agreement with reference arrays, forward and backward, whatever cases the folder holds."""

from pathlib import Path

import pytest
import torch

from tests.unit.models.golden_case import Case
from tests.unit.models.golden_components import component_of


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["single", "double"])
def test_golden_cases_agree(golden: Path, dtype: torch.dtype, subtests: pytest.Subtests) -> None:
    paths = sorted((golden / "fusemoe").glob("*.json"))
    assert paths, f"no golden case in {golden / 'fusemoe'}"
    for path in paths:
        with subtests.test(path.stem):
            case = Case.load(path, dtype)
            component = component_of(case)
            if isinstance(component, str):
                pytest.skip(f"component {component} is not built")
            component(case)
            assert not case.mismatches, "\n".join(case.mismatches)
