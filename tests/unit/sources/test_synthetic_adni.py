"""The generated study, read with pandas, bed-reader, nibabel and pyliftover: layout and faults."""

import gzip
import io
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import pytest
from bed_reader import open_bed
from pyliftover import LiftOver

from fleximodal.errors import FleximodalError
from fleximodal.sources.synthetic_adni import write_release

SUBJECTS = 300
PUBLISHED = {"IGCB": 1474, "ICB": 127, "GCB": 122, "IC": 157, "CB": 21, "C": 479}
SETS = (
    "ADNI_cluster_01_forward_757LONI",
    "ADNI_GO_2_Forward_Bin",
    "ADNI_GO2_GWAS_2nd_orig_BIN",
    "ADNI3_PLINK_Final",
    "ADNI3_PLINK_FINAL_2nd",
)
CLINICAL = ("MEDHIST", "NEUROEXM", "PTDEMOG", "RECCMEDS", "VITALS")
IDENTIFIERS = ["PHASE", "PTID", "RID", "VISCODE", "VISCODE2", "VISDATE"]
SHORT = ["ID", "SITEID", "USERDATE", "USERDATE2", "update_stamp"]
LONG = [*SHORT[:4], "DD_CRF_VERSION_LABEL", "LANGUAGE_CODE", "HAS_QC_ERROR", "update_stamp"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("adni") / "study"
    write_release(
        path, settings={"subjects": SUBJECTS, "variants": 1_500, "seed": 5, "image_source": "both"}
    )
    return path


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / "truth.json").read_text())
    return value


def read(folder: Path, table: str) -> pd.DataFrame:
    (path,) = folder.glob(f"*/{table}_*.csv")
    return pd.read_csv(path, low_memory=False)


def labels(folder: Path) -> pd.Series:
    """The label rule of the specification: no empty diagnosis, and a constant one."""
    rows = read(folder, "DXSUM_PDXCONV")
    by_person = rows.groupby("PTID")["DIAGNOSIS"]
    constant = by_person.apply(lambda values: values.notna().all() and values.nunique() == 1)
    first: pd.Series = by_person.first()[constant]
    return first


def observed(folder: Path) -> dict[str, set[str]]:
    genotyped: set[str] = set()
    for name in SETS:
        genotyped |= set(pd.read_csv(folder / f"genomic/{name}.fam", sep=" ", header=None)[1])
    return {
        "I": set(read(folder, "UCSFFSX7")["PTID"]),
        "G": genotyped,
        "C": {ptid for table in CLINICAL for ptid in read(folder, table)["PTID"]},
        "B": set(read(folder, "APOERES")["PTID"]),
    }


def test_columns_are_those_of_the_dictionary(folder: Path) -> None:
    counts = {"MEDHIST": 40, "NEUROEXM": 28, "PTDEMOG": 84, "RECCMEDS": 30, "VITALS": 26}
    for table, count in counts.items():
        columns = list(read(folder, table).columns)
        assert len(columns) == len(set(columns)) == count
        assert columns[:6] == IDENTIFIERS
        last = SHORT if table == "MEDHIST" else LONG
        assert columns[-len(last) :] == last
    assert list(read(folder, "APOERES").columns[:7]) == [
        *["Phase", "PTID", "RID", "VISCODE", "APTESTDT", "APGEN1", "APGEN2"],
    ]
    assert read(folder, "APOERES").shape[1] == 17
    assert list(read(folder, "UPENNBIOMK_ROCHE_ELECSYS").columns) == [
        *["PHASE", "RID", "VISCODE2", "EXAMDATE", "BATCH", "RUNDATE", "ABETA40", "ABETA42"],
        *["TAU", "PTAU", "COMMENT", "update_stamp"],
    ]
    diagnosis = list(read(folder, "DXSUM_PDXCONV").columns)
    assert diagnosis[:8] == [*IDENTIFIERS[:5], "EXAMDATE", "DIAGNOSIS", "DXNORM"]
    assert diagnosis[-8:] == LONG
    # Only the columns common to all five clinical tables are administrative for the reader.
    common = set.intersection(*(set(read(folder, table).columns) for table in CLINICAL))
    assert common == {*IDENTIFIERS, *SHORT}


