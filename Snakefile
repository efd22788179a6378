"""From raw clinical files to every table and figure: one graph."""

import os
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")

sys.path.insert(0, str(Path(workflow.basedir) / "src"))

from fleximodal.config.code import lead_to_this_package

# Every script takes the package from here, whether or not it is installed, from here or elsewhere.
lead_to_this_package()

# Large tensors are kept by the process instead of being returned to the system and faulted in
# again at every step; a training job is up to twice as fast. A value set by the user wins.
os.environ.setdefault("MALLOC_MMAP_MAX_", "0")
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "17179869184")


configfile: Path(workflow.basedir) / "config" / "config.yaml"


include: "rules/common.smk"
include: "rules/common_sources.smk"
include: "rules/common_papers.smk"
include: "rules/common_report.smk"
include: "rules/sources.smk"
include: "rules/cohorts.smk"
include: "rules/encoders.smk"
include: "rules/dataset.smk"
include: "rules/training.smk"
include: "rules/evaluation.smk"
include: "rules/robustness.smk"
include: "rules/flexmoe.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/theory.smk"
include: "rules/claims.smk"
include: "rules/report.smk"
include: "rules/provenance.smk"


report: "workflow/report/workflow.rst"


localrules:
    all,
    tables,
    datasets,
    figures,


rule all:
    """Every table and figure that the configuration names."""
    default_target: True
    input:
        all_tables(),
        all_figures(),
        all_claims(),


rule tables:
    """Every table."""
    input:
        all_tables(),


rule datasets:
    """Every task of every source that is there, packed and before the gates."""
    input:
        all_datasets(),


rule figures:
    """Every figure whose data are there."""
    input:
        all_figures(),


onsuccess:
    print(closing_words())
