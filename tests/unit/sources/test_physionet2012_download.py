"""Downloads from a server on loopback: whole, resumed, refused, corrupted."""

import socket
from collections import Counter
from pathlib import Path

import pytest

from fleximodal.errors import FleximodalError
from fleximodal.io.manifest import sha256_of
from fleximodal.sources.physionet2012.canonical import write_canonical
from fleximodal.sources.physionet2012.download import RELEASE_CHECKSUMS, download_release
from fleximodal.sources.physionet2012.files import read_container
from fleximodal.sources.synthetic2012 import write_synthetic_release
from tests.unit.sources.range_server import Behaviour, serve
from tests.unit.sources.small_releases import tar_bytes

FILES = [f"Outcomes-{s}.txt" for s in "abc"] + [f"set-{s}.tar.gz" for s in "abc"]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mirror") / "release"
    write_synthetic_release(folder, stays_per_set=20, seed=5)
    return folder


@pytest.fixture(scope="module")
def checksums(mirror: Path) -> dict[str, str]:
    return {
        name: read_container(mirror / name).digest()
        if name.startswith("set")
        else sha256_of(mirror / name)
        for name in FILES
    }


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_whole_release_once_and_not_again(
    mirror: Path, checksums: dict[str, str], tmp_path: Path
) -> None:
    server = Behaviour(mirror)
    with serve(server) as url:
        download_release(url, tmp_path / "new" / "folder", checksums=checksums)
        assert content(tmp_path / "new" / "folder") == {
            name: (mirror / name).read_bytes() for name in FILES
        }
        assert Counter(server.requests) == Counter((name, None) for name in FILES)
        download_release(url.rstrip("/"), tmp_path / "new" / "folder", checksums=checksums)
        assert len(server.requests) == len(FILES)


def test_only_the_sets_asked_for(mirror: Path, checksums: dict[str, str], tmp_path: Path) -> None:
    with serve(Behaviour(mirror)) as url:
        download_release(url, tmp_path, sets=("b",), checksums=checksums)
    assert set(content(tmp_path)) == {"Outcomes-b.txt", "set-b.tar.gz"}


def test_same_records_in_another_container_are_accepted(
    mirror: Path, checksums: dict[str, str], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "Outcomes-a.txt").write_bytes((mirror / "Outcomes-a.txt").read_bytes())
    records = read_container(mirror / "set-a.tar.gz").contents
    members = {
        f"./elsewhere/{record}.txt": data for record, data in reversed(list(records.items()))
    }
    (other / "set-a.tar.gz").write_bytes(tar_bytes(members))
    with serve(Behaviour(other)) as url:
        download_release(url, tmp_path / "got", sets=("a",), checksums=checksums)
    assert (tmp_path / "got" / "set-a.tar.gz").exists()


def test_cut_connection_is_resumed_within_one_call(
    mirror: Path, checksums: dict[str, str], tmp_path: Path
) -> None:
    server = Behaviour(mirror, cut_after={"set-a.tar.gz": 5000})
    with serve(server) as url:
        download_release(url, tmp_path, sets=("a",), checksums=checksums, backoff=0)
    assert server.asked_for("set-a.tar.gz") == [None, "bytes=4096-"]
    assert (tmp_path / "set-a.tar.gz").read_bytes() == (mirror / "set-a.tar.gz").read_bytes()
    assert not list(tmp_path.glob("*.part"))


def test_cut_connection_is_resumed_by_the_next_call(
    mirror: Path, checksums: dict[str, str], tmp_path: Path
) -> None:
    server = Behaviour(mirror, cut_after={"set-a.tar.gz": 5000})
    with serve(server) as url:
        with pytest.raises(FleximodalError, match="could not be fetched in 1 attempts"):
            download_release(url, tmp_path, sets=("a",), checksums=checksums, attempts=1)
        assert (tmp_path / "set-a.tar.gz.part").stat().st_size == 4096
        assert not (tmp_path / "set-a.tar.gz").exists()
        download_release(url, tmp_path, sets=("a",), checksums=checksums, attempts=1)
    assert server.asked_for("set-a.tar.gz") == [None, "bytes=4096-"]
    assert len(server.asked_for("Outcomes-a.txt")) == 1
    assert (tmp_path / "set-a.tar.gz").read_bytes() == (mirror / "set-a.tar.gz").read_bytes()


def test_server_without_ranges_begins_anew(
    mirror: Path, checksums: dict[str, str], tmp_path: Path
) -> None:
    server = Behaviour(mirror, ranges=False, cut_after={"set-a.tar.gz": 5000})
    with serve(server) as url:
        download_release(url, tmp_path, sets=("a",), checksums=checksums, backoff=0)
    assert server.asked_for("set-a.tar.gz") == [None, "bytes=4096-"]
    assert (tmp_path / "set-a.tar.gz").read_bytes() == (mirror / "set-a.tar.gz").read_bytes()


