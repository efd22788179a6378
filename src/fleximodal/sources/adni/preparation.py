"""What can be chosen when the raw files of ADNI are prepared; see docs/discrepancies.md, H-20."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

Build = Literal["hg18", "hg19", "hg38"]

#: The five sets of genotypes by stem, in the order in which they are merged.
SETS = (
    "ADNI_cluster_01_forward_757LONI",
    "ADNI_GO_2_Forward_Bin",
    "ADNI_GO2_GWAS_2nd_orig_BIN",
    "ADNI3_PLINK_Final",
    "ADNI3_PLINK_FINAL_2nd",
)


def _all_hg18() -> dict[str, Build]:
    return dict.fromkeys(SETS, "hg18")


class Preparation(BaseModel):
    """Choices that shape the canonical tables of ADNI; the defaults mend what is defective."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image_source: Literal["freesurfer", "ravens"] = Field(
        "freesurfer",
        description="images from the table of FreeSurfer regions, or RAVENS volumes (H-25)",
    )
    sentinels: Literal["missing", "values"] = Field(
        "missing",
        description="codes -4 and -1, and 9999 in years: missing, or values as released (H-20)",
    )
    administrative: Literal["drop", "keep"] = Field(
        "drop",
        description="record ids, site, visit, dates, form version and assay batch: drop them, or "
        "keep those that the rule of common columns leaves, as released (H-21)",
    )
    image_row: Literal["latest_exam", "first_max_stamp"] = Field(
        "latest_exam",
        description="FreeSurfer row of a subject: of the latest examination, or the first of those "
        "exported last, as released (H-26)",
    )
    zero_scans: Literal["drop", "keep"] = Field(
        "drop", description="scans without any value: no image, or an image as released (H-45)"
    )
    medication: Literal["last_row", "multihot"] = Field(
        "last_row",
        description="medication of a subject: its last record as released, or one feature per drug "
        "that at least 2 % of the subjects take (H-41)",
    )
    apoe: Literal["auto", "alleles", "genotype"] = Field(
        "auto",
        description="APOE as the file has it, as two columns of alleles, or as one of the genotype "
        "(H-22)",
    )
    linkage: Literal["rid", "phase"] = Field(
        "rid",
        description="analytes find their subject in APOERES by RID, or by the phase's last "
        "character and RID as released",
    )
    genome_builds: dict[str, Build] = Field(
        default_factory=_all_hg18,
        description="genome build of the positions in each set of genotypes; a set that is not "
        "named is hg18 (H-24)",
    )
    excluded_samples: list[str] = Field(
        default_factory=list, description="individuals left out of the first set of genotypes"
    )
    prune_window: int = Field(50, ge=2, description="linkage pruning: variants in a window")
    prune_step: int = Field(5, ge=1, description="linkage pruning: variants by which it moves")
    prune_r2: float = Field(
        0.1, gt=0, le=1, description="linkage pruning: largest squared correlation within a window"
    )
    max_categories: int = Field(
        1000, ge=2, description="a category with this many values or more is left out"
    )

    @classmethod
    def released(cls) -> Self:
        """Return the choices of the code that the authors released."""
        return cls(
            sentinels="values",
            administrative="keep",
            image_row="first_max_stamp",
            zero_scans="keep",
            linkage="phase",
        )
