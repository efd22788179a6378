"""Shell commands of the documentation, checked without being run.

Of `snakemake` the options, configuration files, profiles and targets must exist; of `make` the
target; of `python benchmarks/...` the program; of `cp` what is copied. Of a few other programs it
is known why no test runs them. Everything else in a shell block is run, or its block says why not.
"""

import io
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from snakemake.cli import get_argument_parser
from snakemake.utils import update_config

from fleximodal.config.load import load_config
from fleximodal.config.schema import Config
from tests.docs.pages import ROOT

NOT_RUN = {
    "cd": "changes nothing",
    "source": "changes the reader's shell alone",
    "export": "changes the reader's shell alone",
    "git": "needs the network",
    "pip": "needs the network",
    "python3.11": "makes an environment",
    "nvidia-smi": "needs a GPU",
    "pgrep": "shows the reader's processes alone",
    "kill": "ends a process of the reader's",
    **dict.fromkeys(("sinfo", "squeue", "scancel", "sacct", "sbatch"), "needs a cluster"),
}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*")
_RULE = re.compile(r"^rule (\w+):", re.M)
_FOLDER = re.compile(r"<results>/(\w+)")
_DECLARED = re.compile(r"(tables|figures)/(\w+)\.\w+")
# What a rule writes for several declarations, or for none.
_UNDECLARED = {"cohort_flow", "convergence"}


def commands_of(text: str) -> Iterator[list[str]]:
    """Yield the words of each command, without assignments before it and comments."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words and _ASSIGNMENT.fullmatch(words[0]):
            words = words[1:]
        if words:
            yield words


def problem_of(words: list[str], saved: dict[str, str]) -> str | None:
    """Return what is wrong with a command, None if nothing is.

    Parameters
    ----------
    words
        The program and its arguments.
    saved
        Files that the page had the reader save, by path, with their text; a copy joins them.
    """
    program = Path(words[0]).name
    if program == "snakemake":
        return _problem_of_snakemake(words[1:], saved)
    if program == "make":
        return _unknown_target(words[1:])
    if program == "python" and words[1:2] and words[1].startswith("benchmarks/"):
        return None if (ROOT / words[1]).is_file() else f"there is no {words[1]}"
    if program == "cp":
        *_, source, target = words
        if not (ROOT / source).exists():
            return f"there is no {source}"
        saved[target] = ""
        return None
    if program in NOT_RUN:
        return None
    return f"a test cannot tell whether {program!r} works; mark the block as run or not run"


def _unknown_target(arguments: list[str]) -> str | None:
    known = re.findall(r"^([\w./]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    targets = [word for word in arguments if not _ASSIGNMENT.fullmatch(word)]
    unknown = [target for target in targets if target not in known]
    return f"the Makefile has no target {unknown[0]!r}" if unknown else None


def _problem_of_snakemake(arguments: list[str], saved: Mapping[str, str]) -> str | None:
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            given = _parser().parse_args(arguments)
    except (SystemExit, TypeError, ValueError) as error:
        words = said.getvalue().rsplit("error: ", 1)[-1].strip() or error
        return f"snakemake does not take these arguments ({words})"
    files = [str(file) for file in given.configfile or ()]
    for file in [*files, *(given.profile or ())]:
        if file not in saved and not (ROOT / file).exists():
            return f"there is no {file}"
    config = configuration(*(_text(file, saved) for file in files))
    problems = (_unknown_file(target, config, saved) for target in given.targets)
    return next(filter(None, problems), None)


def _unknown_file(target: str, config: Config, saved: Mapping[str, str]) -> str | None:
    """Return what is wrong with a target: a rule, or a file below the folder of results."""
    if target in _rules():
        return None
    folder = f"{config.pathvars.results}/"
    if not target.startswith(folder):
        return f"{target} is no rule and not in {folder}, where this configuration writes"
    path = target.removeprefix(folder)
    if path.split("/")[0].split(".")[0] not in _folders():
        return f"no rule writes {target}"
    declared = _DECLARED.fullmatch(path)
    if declared is None or declared[2] in _UNDECLARED:
        return None
    names = [f"config/{kind}/{declared[2]}.yaml" for kind in ("tables", "figures")]
    if any(name in saved or (ROOT / name).is_file() for name in names):
        return None
    return f"{target}: {declared[2]} is not declared in config/"


def configuration(*texts: str) -> Config:
    """Return the default configuration with others laid over it, checked against the schema."""
    merged: dict[str, Any] = yaml.safe_load(_text("config/config.yaml", {}))
    for text in texts:
        update_config(merged, yaml.safe_load(text))
    return load_config(merged)


def _text(file: str, saved: Mapping[str, str]) -> str:
    return saved[file] if file in saved else (ROOT / file).read_text(encoding="utf-8")


@cache
def _parser() -> Any:
    return get_argument_parser()


@cache
def _rule_files() -> str:
    files = [ROOT / "Snakefile", *sorted((ROOT / "rules").glob("*.smk"))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@cache
def _rules() -> set[str]:
    return set(_RULE.findall(_rule_files()))


@cache
def _folders() -> set[str]:
    return set(_FOLDER.findall(_rule_files()))
