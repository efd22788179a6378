"""Published values of other methods: the CSV files of `config/published/` that tables name."""

from pathlib import Path

import pandas as pd

from fleximodal.errors import FleximodalError
from fleximodal.evaluation.names import METRICS

TEXTS = ("method", "protocol", "note", "reference")


def read_peers(path: Path | str) -> pd.DataFrame:
    """Read published values; metrics, in percent in the file, are returned as fractions.

    Columns are method, protocol, note, reference and one per metric.

    Raises
    ------
    FleximodalError
        If the file cannot be read, a column is missing or unknown, or a value is no percentage.
    """
    try:
        frame = pd.read_csv(path, dtype=dict.fromkeys(TEXTS, str), keep_default_na=False)
    except (OSError, ValueError) as error:
        raise FleximodalError(f"{path}: cannot be read as CSV ({error})") from None
    absent = [name for name in TEXTS if name not in frame]
    if absent:
        raise FleximodalError(f"{path}: column {absent[0]!r} is missing; add it")
    for name in [column for column in frame if column not in TEXTS]:
        if name not in METRICS:
            raise FleximodalError(f"{path}: column {name!r} is neither a text nor a metric")
        values = pd.to_numeric(frame[name], errors="coerce")
        faulty = ~values.between(0, 100)
        if faulty.any():
            row = int(faulty.to_numpy().argmax())
            raise FleximodalError(
                f"{path}: row {row + 1}: {name} {frame[name].iloc[row]!r} is not a percentage"
            )
        frame[name] = values / 100
    return frame
