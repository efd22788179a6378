"""Names of the metrics, and what kind of data a source holds; free of heavy imports."""

METRICS = (
    "auroc",
    "auprc",
    "f1",
    "f1_tuned",
    "brier",
    "calibration_slope",
    "calibration_error",
)


def data_kind(source: str) -> str:
    """Return "synthetic" for the generated source and "real" for any other."""
    return "synthetic" if source == "synthetic" else "real"