def test_the_freesurfer_table_has_the_documented_regions(folder: Path) -> None:
    columns = list(read(folder, "UCSFFSX7").columns)
    assert columns[:4] == ["PTID", "RID", "VISCODE", "VISCODE2"] and columns[-1] == "update_stamp"
    regions = [name for name in columns if re.fullmatch(r"ST\d+(CV|SA|SV|TA|TS|sa)", name)]
    assert regions == sorted(regions) == columns[20:-1]
    by_suffix = {s: sum(name.endswith(s) for name in regions) for s in ("CV", "TA", "SV", "SA")}
    assert by_suffix == {"CV": 69, "TA": 68, "SV": 50, "SA": 69}


def test_labels_are_those_planted(folder: Path, truth: dict[str, Any]) -> None:
    found = labels(folder)
    planted = pd.read_parquet(folder / "truth.parquet").set_index("ptid")
    only = set(truth["subjects"]["outside"]["diagnosis_only"])
    assert {int(ptid.split("_")[2]) for ptid in found.index} - set(planted["rid"]) == only
    assert (found[planted.index] - 1 == planted["class"]).all()
    shares = planted["class"].value_counts(normalize=True).sort_index()
    assert shares.to_numpy() == pytest.approx([0.36, 0.44, 0.20], abs=1 / SUBJECTS)


def test_combinations_have_the_published_shares(folder: Path) -> None:
    planted = pd.read_parquet(folder / "truth.parquet")
    seen = observed(folder)
    found = planted["ptid"].map(lambda ptid: "".join(k for k in "IGCB" if ptid in seen[k]))
    assert (found == planted["combination"]).all()
    counts = found.value_counts().to_dict()
    assert set(counts) == set(PUBLISHED)
    for name, count in PUBLISHED.items():
        assert abs(counts[name] - count * SUBJECTS / 2380) < 1
    assert sum(counts.values()) == SUBJECTS


def test_at_the_published_size_the_counts_are_the_published_ones() -> None:
    from fleximodal.sources.synthetic_adni.people import draw_people
    from fleximodal.sources.synthetic_adni.streams import stream

    people = draw_people(stream(0, "people"), 2_380)
    found = pd.Series(people.combination[people.labelled]).value_counts().to_dict()
    assert found == PUBLISHED


def test_people_outside_the_cohort_occur(folder: Path, truth: dict[str, Any]) -> None:
    outside = {kind: set(rids) for kind, rids in truth["subjects"]["outside"].items()}
    rows = read(folder, "DXSUM_PDXCONV")
    changing = rows.groupby("RID")["DIAGNOSIS"].agg(["min", "max", "nunique"])
    changed = set(changing.index[changing["nunique"] > 1])
    assert changed == outside["converter"] | outside["reverter"]
    ordered = rows.sort_values("EXAMDATE").groupby("RID")["DIAGNOSIS"]
    growth = ordered.last() - ordered.first()
    assert (growth[sorted(outside["converter"])] > 0).all()
    assert (growth[sorted(outside["reverter"])] < 0).all()
    assert set(rows.loc[rows["DIAGNOSIS"].isna(), "RID"]) == outside["empty_diagnosis"]
    elsewhere = {rid for table in CLINICAL for rid in read(folder, table)["RID"]}
    assert not outside["diagnosis_only"] & elsewhere
    assert outside["no_diagnosis"] <= elsewhere and not outside["no_diagnosis"] & set(rows["RID"])
    assert "f" in set(read(folder, "VITALS")["VISCODE"])
    assert all(len(rids) >= 3 for rids in outside.values())


def test_identifiers_agree_and_rows_are_shuffled(folder: Path) -> None:
    order = labels(folder).index
    for table in ("DXSUM_PDXCONV", *CLINICAL, "UCSFFSX7"):
        rows = read(folder, table)
        parts = rows["PTID"].str.extract(r"^(\d{3})_S_(\d{4,})$")
        assert (parts[1].astype(int) == rows["RID"]).all()
        place = rows["PTID"].map({ptid: number for number, ptid in enumerate(order)}).dropna()
        assert abs(np.corrcoef(place, np.arange(len(place)))[0, 1]) < 0.2
        assert not rows["RID"].is_monotonic_increasing
    visits = read(folder, "VITALS")
    assert set(visits["PHASE"]) == {"ADNI1", "ADNIGO", "ADNI2", "ADNI3", "ADNI4"}
    assert {"sc", "bl", "v01", "4_sc", "y1"} <= set(visits["VISCODE"])
    assert visits.groupby("RID")["VISDATE"].nunique().max() > 3
    assert (visits["VISDATE"] < "2024-05-09").all()