def test_part_longer_than_the_file_is_fetched_anew(
    mirror: Path, checksums: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "Outcomes-a.txt.part").write_bytes(b"x" * 10**6)
    server = Behaviour(mirror)
    with serve(server) as url:
        download_release(url, tmp_path, sets=("a",), checksums=checksums, backoff=0)
    assert server.asked_for("Outcomes-a.txt") == ["bytes=1000000-", None]


def test_passing_failure_of_the_server_is_waited_for(
    mirror: Path, checksums: dict[str, str], tmp_path: Path
) -> None:
    server = Behaviour(mirror, failures=Counter({"set-a.tar.gz": 2}))
    with serve(server) as url:
        download_release(url, tmp_path, sets=("a",), checksums=checksums, backoff=0)
    assert len(server.asked_for("set-a.tar.gz")) == 3


def test_lasting_failure_of_the_server(
    mirror: Path, checksums: dict[str, str], tmp_path: Path
) -> None:
    server = Behaviour(mirror, failures=Counter({"Outcomes-a.txt": 9}))
    with serve(server) as url, pytest.raises(FleximodalError, match=r"3 attempts \(the server a"):
        download_release(url, tmp_path, checksums=checksums, attempts=3, backoff=0)
    assert len(server.asked_for("Outcomes-a.txt")) == 3


def test_missing_file_is_refused_at_once(
    mirror: Path, checksums: dict[str, str], tmp_path: Path
) -> None:
    server = Behaviour(tmp_path)
    with serve(server) as url, pytest.raises(FleximodalError) as caught:
        download_release(url, tmp_path / "got", checksums=checksums)
    assert str(caught.value) == (
        f"The server answered 404 to {url}Outcomes-a.txt; check the base address of the download."
    )
    assert len(server.requests) == 1
    assert content(tmp_path / "got") == {}


def test_no_server(checksums: dict[str, str], tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
        with pytest.raises(FleximodalError, match="check the network") as caught:
            download_release(url, tmp_path, checksums=checksums, attempts=2, backoff=0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["Outcomes-a.txt", "set-a.tar.gz"])
def test_corrupted_content_is_removed(
    mirror: Path, checksums: dict[str, str], tmp_path: Path, name: str
) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    for file in ("Outcomes-a.txt", "set-a.tar.gz"):
        data = bytearray((mirror / file).read_bytes())
        if file == name:
            data[len(data) // 2] ^= 0x01
        (bad / file).write_bytes(data)
    got = tmp_path / "got"
    with serve(Behaviour(bad)) as url, pytest.raises(FleximodalError, match="not the file of the"):
        download_release(url, got, sets=("a",), checksums=checksums)
    assert not (got / name).exists()
    assert not list(got.glob("*.part"))


def test_changed_record_in_a_sound_container_is_noticed(
    mirror: Path, checksums: dict[str, str], tmp_path: Path
) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "Outcomes-a.txt").write_bytes((mirror / "Outcomes-a.txt").read_bytes())
    records = dict(read_container(mirror / "set-a.tar.gz").contents)
    records[900001] = records[900001].replace(b"Age", b"age")
    members = {f"set-a/{record}.txt": data for record, data in records.items()}
    (bad / "set-a.tar.gz").write_bytes(tar_bytes(members))
    with serve(Behaviour(bad)) as url, pytest.raises(FleximodalError, match="set-a.tar.gz is not"):
        download_release(url, tmp_path / "got", sets=("a",), checksums=checksums)


def test_damaged_file_in_place_is_fetched_again(
    mirror: Path, checksums: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "set-a.tar.gz").write_bytes(b"damaged")
    with serve(Behaviour(mirror)) as url:
        download_release(url, tmp_path, sets=("a",), checksums=checksums)
    assert (tmp_path / "set-a.tar.gz").read_bytes() == (mirror / "set-a.tar.gz").read_bytes()


@pytest.mark.slow
def test_real_release_passes_the_recorded_checksums(real_release: Path, tmp_path: Path) -> None:
    server = Behaviour(real_release, cut_after={"set-b.tar.gz": 3_000_320})
    with serve(server) as url:
        download_release(url, tmp_path / "release", backoff=0)
    assert server.asked_for("set-b.tar.gz") == [None, "bytes=2998272-"]
    assert set(content(tmp_path / "release")) == set(RELEASE_CHECKSUMS)
    write_canonical(tmp_path / "release", tmp_path / "canonical", source="test", sets=("b",))
