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
DEMO = "demo"  # in the name of a release that is an open demonstration of another
SYNTHETIC = "synthetic-"  # a generated source: this, then the name of the release it imitates
RELEASES = ("mimic4", "mimic3", "physionet2012", "adni")
SOURCES = (*RELEASES, *(f"{SYNTHETIC}{release}" for release in RELEASES))
TASKS = ("48-IHM", "LOS", "25-PHE", "one-year-mortality", "diagnosis")


def is_synthetic(source: str) -> bool:
    """Tell whether a source is generated, by its name."""
    return source.startswith(SYNTHETIC)


def is_demo(release: str) -> bool:
    """Tell whether a release, as counts.json of a source names it, is an open demonstration."""
    return DEMO in release


def data_kind(source: str, release: str = "") -> str:
    """Return "synthetic" for a generated source, "demo" for a demonstration, else "real"."""
    if is_synthetic(source):
        return "synthetic"
    return "demo" if is_demo(release) else "real"
