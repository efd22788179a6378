"""Full disks, a second run in the same folder, read-only data, and folders with odd names."""

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from fleximodal.sources.hospital import write_hospital
from fleximodal.sources.synthetic2012 import write_synthetic_release
from fleximodal.sources.synthetic_adni import write_release
from tests.needs import need
from tests.workflow.conftest import CONFIG, ROOT, TABLE, Outcome, Project, make_project
from tests.workflow.faults import (
    OPTIONS,
    SNAKEMAKE,
    contents,
    digests,
    own_mounts,
    run_mounted,
    start,
    temporaries,
)

pytestmark = pytest.mark.slow

FULL = "could not be written, because there is no space left on its disk"
FREE = "free some, or set `pathvars: results` to a folder on a larger disk, and run snakemake again"
WRITERS = (
    "generated tar.gz and csv",
    "generated csv.gz, jpg and dat",
    "generated csv and plink",
    "parquet by polars",
    "parquet by streams and by pyarrow",
    "parquet of MIMIC-III",
    "safetensors through a map, ADNI",
    "safetensors through a map, encoder",
    "samples of ECGs through a map",
    "safetensors by numpy",
    "state of a training",
    "state of the autoencoder",
    "finished run",
    "json",
    "csv, md, tex and html",
    "figure",
)


def need_mounts() -> None:
    need(bool(own_mounts()), "nothing can be mounted here, neither as root nor by `unshare -rm`")


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return what every writer did on disks of a page, half of what it takes, and a page less."""
    need_mounts()
    module = "tests.workflow.faults_writers"
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    done = subprocess.run(
        [*own_mounts(), sys.executable, "-m", module, str(tmp_path_factory.mktemp("writers"))],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    # A writer that was killed, by SIGBUS for one, has told only that it began.
    assert done.returncode == 0, f"{done.returncode}: {found[-1:]}\n{done.stderr[-3000:]}"
    return [trial for trial in found if "begun" not in trial]


@pytest.mark.xdist_group("faults")
@pytest.mark.parametrize("writer", WRITERS)
def test_writer_on_a_full_disk(trials: list[dict[str, Any]], writer: str) -> None:
    own = [trial for trial in trials if trial["writer"] == writer]
    assert len(own) == 3
    for trial in own:
        told = f"{trial['pages']} of {trial['of']} pages: {trial['kind']} {trial['told']}"
        assert trial["kind"] == "DiskFull", told
        assert trial["told"].startswith("DISK/") and FULL in trial["told"], told
        assert trial["told"].endswith(FREE), told
        assert not trial["parts"], told
        assert not trial["wrong"], told


@pytest.mark.xdist_group("faults")
def test_every_writer_is_tried(trials: list[dict[str, Any]]) -> None:
    assert {trial["writer"] for trial in trials} == set(WRITERS)


FILL_AND_FREE = """
mkdir results
mount -t tmpfs tmpfs results
for size in $SIZES; do
    mount -o remount,size=$size results
    code=0
    "$@" > said-$size.txt 2>&1 || code=$?
    echo $code > code-$size.txt
    cp -a results left-$size
