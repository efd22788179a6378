"""Bad files of ADNI: one sentence each, nothing half written, no cell of a row in it."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from fleximodal.errors import FleximodalError
from fleximodal.sources.adni.canonical import write_canonical
from fleximodal.sources.adni.preparation import SETS, Preparation
from tests.unit.sources.small_adni import ptid, write_chain, write_small

MASK = "image/BLSA_SPGR+MPRAGE_averagetemplate_muse_seg_DS222.nii.gz"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return write_small(tmp_path / "raw")


def _error(raw: Path, preparation: Preparation | None = None) -> str:
    output = raw.parent / "canonical"
    with pytest.raises(FleximodalError) as caught:
        write_canonical(
            raw, output, source="adni", preparation=preparation or Preparation(prune_r2=1)
        )
    assert not output.exists() and not list(output.parent.glob(".*"))
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message
    assert not re.search(r"secret|\d_S_000[2-9]", message.replace(str(raw), ""))
    return message


def _replace(raw: Path, name: str, old: str, new: str, count: int = 1) -> None:
    (path,) = raw.glob(f"{name}_*.csv")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, count))


@pytest.mark.parametrize(
    ("table", "old", "new", "expected"),
    [
        (
            "diagnosis/DXSUM_PDXCONV",
            f'"{ptid(2)}","2","2010-01-01 00:00:00","2"',
            f'"{ptid(2)}","2","2010-01-01 00:00:00","4"',
            "DXSUM_PDXCONV_09May2024.csv, row 3 below the header, has a DIAGNOSIS that is none of",
        ),
        (
            "diagnosis/DXSUM_PDXCONV",
            f'"{ptid(3)}"',
            '"003-S-secret"',
            "row 4 below the header, has",
        ),
        ("diagnosis/DXSUM_PDXCONV", f'"{ptid(3)}"', '""', "has a PTID that is not of the form"),
        (
            "clinical/VITALS",
            f'"{ptid(4)}","4"',
            f'"{ptid(4)}","5"',
            "row 5 below the header, has a RID",
        ),
        (
            "clinical/PTDEMOG",
            "2010-01-01 00:00:00",
            "secret",
            "row 1 below the header, has an UPDATE",
        ),
        ("clinical/MEDHIST", '"PTID"', '"PTIDENT"', "lacks the column PTID"),
        ("clinical/MEDHIST", '"update_stamp"', '"stamped"', "lacks the column UPDATE_STAMP"),
        ("clinical/MEDHIST", '"MHSMOK"', '"mhdrink"', "has the column MHDRINK twice"),
        (
            "clinical/VITALS",
            '"70"',
            '"70","secret"',
            "has 11 names in its header but a row with 12 fields",
        ),
        (
            "biospecimen/UPENNBIOMK_ROCHE_ELECSYS",
            '"9","2011',
            '"x","2011',
            "row 3 below the header",
        ),
        ("biospecimen/UPENNBIOMK_ROCHE_ELECSYS", '"PHASE"', '"P"', "lacks the column PHASE"),
        ("biospecimen/APOERES", '"APGEN2"', '"GEN"', "has neither APGEN1 and APGEN2 nor GENOTYPE"),
        ("image/UCSFFSX7", '"10.5"', '"secret"', "row 1 below the header, has a ST13CV that is no"),
        ("image/UCSFFSX7", '"EXAMDATE"', '"DAY"', "lacks the column EXAMDATE"),
        ("image/UCSFFSX7", f'"{ptid(7)}"', '"7"', "row 5 below the header, has a PTID"),
    ],
)
def test_a_bad_cell_or_column_is_named(
    raw: Path, table: str, old: str, new: str, expected: str
) -> None:
    _replace(raw, table, old, new)
    assert expected in _error(raw)


@pytest.mark.parametrize(
    "table",
    [
        "diagnosis/DXSUM_PDXCONV",
        "clinical/NEUROEXM",
        "biospecimen/APOERES",
        "biospecimen/UPENNBIOMK_ROCHE_ELECSYS",
        "image/UCSFFSX7",
    ],
)
def test_an_empty_or_absent_or_doubled_table_is_named(raw: Path, table: str) -> None:
    (path,) = raw.glob(f"{table}_*.csv")
    text = path.read_text()
    path.write_text(text.partition("\n")[0] + "\n")
    assert f"{path.name} has a header but no row" in _error(raw)
    path.write_text("")
    assert f"{path.name} is empty" in _error(raw)
    path.write_text(text)
    again = path.with_name(f"{path.stem[:-9]}10May2024.csv")
    again.write_text(text)
    assert f"more than one file {Path(table).name}_*.csv" in _error(raw)
    again.unlink()
    path.unlink()
    assert f"holds no file {Path(table).name}_*.csv" in _error(raw)


def test_folders_that_are_not_there_are_named(raw: Path) -> None:
    assert "folder" in _error(raw / "nowhere") and "diagnosis/" in _error(raw / "nowhere")
    (raw / "clinical").rename(raw / "forms")
    assert "clinical holds no file MEDHIST_*.csv" in _error(raw)


def test_a_genotype_that_is_none_is_named(raw: Path) -> None:
    _replace(raw, "biospecimen/APOERES", "APGEN1", "GENOTYPE")
    assert "row 1 below the header, has a GENOTYPE that is not of the form 3/4" in _error(raw)


def test_nobody_with_one_diagnosis(raw: Path) -> None:
    (path,) = (raw / "diagnosis").iterdir()
    head, *_ = lines = path.read_text().splitlines(keepends=True)
    converter = [line for line in lines if ptid(5) in line]
    path.write_text("".join([head, *converter]))
    assert "no subject has one diagnosis at all visits" in _error(raw)


def _genomic(raw: Path, suffix: str, stem: str = SETS[0]) -> Path:
    return raw / "genomic" / f"{stem}{suffix}"


def _shorten(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def _first_line(path: Path, old: str, new: str) -> None:
    head, *rest = path.read_text().splitlines(keepends=True)
    path.write_text("".join([head.replace(old, new), *rest]))


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (
            lambda raw: _shorten(_genomic(raw, ".bim")),
            r"\.bed has 9 bytes, but the 2 variants of .*\.bim and the 5 individuals of .* need 7",
        ),
        (
            lambda raw: [_shorten(_genomic(raw, ".fam")) for _ in range(2)],
            r"\.bed has 9 bytes, but the 3 variants of .*\.bim and the 3 individuals of .* need 6",
        ),
        (lambda raw: _genomic(raw, ".bed").write_bytes(b"\x6c\x1b\x00"), "no variant-major .bed"),
        (lambda raw: _genomic(raw, ".fam").unlink(), r"\.fam does not exist; a set needs"),
        (lambda raw: _genomic(raw, ".bed").unlink(), r"\.bed does not exist; a set needs"),
        (lambda raw: _genomic(raw, ".bim").write_text(""), r"\.bim is empty"),
        (
            lambda raw: _first_line(_genomic(raw, ".bim"), "\t0\t", "\t"),
            r"line 1 has not 6 columns",
        ),
        (lambda raw: _first_line(_genomic(raw, ".bim"), "\t100\t", "\tx\t"), "no number"),
        (
            lambda raw: _first_line(_genomic(raw, ".fam"), "_S_", "-S-"),
            r"\.fam, row 1 .* individual",
        ),
        (
            lambda raw: _first_line(_genomic(raw, ".fam"), ptid(4), ptid(1)),
            "names an individual that another row names",
        ),
        (
            lambda raw: _genomic(raw, ".bim").write_bytes(b"1\trs\xff\t0\t1\tA\tC\n"),
            r"\.bim is no text",
        ),
        (lambda raw: next((raw / "genomic").glob("*.chain.gz")).unlink(), "hg18ToHg38"),
        (
            lambda raw: next((raw / "genomic").glob("*.chain.gz")).write_bytes(b"no"),
            "is damaged or no chain file",
        ),
        (
            lambda raw: next((raw / "genomic").glob("*.chain.gz")).write_bytes(gzip.compress(b"#")),
            "is damaged or no chain file",
        ),
        (
            lambda raw: write_chain(raw / "genomic", "9 chr9 100 + 0 100 chr9 100 + 0 100"),
            "leave no variant after filtering",
        ),
        (lambda raw: [file.unlink() for file in (raw / "genomic").iterdir()], "holds no .bed file"),
    ],
)
def test_bad_genotypes_are_named(
    raw: Path, damage: Callable[[Path], object], expected: str
) -> None:
    damage(raw)
    assert re.search(expected, _error(raw))


def test_excluding_who_is_not_there_is_an_error(raw: Path) -> None:
    message = _error(raw, Preparation(excluded_samples=[ptid(3)]))
    assert f"{SETS[0]}.fam lacks 1 of the individuals to be left out" in message
    for suffix in (".bed", ".bim", ".fam"):
        _genomic(raw, suffix).unlink()
    message = _error(raw, Preparation(excluded_samples=[ptid(3)]))
    assert f"holds no set {SETS[0]}" in message


def _save_mask(raw: Path, labels: np.ndarray) -> None:
    nibabel.save(nibabel.Nifti1Image(labels.astype(np.int16), np.eye(4)), raw / MASK)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (
            lambda raw: _save_mask(raw, np.full((2, 2, 2), 150)),
            "has 8 voxels of label 150, but ADNI_G.npy 3 columns",
        ),
        (lambda raw: _save_mask(raw, np.full((3, 1), 150)), "has 2 dimensions instead of 3"),
        (lambda raw: _save_mask(raw, np.full((3, 1, 1, 2), 150)), "has 4 dimensions instead of 3"),
        (lambda raw: (raw / MASK).write_bytes(b"no"), "is damaged or no NIfTI file"),
        (lambda raw: (raw / MASK).unlink(), "image holds no file"),
        (
            lambda raw: np.save(raw / "image/ADNI_G.npy", np.ones((4, 3))),
            "ADNI_G.npy has 4 rows, but ADNI_subj.txt 3 lines",
        ),
        (lambda raw: np.save(raw / "image/ADNI_G.npy", np.ones(3)), "has 1 dimensions of float64"),
        (lambda raw: (raw / "image/ADNI_G.npy").write_bytes(b"no"), "is damaged or no array"),
        (
            lambda raw: _first_line(raw / "image/ADNI_subj.txt", "_S_", "_T_"),
            "ADNI_subj.txt, line 1 is not of the form",
        ),
        (
            lambda raw: _first_line(raw / "image/ADNI_subj.txt", "_2010-01-01", "_secret"),
            "ADNI_subj.txt, line 1 is not of the form",
        ),
        (
            lambda raw: _first_line(raw / "image/ADNI_subj.txt", "_2010-01-01", ""),
            "ADNI_subj.txt, line 1 is not of the form",
        ),
        (lambda raw: (raw / "image/ADNI_subj.txt").write_text("\n"), "ADNI_subj.txt is empty"),
        (
            lambda raw: np.save(raw / "image/ADNI_G.npy", np.zeros((3, 3))),
            "image leaves no subject",
        ),
    ],
)
def test_bad_volumes_are_named(raw: Path, damage: Callable[[Path], object], expected: str) -> None:
    damage(raw)
    assert expected in _error(raw, Preparation(prune_r2=1, image_source="ravens"))


def test_a_mask_of_another_shape_will_do_if_its_voxels_are_as_many(raw: Path) -> None:
    labels = np.zeros((5, 4, 1))
    labels[:3, 0, 0] = 150
    _save_mask(raw, labels)
    output = raw.parent / "canonical"
    preparation = Preparation(prune_r2=1, image_source="ravens")
    write_canonical(raw, output, source="adni", preparation=preparation)
    assert (
        '"shape": [\n        5,\n        1,\n        4\n      ]'
        in (output / "modalities.json").read_text()
    )
