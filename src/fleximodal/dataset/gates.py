"""Bring a packed dataset before the gates against leakage."""

from collections.abc import Mapping
from pathlib import Path

from fleximodal.cohorts.leakage import write_leakage
from fleximodal.dataset.packed import PackedDataset, read_packed


def check_dataset(
    dataset: Path,
    output: Path,
    *,
    cohort: Path,
    splits: Path,
    scalers: Path,
    protocol: str,
    encoder_patients: Path | None,
    notes: Path | None,
    limits: Mapping[str, float],
) -> None:
    """Pass every gate and write `leakage.json`; see `fleximodal.cohorts.leakage.write_leakage`.

    Raises
    ------
    FleximodalError
        If a file is absent.
    LeakageError
        If a gate fails; nothing is written then.
    """
    write_leakage(
        output,
        cohort_folder=cohort,
        splits=splits,
        scalers=scalers,
        hours_range=hours_range(read_packed(dataset)),
        notes=notes,
        encoder_patients=encoder_patients,
        protocol_kind=protocol,
        limits=limits,
    )


def hours_range(dataset: PackedDataset) -> dict[str, tuple[float, float]]:
    """Return the least and greatest hour of each modality that has an observation."""
    return {
        name: (float(modality.hours.min()), float(modality.hours.max()))
        for name, modality in dataset.modalities.items()
        if len(modality.hours)
    }
