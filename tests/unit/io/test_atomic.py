"""A failed writer leaves what was there before, and nothing else."""

import json
import math
from pathlib import Path

import pytest

from fleximodal.io.atomic import atomic_folder, atomic_path, write_json
from fleximodal.io.manifest import hash_of, write_manifest


def test_file_appears_only_when_the_block_succeeds(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "table.csv"
    with atomic_path(target) as temporary:
        assert temporary.suffix == ".csv"
        temporary.write_text("first")
        assert not target.exists()
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "first"
    assert list(target.parent.iterdir()) == [target]


def test_folder_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "cell"
    with atomic_folder(target) as temporary:
        (temporary / "old").write_text("1")
    with pytest.raises(RuntimeError), atomic_folder(target) as temporary:
        (temporary / "new").write_text("2")
        raise RuntimeError
    assert [path.name for path in target.iterdir()] == ["old"]
    with atomic_folder(target) as temporary:
        (temporary / "new").write_text("2")
    assert [path.name for path in target.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["cell"]


def test_result_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    usual = (tmp_path / "usual").stat().st_mode
    with atomic_path(tmp_path / "file") as temporary:
        temporary.touch(mode=0o600)
    with atomic_folder(tmp_path / "folder") as temporary:
        (temporary / "file").touch(mode=0o600)
    assert (tmp_path / "file").stat().st_mode == usual
    assert (tmp_path / "folder" / "file").stat().st_mode == usual


def test_json_refuses_what_is_not_a_number(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"a": math.nan})
    assert not list(tmp_path.iterdir())


def test_manifest_is_the_same_twice_and_names_its_inputs(tmp_path: Path) -> None:
    source = tmp_path / "input.txt"
    source.write_text("abc")
    texts = []
    for name in ("one", "two"):
        write_manifest(tmp_path / name, "rule", inputs=[source], rows={"t": 3}, settings={"k": 1})
        texts.append((tmp_path / name / "manifest.json").read_text())
    assert texts[0] == texts[1]
    # SHA-256 of "abc", FIPS 180-2, appendix B.1.
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert json.loads(texts[0])["inputs"] == {"input.txt": digest}


def test_hash_ignores_the_order_of_keys() -> None:
    assert hash_of({"a": 1, "b": 2}) == hash_of({"b": 2, "a": 1})
    assert hash_of({"a": 1}) != hash_of({"a": 2})