def test_faults_of_the_clinical_tables_occur(folder: Path) -> None:
    vitals, demography = read(folder, "VITALS"), read(folder, "PTDEMOG")
    assert set(vitals["VSWTUNIT"]) == {1, 2} and vitals["VSWEIGHT"].isna().any()
    kilograms = vitals["VSWEIGHT"].where(vitals["VSWTUNIT"] == 2) > 0
    assert vitals.loc[kilograms, "VSWEIGHT"].median() < 90 < vitals["VSWEIGHT"].median()
    assert {-4, -1} <= set(vitals["VSBPSYS"])
    assert set(vitals["LANGUAGE_CODE"]) == {"e"}
    assert demography["PTLANGPR6"].isna().all() and (demography["PTRTYR"] == 9999).any()
    assert demography["PTRACCAT"].astype(str).str.contains("|", regex=False).any()
    stamps = vitals.groupby("RID")["update_stamp"]
    tied = stamps.nunique() < stamps.size()
    assert tied.any() and (~tied & (stamps.size() > 1)).any()
    assert vitals["update_stamp"].str.contains(".", regex=False).any()
    # A later row lacks what an earlier one has, so a reader has to fill.
    examination = read(folder, "NEUROEXM").sort_values("VISDATE").groupby("RID")["NXGAIT"]
    last = examination.apply(lambda values: values.iloc[-1])
    assert (last.isna() & examination.last().notna()).any()
    assert read(folder, "MEDHIST")["MHCOMMEN"].str.contains(",").any()
    assert set(read(folder, "MEDHIST")["PHASE"]) == {"ADNI1", "ADNIGO", "ADNI2"}


def test_leaking_columns_tell_the_label(folder: Path) -> None:
    label = labels(folder)
    rows = read(folder, "PTDEMOG")
    rows = rows[rows["PTID"].isin(label.index)]
    for name, lowest in (("PTCOGBEG", 2), ("PTADDX", 3), ("PTADBEG", 3)):
        known = rows[rows[name].notna()]
        affected = label[known["PTID"]].to_numpy() >= lowest
        assert ((known[name] < 9999).to_numpy() == affected).all()
        assert affected.any() and not affected.all()


def test_assays_are_linked_by_phase_in_part_only(folder: Path) -> None:
    apoe, assays = read(folder, "APOERES"), read(folder, "UPENNBIOMK_ROCHE_ELECSYS")
    keys = set(apoe["Phase"].str[-1] + "_" + apoe["RID"].astype(str))
    linked = (assays["PHASE"].str[-1] + "_" + assays["RID"].astype(str)).isin(keys)
    by_roster = assays["RID"].isin(apoe["RID"])
    assert linked.any() and (by_roster & ~linked).any() and (~by_roster).any()
    assert (linked <= by_roster).all()
    never = by_roster & ~assays["RID"].isin(assays.loc[linked, "RID"])
    assert never.any()
    elsewhere = {rid for table in CLINICAL for rid in read(folder, table)["RID"]}
    assert not set(assays.loc[~by_roster, "RID"]) & elsewhere
    assert assays["COMMENT"].dropna().str.contains("[<>]").all() and assays["COMMENT"].notna().any()
    assert assays.loc[assays["BATCH"] == "UPENNBIOMK9", "ABETA40"].isna().all()
    assert apoe["USERDATE2"].isna().all()


def bim(folder: Path, name: str) -> pd.DataFrame:
    columns = ["chromosome", "id", "distance", "position", "a1", "a2"]
    return pd.read_csv(folder / f"genomic/{name}.bim", sep="\t", header=None, names=columns)


def calls(folder: Path, name: str, persons: list[str]) -> pd.DataFrame:
    """Dosages of the persons, one column per variant of the set."""
    bed = open_bed(folder / f"genomic/{name}.bed")
    return pd.DataFrame(bed.read(), index=bed.iid, columns=bed.sid).loc[persons]


