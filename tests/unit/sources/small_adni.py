"""A tiny hand-made ADNI: eight subjects, all tables, two sets of genotypes, both kinds of images.

Subjects 1 to 4 are labelled (0, 1, 2, 0), 5 converts, 6 lacks a diagnosis at one visit, 7 has no
row in the table of diagnoses, and 8 (label 1) is in that table alone.
"""

import csv
import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import nibabel
import numpy as np
import polars as pl
from safetensors.numpy import load_file

Row = Mapping[str, object]

DAY1, DAY2, DAY3 = "2010-01-01 00:00:00", "2012-05-06 07:08:09.5", "2015-01-01 00:00:00"


def ptid(rid: int) -> str:
    return f"{rid % 100:03d}_S_{rid:04d}"


def row(rid: int, stamp: str = DAY1, **cells: object) -> dict[str, object]:
    return {"PTID": ptid(rid), "RID": rid, "update_stamp": stamp, **cells}


def visit(rid: int, number: int, stamp: str = DAY1, **cells: object) -> dict[str, object]:
    return row(
        rid,
        stamp,
        PHASE="ADNI1",
        VISCODE=f"m{number:02d}",
        ID=100 + number,
        SITEID=rid,
        USERDATE="2010-01-01",
        **cells,
    )


def tables() -> dict[str, list[dict[str, object]]]:
    """Return the rows of each table, to be changed by a test before they are written."""
    codes = {1: [1, 1], 2: [2], 3: [3, 3, 3], 4: [1], 5: [1, 2], 6: [2, ""], 8: [2]}
    people = (1, 2, 3, 4, 5, 6, 7)
    return {
        "diagnosis/DXSUM_PDXCONV": [
            row(rid, DIAGNOSIS=code) for rid, given in codes.items() for code in given
        ],
        "clinical/MEDHIST": [
            visit(rid, 0, MHSMOK=rid % 2, MHDRINK=rid, MHCOMMEN=f"text {rid}") for rid in people
        ],
        "clinical/NEUROEXM": [visit(rid, 0, HAS_QC_ERROR=0, NXGAIT=1 + rid % 2) for rid in (1, 2)],
        "clinical/PTDEMOG": [
            visit(
                rid,
                0,
                HAS_QC_ERROR=0,
                PTEDUCAT=10 + rid,
                PTCOGBEG=2000 + rid,
                PTADDX=2001 + rid,
                PTADBEG=9999,
                PTADBEGIN=rid * 1.5,
                PTLANGSP=rid % 3,
                PTLANGSP1=rid * 2,
            )
            for rid in people
        ],
        "clinical/RECCMEDS": [
            visit(rid, 0, HAS_QC_ERROR=0, RECNO=rid, CMMED=drug, CMFREQ="daily")
            for rid, drug in ((1, "Aspirin"), (1, "donepezil"), (2, "aspirin "), (3, "other"))
        ],
        "clinical/VITALS": [
            visit(1, 0, DAY1, HAS_QC_ERROR=0, VSWEIGHT=70, VSPULSE=60),
            visit(1, 6, DAY2, HAS_QC_ERROR=0, VSWEIGHT=72, VSPULSE=-4),
            visit(2, 0, DAY1, HAS_QC_ERROR=0, VSWEIGHT=80.5, VSPULSE=65),
            visit(3, 0, DAY1, HAS_QC_ERROR=0, VSWEIGHT="", VSPULSE=66),
            visit(4, 0, DAY1, HAS_QC_ERROR=0, VSWEIGHT=90, VSPULSE=67),
        ],
        "biospecimen/APOERES": [
            {"Phase": phase, **row(rid), "VISCODE": "sc", "APGEN1": low, "APGEN2": high, "ID": rid}
            for rid, phase, low, high in (
                (1, "ADNI1", 3, 3),
                (2, "ADNIGO", 3, 4),
                (5, "ADNI2", 2, 4),
            )
        ],
        "biospecimen/UPENNBIOMK_ROCHE_ELECSYS": [
            {"PHASE": phase, "RID": rid, "EXAMDATE": "2011-02-03", "BATCH": "UPENNBIOMK9"}
            | {"ABETA42": abeta, "TAU": 100.5 + rid, "COMMENT": "", "update_stamp": DAY1}
            for rid, phase, abeta in ((1, "ADNI1", 500), (2, "ADNI2", ">1700"), (9, "ADNI1", 900))
        ],
        "image/UCSFFSX7": [
            row(rid, stamp, EXAMDATE=exam, STATUS="complete")
            | {"ST13CV": 10.5 * rid, "ST13TA": 2.25, "ST87sa": 5, "ST101SV": volume, "ST10SV": rid}
            for rid, stamp, exam, volume in (
                (1, DAY2, "2010-03-01", 7),
                (1, DAY2, "2011-03-01", 8),
                (1, DAY1, "2011-03-01", 9),
                (2, DAY1, "2009-03-01", ""),
                (7, DAY1, "2009-03-01", 4),
            )
        ],
    }


