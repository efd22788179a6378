"""Where tests find real data and golden arrays; what is absent is said and skipped."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _folder(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or ROOT / default).resolve()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real open data (environment variable FLEXIMODAL_DATA)."""
    folder = _folder("FLEXIMODAL_DATA", "../shared/data")
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} does not exist (set FLEXIMODAL_DATA)")
    return folder


@pytest.fixture(scope="session")
def real_release(real_data: Path) -> Path:
    """Return the folder of the real PhysioNet 2012 release."""
    folder = real_data / "physionet-challenge-2012"
    if not folder.is_dir():
        pytest.skip(f"no PhysioNet 2012 release: {folder} does not exist")
    return folder


@pytest.fixture(scope="session")
def golden() -> Path:
    """Return the folder of golden arrays (environment variable FLEXIMODAL_GOLDEN)."""
    folder = _folder("FLEXIMODAL_GOLDEN", "../shared/golden")
    if not folder.is_dir():
        pytest.skip(f"no golden arrays: {folder} does not exist (set FLEXIMODAL_GOLDEN)")
    return folder
