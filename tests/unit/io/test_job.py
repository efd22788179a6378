"""The door of a job: damaged inputs stay outside, whole outputs leave sealed and recorded."""

import errno
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleximodal import __version__
from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import atomic_folder, write_json, write_text
from fleximodal.io.disk_full import DiskFull
from fleximodal.io.job import check_inputs, job
from fleximodal.io.job_record import imported_packages, read_job_record, record_path
from fleximodal.io.log import LOGGER
from fleximodal.io.manifest import hashed_once, sha256_of
from fleximodal.io.seal import check, read_seal
from tests.unit.io.small_job import SmallJob, small_job


@pytest.fixture(autouse=True)
def logging_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    before = list(LOGGER.handlers)
    yield
    for handler in set(LOGGER.handlers) - set(before):
        LOGGER.removeHandler(handler)
        handler.close()


@pytest.fixture
def smk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallJob:
    """A job that reads a raw file and writes two files into folders of their own."""
    monkeypatch.chdir(tmp_path)
    Path("raw.csv").write_text("1\n")
    outputs = {"run": Path("results/cell/run.json"), "claims": Path("results/claims/run.json")}
    return small_job(tmp_path, {"raw": Path("raw.csv")}, outputs)


def write(smk: SmallJob) -> None:
    """Write the outputs, and beside them what no rule declares."""
    with job(smk):
        with atomic_folder(Path(smk.output[0]).parent) as folder:
            write_json(folder / "run.json", {"a": 1})
            write_json(folder / "manifest.json", {"b": 2})
            (folder / "checkpoints").mkdir()
            (folder / "checkpoints" / "a.bin").write_bytes(b"weights")
        write_text(smk.output[1], "{}\n")
        write_text("results/state/key.json", "{}\n")


def test_every_file_of_the_job_is_sealed_and_nothing_else(smk: SmallJob) -> None:
    write(smk)
    names = {str(path) for path in Path("results").rglob("*") if path.is_file()}
    shown = {name for name in names if "/." not in name}
    cell = "results/cell"
    assert names - shown == {
        f"{cell}/.run.json.job.json",
        f"{cell}/.run.json.seal.json",
        f"{cell}/.manifest.json.seal.json",
        f"{cell}/checkpoints/.a.bin.seal.json",
        "results/claims/.run.json.seal.json",
    }
    for name in shown - {"results/state/key.json"}:
        found = check(name)
        assert found is not None and found.sha256 == sha256_of(name), name


def test_the_record_tells_what_the_job_had_to_do_with(smk: SmallJob) -> None:
    write(smk)
    record = read_job_record("results/claims/run.json")
    assert record == read_job_record("results/cell/checkpoints/a.bin")
    assert record is not None
    assert record["rule"] == "copy_numbers"
    assert record["wildcards"] == {"source": "small"}
    assert record["inputs"] == {"raw.csv": sha256_of("raw.csv")}
    assert record["outputs"] == {name: sha256_of(name) for name in smk.output}
    assert set(record["beside"]) == {
        "results/cell/manifest.json",
        "results/cell/checkpoints/a.bin",
    }
    assert record["params"] == {"settings": {"seed": 1}}
    assert (record["code"], record["version"], record["threads"]) == ("abc", __version__, 2)
    assert record["environment"]["python"].startswith("3.11.")
    assert record["environment"]["packages"]["pytest"] == pytest.__version__
    assert record["environment"]["conda"] is None
    assert record["seconds"] > 0 and record["started"].endswith("+00:00")


def test_distributions_are_found_under_the_names_of_their_modules() -> None:
    import PIL
    import sklearn
    import yaml

    found = imported_packages()
    assert found["pillow"] == PIL.__version__
    assert found["scikit-learn"] == sklearn.__version__
    assert found["pyyaml"] == yaml.__version__


def reader(folder: Path, name: str) -> SmallJob:
    return small_job(folder, {"run": Path(name)}, {"csv": Path("results/tables/t.csv")})


@pytest.mark.parametrize(
    "damaged",
    ["run.json", ".run.json.seal.json", ".run.json.job.json", "manifest.json"],
)
def test_a_job_does_not_begin_on_damaged_inputs(
    smk: SmallJob, tmp_path: Path, damaged: str
) -> None:
    """Nor on a damaged file that the same job wrote beside its input, nor a damaged record."""
    write(smk)
    file = Path("results/cell", damaged)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    begun = False
    name = damaged.replace(".", r"\.")
    with pytest.raises(FleximodalError, match=name), job(reader(tmp_path, "results/cell/run.json")):
        begun = True
    assert not begun