def test_genotype_sets_overlap_in_persons_and_variants(folder: Path, truth: dict[str, Any]) -> None:
    persons = [list(open_bed(folder / f"genomic/{name}.bed").iid) for name in SETS]
    ids = [set(bim(folder, name)["id"]) for name in SETS]
    assert len(set().union(*ids)) == truth["variants"]["ids"] == 1_500
    assert not all(a == b for a, b in pairwise(ids)) and ids[3] == ids[4]
    assert all(len(members) == len(set(members)) for members in persons)
    everyone = [ptid for members in persons for ptid in members]
    assert len(everyone) - len(set(everyone)) >= 4
    twice = sorted(set(persons[0]) & set(persons[1]))
    first, second = (calls(folder, name, twice) for name in SETS[:2])
    alleles = [bim(folder, name).set_index("id") for name in SETS[:2]]
    agreeing = swapped = 0
    for name in sorted(set(first) & set(second)):
        one, other = (rows.loc[name, ["a1", "a2"]].tolist() for rows in alleles)
        assert one == other or one == other[::-1]
        values = second[name] if one == other else 2 - second[name]
        known = first[name].notna() & values.notna()
        assert (first[name][known] == values[known]).all()
        agreeing, swapped = agreeing + (one == other), swapped + (one != other)
    assert agreeing > 400 and swapped > 20
    rates = [np.isnan(open_bed(folder / f"genomic/{name}.bed").read()).mean() for name in SETS]
    assert 0.005 < min(rates) < max(rates) < 0.05
    assert (folder / f"genomic/{SETS[0]}.bed").read_bytes()[:3] == b"\x6c\x1b\x01"
    fam = (folder / f"genomic/{SETS[0]}.fam").read_text().splitlines()[0]
    assert re.fullmatch(r"\d+ \d{3}_S_\d+ 0 0 [12] -9", fam)


def test_lift_over_loses_what_was_planned(folder: Path, truth: dict[str, Any]) -> None:
    lift = LiftOver(str(folder / "genomic/hg18ToHg38.over.chain.gz"))
    rows = pd.concat(bim(folder, name) for name in SETS).drop_duplicates("id")
    faults = truth["variants"]["faults"]
    bases = rows["a1"].isin(list("ACGT")) & rows["a2"].isin(list("ACGT"))
    assert (~bases).sum() == faults["alleles other than bases"] >= 4
    placed = rows[rows["chromosome"].between(1, 24)]
    names = placed["chromosome"].map(lambda c: f"chr{({23: 'X', 24: 'Y'}).get(c, c)}")
    hits = [
        lift.convert_coordinate(name, position - 1)
        for name, position in zip(names, placed["position"], strict=True)
    ]
    assert sum(not hit for hit in hits) == faults["unmapped"] >= 4
    assert sum("_alt" in hit[0][0] for hit in hits if hit) == faults["alternate contig"] >= 4
    moved = [hit[0][1] - p + 1 for hit, p in zip(hits, placed["position"], strict=True) if hit]
    assert len(set(moved)) > 100
    assert (rows["chromosome"] == 0).sum() == faults["unplaced"] >= 2
    assert {23, 24, 25, 26} <= set(rows["chromosome"])
    twins = rows[rows["id"].str.startswith("GSA-rs")]
    same = twins["id"].str.removeprefix("GSA-").isin(rows["id"])
    assert same.sum() == truth["variants"]["second ids"] >= 2 and (~same).any()


def test_neighbours_are_linked_and_planted_variants_are_not(
    folder: Path, truth: dict[str, Any]
) -> None:
    bed = open_bed(folder / f"genomic/{SETS[0]}.bed")
    values = pd.DataFrame(bed.read(), columns=bed.sid)
    chromosome = pd.Series(bed.chromosome.astype(int), index=bed.sid)
    names = chromosome.index[chromosome.between(1, 22)]
    near = np.array([values[a].corr(values[b]) ** 2 for a, b in pairwise(names)])
    share = truth["variants"]["in linkage blocks"] / truth["variants"]["ids"]
    assert (near > 0.3).mean() == pytest.approx(0.9 * share, abs=0.08)
    for planted in (variant["id"] for variant in truth["variants"]["planted"]):
        around = chromosome.index[chromosome == chromosome[planted]].drop(planted)
        assert (values[around].corrwith(values[planted]) ** 2).max() < 0.25


