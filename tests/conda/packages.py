"""What a conda environment of the project holds, made of what is installed here.

No channel is asked: the distributions named by envs/*.yaml, and what these require, are taken from
the running environment, which a test holds to be of the same versions. Packages of conda-forge may
require more or less than those of PyPI; that cannot be seen here.
"""

from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = {file.stem: file for file in sorted((ROOT / "envs").glob("*.yaml"))}
# Names of conda-forge that are not PyPI's.
PYPI_NAME = {"pytorch": "torch"}


def read_environment(file: Path) -> dict[str, str]:
    """Return the version of each package of an environment, by PyPI's name; Python is one."""
    found: dict[str, str] = {}
    for item in yaml.safe_load(file.read_text(encoding="utf-8"))["dependencies"]:
        if isinstance(item, dict):
            found |= dict(line.split("==") for line in item["pip"])
        else:
            name, version = item.split("=", 1)
            found[PYPI_NAME.get(name, name)] = version
    return {canonicalize_name(name): version for name, version in found.items()}


def with_requirements(wanted: Iterable[str]) -> dict[str, Distribution]:
    """Return the installed distributions of `wanted`, such as "pandas" or "httpx[socks]", by name.

    What they require is among them, on this platform and for this Python.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If one is not installed.
    """
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(text) for text in wanted]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        # The distribution itself is the extra "".
        for extra in {"", *requirement.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, extra))
            found.setdefault(name, distribution(name))
            for text in found[name].requires or ():
                needed = Requirement(text)
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    waiting.append(needed)
    return found


def link(distributions: Iterable[Distribution], folder: Path) -> None:
    """Make `folder` a site-packages of symbolic links to the files of `distributions`.

    A folder that several distributions fill (a namespace package) comes whole with the first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for held in distributions:
        tops = {file.parts[0] for file in held.files or ()} - {"..", "__pycache__"}
        for top in tops:
            if not (folder / top).exists():
                (folder / top).symlink_to(Path(str(held.locate_file(top))))