def test_what_lies_deeper_is_left_to_its_reader(smk: SmallJob) -> None:
    write(smk)
    file = Path("results/cell/checkpoints/a.bin")
    file.write_bytes(b"Weights")
    check_inputs(["results/cell/run.json"])
    with pytest.raises(FleximodalError, match=r"a\.bin is not what its job wrote"):
        check(file)


def test_a_file_that_is_gone_is_missed(smk: SmallJob) -> None:
    write(smk)
    Path("results/cell/manifest.json").unlink()
    with pytest.raises(FleximodalError, match=r"manifest\.json is gone"):
        check_inputs(["results/cell/run.json"])


def test_inputs_are_found_from_another_folder(
    smk: SmallJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(smk)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    check_inputs(["../results/cell/run.json", "../results/claims/run.json"])
    Path("../results/cell/manifest.json").unlink()
    check_inputs(["../results/claims/run.json"])
    with pytest.raises(FleximodalError, match=r"manifest\.json is gone"):
        check_inputs(["../results/cell/run.json"])


def test_a_failed_job_leaves_no_seal(smk: SmallJob) -> None:
    write(smk)
    with pytest.raises(RuntimeError), job(smk):
        assert read_seal(smk.output[0]) is None
        write_text(smk.output[0], "new\n")
        raise RuntimeError
    assert read_seal(smk.output[0]) is None
    assert not record_path(Path(smk.output[0])).exists()


def test_halves_of_a_killed_job_are_removed(smk: SmallJob) -> None:
    halves = [Path("results/cell/.run.123.part.json"), Path("results/.cell.123.part/run.json")]
    others = [Path("results/cell/.run.b.123.part.json"), Path("results/cell/.run.json.bak")]
    for path in (*halves, *others):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with job(smk):
        for path in smk.output:
            write_text(path, "{}\n")
    assert not any(path.exists() for path in halves)
    assert all(path.exists() for path in others)


def test_folders_are_inputs_and_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    raw = {"a": Path("raw/a"), "b": Path("raw/b"), "truth": Path("raw/truth.json")}
    with job(small_job(tmp_path, {}, raw)):
        for folder in (raw["a"], raw["b"]):
            write_text(folder / "deep" / "x.csv", f"{folder}\n")
        write_json(raw["truth"], {})
    assert not list(Path("raw").rglob("deep/.*"))
    check_inputs(["raw/a"])
    Path("raw/b/deep/x.csv").write_text("?")
    # Whoever reads folder b has it as an input.
    check_inputs(["raw/a"])
    with pytest.raises(FleximodalError, match="raw/b is not what its job wrote"):
        check_inputs(["raw/b"])


def test_a_full_disk_is_one_sentence(smk: SmallJob, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DiskFull, match="no space left") as error, job(smk):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert "results/cell could not be written" in str(error.value)
    sys.excepthook(type(error.value), error.value, None)
    said = capsys.readouterr().err
    assert "ERROR: results/cell could not be written" in said and "Traceback" not in said
    assert Path(smk.log[0]).read_text().count("\n") == 1


def test_a_log_on_a_full_disk_does_not_hide_the_message(
    smk: SmallJob, capsys: pytest.CaptureFixture[str]
) -> None:
    smk.log[0] = "/dev/full"
    with job(smk) as log:
        for path in smk.output:
            write_text(path, "{}\n")
        log.info("half way")
    said = capsys.readouterr().err
    assert "half way" in said and "Traceback" not in said
    for handler in LOGGER.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.stream = None  # type: ignore[assignment]


def test_a_file_is_hashed_once_in_a_job_unless_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(b"first")
    read: list[int] = []
    digest = __import__("hashlib").file_digest

    def counted(file: object, name: str) -> object:
        read.append(1)
        return digest(file, name)

    monkeypatch.setattr("fleximodal.io.manifest.hashlib.file_digest", counted)
    with hashed_once():
        first = sha256_of(path)
        assert sha256_of(str(path)) == first and len(read) == 1
        path.write_bytes(b"longer than before")
        assert sha256_of(path) != first and len(read) == 2
    sha256_of(path)
    sha256_of(path)
    assert len(read) == 4
