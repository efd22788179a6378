"""The site, built once for the tests of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT


def build_site(source: Path, output: Path) -> subprocess.CompletedProcess[str]:
    """Build the site as `make docs` does: a warning is an error."""
    options = ["-W", "--keep-going", "-q", "-b", "html"]
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(source), str(output)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site."""
    output = tmp_path_factory.mktemp("site")
    done = build_site(ROOT / "docs", output)
    assert done.returncode == 0, done.stderr
    return output
