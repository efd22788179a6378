"""What the crate says of the workflow itself: its files, rules and version."""

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleximodal import __version__
from fleximodal.errors import FleximodalError
from fleximodal.io.manifest import git_commit, sha256_of


@dataclass(frozen=True)
class Rule:
    """A rule: what it does, its script, and the YAML of its environment, by file name."""

    description: str
    script: str
    environment: str


@dataclass(frozen=True)
class Workflow:
    """A workflow as it was run.

    Attributes
    ----------
    root
        Folder of the Snakefile, as seen from where the graph runs.
    files
        The Snakefile first, then rules, scripts and environments.
    rules
        Rules by name.
    results
        Folder of results.
    engine
        Version of Snakemake.
    """

    root: str
    files: Sequence[str]
    rules: Mapping[str, Rule]
    results: str
    engine: str

    @property
    def own(self) -> str:
        """Folder of the project's declarations and published values."""
        return str(Path(self.root) / "config")

    def file(self, folder: str, name: str) -> str:
        """Return the file `name` of a folder of the workflow, as seen from where the graph runs.

        Raises
        ------
        FleximodalError
            If the workflow has no such file.
        """
        path = str(Path(self.root) / folder / name)
        if path not in self.files:
            raise FleximodalError(f"{path} is no file of this workflow; run snakemake again")
        return path

    def rule(self, name: str) -> Rule:
        """Return a rule by name.

        Raises
        ------
        FleximodalError
            If the workflow has no such rule, because results are older than it.
        """
        if name not in self.rules:
            raise FleximodalError(
                f"there are results of a rule {name}, which this workflow does not have; "
                "run snakemake again with --forceall"
            )
        return self.rules[name]


def files_of(folder: Path | str) -> dict[str, str]:
    """Return the files of a workflow, the Snakefile first, with their SHA-256."""
    patterns = ("Snakefile", "rules/*.smk", "workflow/scripts/*.py", "envs/*.yaml")
    found = [path for pattern in patterns for path in sorted(Path(folder).glob(pattern))]
    return {os.path.relpath(path): sha256_of(path) for path in found}


def facts_of(rules: Iterable[Any]) -> dict[str, list[str]]:
    """Return of each of Snakemake's rules that runs a script what makes a `Rule`."""
    return {
        rule.name: [rule.docstring, Path(rule.script).name, Path(rule.conda_env).name]
        for rule in rules
        if rule.script
    }


def version() -> str:
    """Return the package's version with the commit, and whether files differ from it."""
    commit = git_commit()
    if commit is None:
        return __version__
    changed = subprocess.run(
        ["git", "-C", str(Path(__file__).parent), "diff", "--quiet", "HEAD"], check=False
    )
    edited = ", with uncommitted changes" if changed.returncode else ""
    return f"{__version__}, commit {commit}{edited}"
