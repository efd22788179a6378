"""The graph with --use-conda: each job in its environment, the same results, nothing rerun.

No channel of conda can be reached where the tests run, so a stand-in makes the environments out of
what is installed (tests/conda). What is tested is this project's part: that each rule names an
environment which suffices, and that nothing else depends on how software is made available. That
the channels have these versions is not tested.
"""

import json
import os
import sys
from collections.abc import Iterator

import pytest

from tests.conda.standin import install
from tests.workflow.conftest import CONFIG, ROOT, TABLE, Project, make_project
from tests.workflow.faults import digests

# Shares the run without conda with the other tests of the small graph.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("graph")]

TARGET = "results/tables/tiny.csv"
# Tables hold times of their run; manifests say whether the package lies in a git checkout.
UNLIKE = ("tables/", "manifest.json")


@pytest.fixture(scope="module")
def conda(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Put the stand-in before any conda that may be there."""
    programs = install(tmp_path_factory.mktemp("conda") / "base", sys.executable, ROOT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
        yield


@pytest.fixture(scope="module")
def ran(conda: None, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose table was made with --use-conda; tests must not change it."""
    project = make_project(tmp_path_factory.mktemp("with") / "project")
    project.write(CONFIG, tiny=TABLE)
    outcome = project.run(TARGET, "--use-conda")
    assert outcome.code == 0, outcome.text
    return project


def results_of(project: Project) -> dict[str, str]:
    found = digests(project.folder / "results")
    return {path: digest for path, digest in found.items() if not any(u in path for u in UNLIKE)}


def test_each_job_takes_packages_from_its_environment_alone(ran: Project) -> None:
    environments = (ran.folder / ".snakemake" / "conda").glob("*/lib/python*/site-packages")
    jobs = [json.loads(file.read_text()) for site in environments for file in site.glob("taken/*")]
    assert len(jobs) == len(list((ran.folder / "logs").rglob("*.log")))
    # Snakemake's own modules make the object `snakemake` of a script.
    taken = {
        job["script"]: [name for name in job["taken"] if "snakemake" not in name] for job in jobs
    }
    assert taken == dict.fromkeys(taken, [])


def test_results_are_those_without_conda(ran: Project, finished: Project) -> None:
    with_conda, without = results_of(ran), results_of(finished)
    assert sum(path.endswith("predictions.parquet") for path in with_conda) == 3
    assert with_conda == {path: without.get(path) for path in with_conda}


def test_taking_conda_up_or_leaving_it_reruns_nothing(
    ran: Project, finished: Project, conda: None
) -> None:
    assert ran.jobs(TARGET) == {}
    assert finished.jobs(TARGET, "--use-conda") == {}