def write_tables(folder: Path, rows: Mapping[str, Sequence[Row]]) -> None:
    for name, content in rows.items():
        columns = list(dict.fromkeys(key for part in content for key in part))
        write_table(folder, name, columns, content)


def write_table(
    folder: Path, name: str, columns: Sequence[str], rows: Sequence[Row], date: str = "09May2024"
) -> Path:
    path = folder / f"{name}_{date}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_set(
    folder: Path, stem: str, people: Sequence[int], variants: Sequence[Row], dosages: np.ndarray
) -> Path:
    """Write a set of PLINK: `dosages` (variants, people) counts allele 1, -1 unknown.

    Two bits per genotype, the lowest first: 00 two copies of allele 1, 10 one, 11 none, 01 unknown.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        "\t".join(str(variant[key]) for key in ("chromosome", "id"))
        + f"\t0\t{variant['position']}\t{variant['allele1']}\t{variant['allele2']}\n"
        for variant in variants
    ]
    (folder / f"{stem}.bim").write_text("".join(lines))
    family = [f"{rid} {ptid(rid)} 0 0 1 -9\n" for rid in people]
    (folder / f"{stem}.fam").write_text("".join(family))
    bits = {2: 0b00, 1: 0b10, 0: 0b11, -1: 0b01}
    packed = bytearray(b"\x6c\x1b\x01")
    for variant_dosages in dosages.tolist():
        for start in range(0, len(people), 4):
            four = variant_dosages[start : start + 4]
            packed.append(sum(bits[value] << 2 * place for place, value in enumerate(four)))
    (folder / f"{stem}.bed").write_bytes(bytes(packed))
    return folder / f"{stem}.bed"


def variant(
    name: str, position: int, alleles: str = "AG", chromosome: object = 1
) -> dict[str, object]:
    return {
        "chromosome": chromosome,
        "id": name,
        "position": position,
        "allele1": alleles[0],
        "allele2": alleles[1],
    }


def write_chain(folder: Path, *chains: str, build: str = "hg18") -> Path:
    """Write chains, each a header without the word chain, and one block over all of it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{build}ToHg38.over.chain.gz"
    blocks = []
    for number, chain in enumerate(chains, start=1):
        fields = chain.split()
        blocks.append(f"chain {chain} {number}\n{int(fields[5]) - int(fields[4])}\n\n")
    with gzip.open(path, "wt") as file:
        file.write("".join(blocks))
    return path


def write_ravens(folder: Path, scans: Sequence[str], labels: np.ndarray, array: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ADNI_subj.txt").write_text("".join(f"{scan}\n" for scan in scans))
    np.save(folder / "ADNI_G.npy", array)
    nibabel.save(
        nibabel.Nifti1Image(labels.astype(np.int16), np.eye(4)),
        folder / "BLSA_SPGR+MPRAGE_averagetemplate_muse_seg_DS222.nii.gz",
    )


def write_small(folder: Path) -> Path:
    """Write the whole of it; return the folder."""
    write_tables(folder, tables())
    genomic = folder / "genomic"
    variants = [variant("rs1", 100), variant("rs2", 200, "CT"), variant("rs3", 300, "AC")]
    dosages = np.array([[0, 1, 2, -1, 1], [2, 2, 0, 1, 0], [0, 0, 1, 0, 0]])
    write_set(genomic, "ADNI_cluster_01_forward_757LONI", (4, 1, 2, 5, 7), variants, dosages)
    write_set(genomic, "ADNI_GO_2_Forward_Bin", (3, 5), [variant("rs1", 100)], np.array([[2, 0]]))
    write_chain(genomic, "1000 chr1 1000 + 0 1000 chr1 2000 + 500 1500")
    labels = np.zeros((2, 3, 2))
    labels[0, 1, 1] = labels[1, 0, 0] = labels[1, 2, 1] = 150
    labels[0, 0, 0] = 250
    scans = [f"{ptid(1)}_2010-01-01", f"{ptid(1)}_2012-01-01", f"{ptid(3)}_2011-01-01"]
    write_ravens(folder / "image", scans, labels, np.arange(9, dtype=np.float32).reshape(3, 3) + 1)
    return folder


def vectors(output: Path, name: str) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Return subjects, features and vectors of a written modality, read by other libraries."""
    stay_id = pl.read_parquet(output / f"{name}.parquet")["stay_id"].to_numpy()
    features = pl.read_parquet(output / f"{name}_features.parquet")["feature"].to_list()
    return stay_id, features, load_file(output / f"{name}.safetensors")["vectors"]


def cell(output: Path, name: str, rid: int, feature: str) -> float:
    stay_id, features, values = vectors(output, name)
    return float(values[stay_id.tolist().index(rid), features.index(feature)])
