"""Names of metrics, sources and tasks, and what kind of data a source holds; free of imports."""

METRICS = (
    "auroc",
    "auprc",
    "f1",
    "f1_tuned",
    "brier",
    "calibration_slope",
    "calibration_error",
    "auroc_hard",  # of the 0/1 predictions at 0.5, as HAIM's 25-PHE values were published
    "accuracy",
    "macro_f1",  # mean F1 over the classes; those of a binary label are 1 and 0
)
CLASS_METRICS = ("auroc", "auprc", "f1")  # of one class against the rest
PAIRED_METRICS = ("auroc", "f1", "accuracy", "macro_f1")  # in which cells are compared
SYNTHETIC = "synthetic-"  # a generated source: this, then the name of the release it imitates
RELEASES = ("mimic4", "mimic3", "physionet2012", "adni")
SOURCES = (*RELEASES, *(f"{SYNTHETIC}{release}" for release in RELEASES))
TASKS = ("48-IHM", "LOS", "25-PHE", "one-year-mortality", "diagnosis")


def is_synthetic(source: str) -> bool:
    """Tell whether a source is generated, by its name."""
    return source.startswith(SYNTHETIC)


def data_kind(source: str) -> str:
    """Return "synthetic" for a generated source and "real" for any other."""
    return "synthetic" if is_synthetic(source) else "real"
