"""A stand-in for conda, where no channel can be reached: not conda, but it answers Snakemake.

Its environments are real ones to Snakemake and to jobs: a folder with a Python of its own, which
sees the packages that the YAML file names, and what they require, and no others. The packages are
links to those installed here. Each environment also holds a witness (`watch.py`), which conda's
would not.

Usage, as Snakemake does it: conda info --json | --version | config --get channel_priority --json |
env create --file FILE --prefix FOLDER | clean.
"""

import argparse
import json
import os
import shutil
import sys
import venv
from pathlib import Path

from tests.conda.packages import link, read_environment, with_requirements

# Stands where `source PREFIX/bin/activate FOLDER` looks for it.
ACTIVATE = 'export CONDA_PREFIX="$1"\nexport PATH="$1/bin:$PATH"\n'


def install(base: Path, python: str, root: Path) -> Path:
    """Make `base` what Snakemake takes for an installation of conda; return its programs."""
    programs = base / "bin"
    programs.mkdir(parents=True)
    (programs / "activate").write_text(ACTIVATE)
    conda = programs / "conda"
    conda.write_text(
        f'#!/bin/sh\nPYTHONPATH="{root}" exec "{python}" -m tests.conda.standin "{base}" "$@"\n'
    )
    conda.chmod(0o755)
    return programs


def create(file: Path, prefix: Path) -> None:
    """Make an environment at `prefix` of what `file` names."""
    venv.create(prefix, symlinks=True, with_pip=False)
    site = prefix / "lib" / "python{}.{}".format(*sys.version_info) / "site-packages"
    named = set(read_environment(file)) - {"python"}
    link(with_requirements(named).values(), site)
    shutil.copy(Path(__file__).with_name("watch.py"), site / "sitecustomize.py")


def main() -> None:
    """Answer one command."""
    base, *words = sys.argv[1:]
    if words == ["--version"]:
        print("conda 24.11.3")
    elif words[0] == "info":
        print(json.dumps({"conda_prefix": base, "platform": "linux-64"}))
    elif words[0] == "config":
        print(json.dumps({"get": {"channel_priority": "strict"}}))
    elif words[:2] == ["env", "create"]:
        options = argparse.ArgumentParser()
        options.add_argument("--file", type=Path)
        options.add_argument("--prefix", type=Path)
        given, _ = options.parse_known_args(words[2:])
        create(given.file, given.prefix)
    elif words[0] != "clean":
        sys.exit(f"the stand-in for conda does not know: conda {' '.join(words)}")


if __name__ == "__main__":
    os.umask(0o022)
    main()