done
"""


@pytest.mark.xdist_group("graph")
def test_graph_on_a_full_disk_goes_on_once_there_is_space(
    project: Project, finished: Project
) -> None:
    """The disk is full in the extraction, then in the training, then large enough."""
    need_mounts()
    sizes = {"270k": "results/canonical/", "1400k": "results/(runs|state)/", "100m": ""}
    script = f"SIZES='{' '.join(sizes)}'\n{FILL_AND_FREE}"
    done = run_mounted(script, project.folder, *SNAKEMAKE, "all", *OPTIONS)
    assert done.returncode == 0, done.stderr
    right = digests(finished.folder / "results")
    for size, stage in sizes.items():
        said = (project.folder / f"said-{size}.txt").read_text()
        code = int((project.folder / f"code-{size}.txt").read_text())
        left = project.folder / f"left-{size}"
        assert not temporaries(left), size
        assert "Traceback" not in said, said
        if not stage:
            assert code == 0, said
            assert digests(left) == right
            continue
        assert code != 0, said
        errors = [line for line in said.splitlines() if "ERROR:" in line]
        assert errors and all(re.search(rf"ERROR: {stage}\S+ {FULL}", line) for line in errors), (
            said
        )
        assert digests(left).items() < right.items(), size


@pytest.mark.xdist_group("graph")
def test_second_run_in_the_folder_refuses(project: Project, finished: Project) -> None:
    target = "results/canonical/synthetic-physionet2012/counts.json"
    first = start(project, target)
    try:
        assert first.wait_for({"generate_physionet2012"}), first.text
        # It stands still, so that whatever changes meanwhile is the other's doing.
        first.send(signal.SIGSTOP)
        before = contents(project.folder / "results")
        second = project.run(target)
        assert contents(project.folder / "results") == before
    finally:
        first.send(signal.SIGCONT)
    assert second.code != 0
    assert "Directory cannot be locked" in second.text
    assert str(project.folder) in second.text
    assert "Traceback" not in second.text
    assert first.process.wait(timeout=300) == 0, first.text
    right = digests(finished.folder / "results").items()
    made = digests(project.folder / "results").items()
    assert made <= right
    assert any(name.startswith("canonical/") for name, _ in made)


@dataclass(frozen=True)
class Strange:
    """What a run did whose folders have odd names and whose data cannot be written to."""

    project: Project
    targets: list[str]
    said: str
    code: int
    changed: bool

    def again(self) -> Outcome:
        return self.project.run(*self.targets)


RESULTS = "Ergebnisse für später/数据"
READ_ONLY = """
mount --bind "$DATA" "$DATA"
mount -o remount,bind,ro "$DATA"
if touch "$DATA/written" 2> /dev/null; then echo "the data can be written to"; exit 99; fi
exec "$@"
"""


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Strange:
    """Real layouts of all sources, read-only, and a run with results in another folder."""
    need_mounts()
    base = tmp_path_factory.mktemp("strange") / "Größe ñ 数据"
    project = make_project(base / "mein Lauf")
    data = base / "données brutes"
    write_synthetic_release(data / "challenge 2012", stays_per_set=60, seed=1)
    write_hospital(data / "hôpital", stays=60, seed=1, image_pixels=32)
    write_release(data / "ADNI è", settings={"subjects": 120, "seed": 1, "variants": 600})
    mimic = data / "hôpital"
    sources = {
        "physionet2012": {"folder": str(data / "challenge 2012")},
        "mimic4": {
            "folder": str(mimic / "mimic-iv"),
            "note_folder": str(mimic / "mimic-iv-note"),
            "cxr_folder": str(mimic / "mimic-cxr-jpg"),
            "ecg_folder": str(mimic / "mimic-iv-ecg"),
        },
        "mimic3": {"folder": str(mimic / "mimic-iii")},
        "adni": {"folder": str(data / "ADNI è")},
    }
    config = {
        **CONFIG,
        "sources": sources,
        "pathvars": {"results": RESULTS},
        "encoders": {"ecg": {"max_records": 20, "batch_size": 16, "max_epochs": 1}},
    }
    project.write(config, tiny={**TABLE, "source": "physionet2012", "methods": ["HAIM", "Concat"]})
    targets = [
        f"{RESULTS}/tables/tiny.csv",
        f"{RESULTS}/cohorts/mimic4/48-IHM/leakage/patient/leakage.json",
        f"{RESULTS}/canonical/mimic3/counts.json",
        f"{RESULTS}/canonical/adni/counts.json",
    ]
    before = contents(data)
    script = f"DATA='{data}'\n{READ_ONLY}"
    done = run_mounted(script, project.folder, *SNAKEMAKE, *targets, *OPTIONS)
    said = done.stdout + done.stderr
    return Strange(project, targets, said, done.returncode, contents(data) != before)


@pytest.mark.xdist_group("faults")
def test_graph_runs_on_read_only_data_in_folders_with_odd_names(strange: Strange) -> None:
    assert strange.code == 0, strange.said
    folder = strange.project.folder
    for target in strange.targets:
        assert (folder / target).stat().st_size > 0
    table = (folder / RESULTS / "tables" / "tiny.csv").read_text()
    assert table.count("measured") >= 2
    assert not (folder / "results").exists()
    assert not temporaries(folder / RESULTS)


@pytest.mark.xdist_group("faults")
def test_raw_data_are_not_changed(strange: Strange) -> None:
    assert not strange.changed


@pytest.mark.xdist_group("faults")
def test_second_run_in_folders_with_odd_names_does_nothing(strange: Strange) -> None:
    outcome = strange.again()
    assert outcome.code == 0, outcome.text
    assert "Nothing to be done" in outcome.text
