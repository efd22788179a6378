"""ECGs as WFDB records: 12 leads, 500 Hz, in millivolts."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fleximodal.errors import FleximodalError

# The order of MIMIC-IV-ECG; other collections have aVL before aVF.
LEADS = ("I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6")
SAMPLES = 4096
FREQUENCY = 500

_PLACE = {lead.lower(): place for place, lead in enumerate(LEADS)}


@dataclass(frozen=True)
class ECG:
    """The first 4,096 samples, (4096, 12) float32 in mV in the order of LEADS; 0 where missing."""

    signal: np.ndarray
    missing: int


def read_ecg(path: Path, where: str) -> ECG:
    """Read a WFDB record.

    Parameters
    ----------
    path
        Path of the record without extension; `.hea` and the signal file it names lie there.
    where
        What an error calls the record ("row 17 of ecgs.parquet"); never its path.

    Raises
    ------
    FleximodalError
        If the record is absent or damaged, its signal file is shorter than the header says, it has
        fewer than 4,096 samples, another frequency than 500 Hz, another unit than mV, or other
        leads than the twelve standard ones (in any order).
    """
    import wfdb

    try:
        # All samples, not the first 4,096, because only so a truncated file shows.
        record = wfdb.rdrecord(str(path))
    except FileNotFoundError:
        raise FleximodalError(f"The ECG of {where} is missing; complete the ECG folder.") from None
    except Exception as error:  # wfdb raises whatever its parsing runs into
        raise FleximodalError(
            f"The ECG of {where} is damaged or shorter than its header says "
            f"({type(error).__name__}); fetch it again."
        ) from None
    signal = record.p_signal
    if signal is None:
        raise FleximodalError(f"The ECG of {where} has no signal; fetch it again.")
    if record.fs != FREQUENCY:
        raise FleximodalError(
            f"The ECG of {where} has {record.fs:g} samples per second, expected {FREQUENCY}; leave "
            "it out of the table."
        )
    names = [str(name).strip().lower() for name in record.sig_name]
    if sorted(names) != sorted(_PLACE):
        raise FleximodalError(
            f"The ECG of {where} does not have the 12 standard leads; leave it out of the table."
        )
    if any(str(unit).lower() != "mv" for unit in record.units):
        raise FleximodalError(f"The ECG of {where} is not in mV; leave it out of the table.")
    if len(signal) < SAMPLES:
        raise FleximodalError(
            f"The ECG of {where} has {len(signal)} samples, expected at least {SAMPLES}; leave it "
            "out of the table."
        )
    ordered = np.empty((SAMPLES, len(LEADS)), dtype=np.float32)
    ordered[:, [_PLACE[name] for name in names]] = signal[:SAMPLES]
    gaps = ~np.isfinite(ordered)
    ordered[gaps] = 0
    return ECG(ordered, int(gaps.sum()))
