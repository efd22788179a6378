"""Genotypes of ADNI: PLINK files, lifting, merging sets, dosages, against plain references."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from bed_reader import to_bed

from fleximodal.sources.adni.genomic import Dosages, read_genomic
from fleximodal.sources.adni.liftover import lift
from fleximodal.sources.adni.plink import read_sets
from fleximodal.sources.adni.preparation import SETS, Preparation
from tests.unit.sources.small_adni import Row, ptid, variant, write_chain, write_set

COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A"}
IDENTITY = "1000 chr1 10000 + 0 10000 chr1 10000 + 0 10000"


def _unpruned(**chosen: object) -> Preparation:
    builds = {name: "hg38" for name in SETS}
    return Preparation(**({"genome_builds": builds, "prune_r2": 1} | chosen))  # type: ignore[arg-type]


def _read(folder: Path, preparation: Preparation | None = None) -> tuple[Dosages, dict]:
    """Return the result, and the dosages by (individual, variant)."""
    work = folder.parent / "work"
    work.mkdir(exist_ok=True)
    found = read_genomic(folder, work, preparation or _unpruned())
    matrix = np.full((len(found.stay_id), len(found.names)), 99, np.int8)
    found.fill(matrix)
    cells = {
        (rid, name): int(matrix[row, column])
        for row, rid in enumerate(found.stay_id.tolist())
        for column, name in enumerate(found.names)
    }
    return found, cells


def _vary(rows: int, people: int, seed: int = 0) -> np.ndarray:
    """Return dosages in which every variant varies."""
    dosages = np.random.default_rng(seed).integers(-1, 3, (rows, people))
    dosages[:, 0], dosages[:, 1] = 0, 2
    return dosages


def test_a_set_is_read_as_another_writer_wrote_it(tmp_path: Path) -> None:
    dosages = _vary(13, 7)
    variants = [variant(f"rs{n}", n + 1) for n in range(13)]
    ours = write_set(tmp_path / "ours", "one", range(1, 8), variants, dosages)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    to_bed(
        theirs / "one.bed",
        np.where(dosages.T < 0, np.nan, dosages.T),
        properties={
            "iid": [ptid(rid) for rid in range(1, 8)],
            "sid": [f"rs{n}" for n in range(13)],
            "chromosome": ["1"] * 13,
            "bp_position": list(range(1, 14)),
            "allele_1": ["A"] * 13,
            "allele_2": ["G"] * 13,
        },
    )
    assert ours.read_bytes() == (theirs / "one.bed").read_bytes()
    for folder in (ours.parent, theirs):
        (found,) = read_sets(folder, ())
        assert found.stay_id.tolist() == list(range(1, 8))
        index = np.array([12, 3, 4])
        ((part, read),) = found.blocks(index)
        np.testing.assert_array_equal(read, dosages[index])
        assert part.start == 0 and read.dtype == np.int8


def test_filtering_variants_keeps_the_bed_aligned(tmp_path: Path) -> None:
    variants = [
        variant("rs1", 10),
        variant("rs2", 20, "ID"),
        variant("rs3", 30, "0A"),
        variant("rs4", 40, chromosome=0),
        variant("rs5", 50, chromosome=26),
        variant("rs6", 60, chromosome="X"),
        variant("rs1", 70),
        variant(".", 80),
        variant("rs9", 90, chromosome=22),
        variant("rs10", 5, chromosome=24),
        variant("rs11", 5, chromosome="chr2"),
        variant("rs12", 5, "CC"),
    ]
    dosages = _vary(len(variants), 5)
    write_set(tmp_path / "genomic", SETS[0], range(1, 6), variants, dosages)
    found, cells = _read(tmp_path / "genomic")
    assert found.names == ["rs1", "rs11", "rs9", "rs6", "rs10"]
    for name, row in {"rs1": 0, "rs11": 10, "rs9": 8, "rs6": 5, "rs10": 9}.items():
        assert [cells[rid, name] for rid in range(1, 6)] == dosages[row].tolist()
    counts = found.counts["sets"][SETS[0]]
    assert counts["variants"] == 12
    assert counts["other_alleles"] == 3
    assert counts["other_chromosomes"] == 2
    assert counts["repeated"] == counts["nameless"] == 1


@pytest.mark.parametrize("seed", range(4))
def test_merging_agrees_with_a_loop_over_genotypes(tmp_path: Path, seed: int) -> None:
    """Three sets name the same alleles in other orders and on the other strand."""
    generator = np.random.default_rng(seed)
    truth = {}
    for number in range(40):
        one, two = generator.choice(list("ACGT"), 2, replace=False)
        truth[f"rs{number}"] = (str(one), str(two))
    expected: dict[tuple[int, str], int] = {}
    first: dict[str, tuple[str, str]] = {}
    conflicting = set()
    for stem in SETS[:3]:
        names = [name for name in truth if generator.random() < 0.7]
        people = generator.permutation(12)[:8] + 1
        variants: list[Row] = []
        dosages = _vary(len(names), len(people), int(generator.integers(1000)))
        for row, name in enumerate(names):
            alleles = truth[name]
            if generator.random() < 0.5:
                alleles = alleles[::-1]
            if generator.random() < 0.5:
                alleles = tuple(COMPLEMENT[base] for base in alleles)
            if generator.random() < 0.1:
                alleles = (alleles[0], alleles[0] if alleles[1] == "A" else "A")
                alleles = alleles if alleles[0] != alleles[1] else (alleles[0], "C")
                alleles = alleles if alleles[0] != alleles[1] else (alleles[0], "G")
            variants.append(variant(name, 10 + int(name[2:]), "".join(alleles)))
            known = first.setdefault(name, alleles)
            turned = tuple(COMPLEMENT[base] for base in alleles)
            if alleles == known:
                swap = False
            elif alleles[::-1] == known:
                swap = True
            elif turned == known:
                swap = False
            elif turned[::-1] == known:
                swap = True
            else:
                conflicting.add(name)
                continue
            for column, rid in enumerate(people.tolist()):
                dosage = int(dosages[row, column])
                dosage = 2 - dosage if swap and dosage >= 0 else dosage
                if expected.get((rid, name), -1) < 0:
                    expected[rid, name] = dosage
        write_set(tmp_path / "genomic", stem, people.tolist(), variants, dosages)
    found, cells = _read(tmp_path / "genomic")
    assert conflicting
    assert found.counts["conflicting"] == len(conflicting)
    assert set(found.names) == set(first) - conflicting
    for key, dosage in cells.items():
        assert dosage == expected.get(key, -1), key


def test_an_individual_of_two_sets_has_the_first_known_genotype(tmp_path: Path) -> None:
    folder = tmp_path / "genomic"
    one = [variant("rs1", 1), variant("rs2", 2)]
    write_set(folder, SETS[1], (5, 6), [one[1], one[0]], np.array([[0, 1], [1, 0]]))
    write_set(folder, SETS[0], (5, 7), one, np.array([[2, 0], [-1, 1]]))
    _, cells = _read(folder)
    assert cells == {
        (5, "rs1"): 2,
        (6, "rs1"): 0,
        (7, "rs1"): 0,
        (5, "rs2"): 0,
        (6, "rs2"): 1,
        (7, "rs2"): 1,
    }


def test_excluded_individuals_are_left_out_of_the_first_set_alone(tmp_path: Path) -> None:
    folder = tmp_path / "genomic"
    write_set(folder, SETS[0], (1, 2, 3), [variant("rs1", 1)], np.array([[0, 1, 2]]))
    write_set(folder, SETS[2], (2, 4), [variant("rs1", 1)], np.array([[2, 0]]))
    _, cells = _read(folder, _unpruned(excluded_samples=[ptid(2), ptid(3)]))
    assert cells == {(1, "rs1"): 0, (2, "rs1"): 2, (4, "rs1"): 0}


def test_positions_are_lifted_by_base_and_strand(tmp_path: Path) -> None:
    write_chain(
        tmp_path,
        "9 chr1 1000 + 100 200 chr2 5000 + 1000 1100",
        "9 chr1 1000 + 300 400 chr1 5000 - 1000 1100",
        "9 chr1 1000 + 500 600 chr1_KI270706v1_random 5000 + 0 100",
        "9 chr1 1000 + 700 800 chrX 5000 + 0 100",
        "9 chr1 1000 + 750 800 chr3 5000 + 0 50",
    )
    position = np.array([100, 101, 200, 201, 301, 400, 550, 701, 751, 900])
    found = lift(tmp_path, "hg18", np.ones(10, int), position)
    # Positions count from 1, chains from 0; a chain on the other strand counts from its end.
    assert found.chromosome.tolist() == [0, 2, 2, 0, 1, 1, 0, 23, 0, 0]
    assert found.position.tolist() == [0, 1001, 1100, 0, 4000, 3901, 0, 1, 0, 0]
    assert found.reversed.tolist() == [False] * 4 + [True] * 2 + [False] * 4
    assert np.flatnonzero(found.elsewhere).tolist() == [6]
    nowhere = lift(tmp_path, "hg18", np.array([2]), np.array([150]))
    assert not nowhere.lifted.any()


def test_lifted_variants_are_sorted_anew_and_others_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "genomic"
    write_chain(
        folder,
        "9 chr1 1000 + 100 200 chr2 5000 + 1000 1100",
        "9 chr1 1000 + 300 400 chr1 5000 - 1000 1100",
        "9 chr1 1000 + 500 600 chr6_GL000250v2_alt 5000 + 0 100",
        build="hg19",
    )
    places = {"rs1": 150, "rs2": 350, "rs3": 320, "rs4": 550, "rs5": 700}
    variants = [variant(name, place, "AC") for name, place in places.items()]
    dosages = _vary(5, 4)
    write_set(folder, SETS[3], range(1, 5), variants, dosages)
    # The other set is on hg38 and names the alleles of its strand there.
    other = [variant("rs2", 3951, "TG"), variant("rs1", 1050, "AC", 2)]
    other.append(variant("rs3", 9, "AC"))
    write_set(folder, SETS[4], range(5, 8), other, np.array([[0, 1, 2]] * 3))
    chosen = _unpruned(genome_builds={SETS[3]: "hg19", SETS[4]: "hg38"})
    found, cells = _read(folder, chosen)
    assert found.names == ["rs2", "rs3", "rs1"]
    assert [cells[rid, "rs2"] for rid in range(1, 8)] == [*dosages[1].tolist(), 0, 1, 2]
    assert found.counts["other_place"] == 1
    counts = found.counts["sets"][SETS[3]]
    assert (counts["elsewhere"], counts["not_lifted"]) == (1, 1)
    assert counts["fraction_not_lifted"] == pytest.approx(0.4)
    assert found.counts["sets"][SETS[4]]["fraction_not_lifted"] == 0


def test_a_set_that_is_not_named_is_on_hg18(tmp_path: Path) -> None:
    folder = tmp_path / "genomic"
    write_chain(folder, "9 chr1 1000 + 0 1000 chr1 5000 + 70 1070")
    write_set(folder, "other", (1, 2), [variant("rs1", 5)], np.array([[0, 2]]))
    found, _ = _read(folder, Preparation(genome_builds={}))
    assert found.counts["sets"]["other"]["build"] == "hg18"


def test_blocks_do_not_change_the_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "genomic"
    variants = [variant(f"rs{n}", n + 1) for n in range(50)]
    write_set(folder, SETS[0], range(1, 10), variants, _vary(50, 9))
    write_set(folder, SETS[1], range(5, 14), variants[::-1], _vary(50, 9, 1))
    _, whole = _read(folder)
    monkeypatch.setattr("fleximodal.sources.adni.plink._BLOCK_VARIANTS", 7)
    monkeypatch.setattr("fleximodal.sources.adni.genomic._BLOCK", 3)
    assert _read(folder)[1] == whole


def test_the_merged_variants_are_pruned(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    block = generator.binomial(2, 0.4, (4, 200))
    dosages = np.repeat(block, 5, axis=0)
    variants = [variant(f"rs{n}", n + 1) for n in range(20)]
    write_set(tmp_path / "genomic", SETS[0], range(1, 201), variants, dosages)
    found, _ = _read(tmp_path / "genomic", _unpruned(prune_r2=0.1))
    assert found.names == ["rs0", "rs5", "rs10", "rs15"]
    assert found.counts["variants"] == 20 and found.counts["features"] == 4
    assert isinstance(found.merged, np.memmap)
    assert pl.Series(found.rows).to_list() == [0, 5, 10, 15]
