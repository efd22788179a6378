"""Fixtures of the sources' tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.sources.small_releases import record_text, write_set


@pytest.fixture
def one_record(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of a release whose set a holds record 1 with the given rows."""

    def write(*rows: str, text: str | None = None) -> Path:
        content = record_text(1, rows) if text is None else text
        return write_set(tmp_path / "release", {1: content})

    return write