def test_ravens_maps_follow_the_atlas(folder: Path) -> None:
    (atlas,) = folder.glob("image/*.nii.gz")
    image = nibabel.load(atlas)
    labels_ = np.asarray(image.dataobj)
    assert labels_.shape == (24, 29, 24) and {0, 150, 250} < set(np.unique(labels_))
    assert image.header.get_zooms() == (2.0, 2.0, 2.0)
    maps = np.load(folder / "image/ADNI_G.npy")
    lines = (folder / "image/ADNI_subj.txt").read_text().splitlines()
    assert maps.shape == (len(lines), (labels_ == 150).sum())
    assert len(set(lines)) == len(lines)
    scans = pd.Series(lines).str.extract(r"^(\d{3}_S_\d+)_(\d{4}-\d{2}-\d{2})$")
    assert set(scans[0]) == set(read(folder, "UCSFFSX7")["PTID"])
    failed = (maps == 0).all(axis=1)
    assert failed.any() and set(scans[0][~failed]) == set(scans[0])
    latest = scans.sort_values(1).groupby(0).tail(1).index
    assert failed[latest].any() and scans.groupby(0).size().max() > 2
    # Maps of one person resemble each other more than those of two.
    good = scans[~failed]
    person = good[0].value_counts().index[0]
    mine = maps[good.index[good[0] == person][:2]]
    other = maps[good.index[good[0] != person][0]]
    assert np.corrcoef(*mine)[0, 1] > 0.7 > np.corrcoef(mine[0], other)[0, 1]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


SMALL = {"subjects": 120, "variants": 600, "seed": 2}


def test_equal_settings_give_equal_bytes(tmp_path: Path) -> None:
    for name, more in (("a", {}), ("b", {}), ("c", {"seed": 3})):
        write_release(tmp_path / name, settings={**SMALL, "image_source": "both", **more})
    a, b, c = (contents(tmp_path / name) for name in "abc")
    assert a == b
    same = {name for name in a if a[name] == c[name]}
    assert {name for name in same if not name.endswith((".gz", ".txt"))} == set()
    for name in a:
        if name.endswith(".gz"):
            assert gzip.GzipFile(fileobj=io.BytesIO(a[name])).read() and a[name][4:8] == bytes(4)


def test_switches_change_their_own_files_only(tmp_path: Path) -> None:
    variations: tuple[dict[str, Any], ...] = (
        {},
        {"image_source": "ravens", "ravens_shape": [13, 14, 15]},
        {"image_source": "both", "ravens_shape": (13, 14, 15)},
        {"apoe_layout": "genotype"},
    )
    for number, more in enumerate(variations):
        write_release(tmp_path / str(number), settings={**SMALL, **more})
    plain, ravens, both, genotype = (contents(tmp_path / str(number)) for number in range(4))
    told = {"truth.json", "truth.parquet"}
    freesurfer = {"image/UCSFFSX7_01Jan2026.csv"}
    maps = {name for name in ravens if name.startswith("image/")}
    assert len(maps) == 3 and set(plain) - freesurfer == set(ravens) - maps
    assert {**plain, **ravens}.keys() == both.keys()
    for name in both.keys() - told:
        assert both[name] == {**plain, **ravens}[name]
    changed = {name for name in plain if plain[name] != genotype[name]}
    assert changed == {"biospecimen/APOERES_01Jan2026.csv", "truth.json"}
    first, second = (read(tmp_path / number, "APOERES") for number in "03")
    assert list(second.columns[3:6]) == ["VISCODE", "GENOTYPE", "APTESTDT"]
    pairs = first["APGEN1"].astype(str) + "/" + first["APGEN2"].astype(str)
    assert pairs.tolist() == second["GENOTYPE"].tolist()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"subject": 400}, "'subject'"),
        ({"subjects": 40}, "subjects of synthetic-adni is 40"),
        ({"variants": 10}, "give 600"),
        ({"ld_block": 1}, "ld_block"),
        ({"seed": -1}, "seed"),
        ({"image_source": "mri"}, "freesurfer, ravens, both"),
        ({"apoe_layout": "text"}, "alleles, genotype"),
        ({"ravens_shape": (19, 22)}, "three numbers"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(FleximodalError, match=words):
        write_release(tmp_path / "study", settings=settings)
    assert not (tmp_path / "study").exists()
