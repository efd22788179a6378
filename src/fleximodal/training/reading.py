"""What a network's settings make of a run's data before the first batch."""

from dataclasses import replace

import numpy as np

from fleximodal.dataset.imputation import with_imputed_tables
from fleximodal.dataset.packed import PackedDataset
from fleximodal.dataset.ragged import Table
from fleximodal.dataset.scaler import Scaler, fit_scaler
from fleximodal.dataset.table_scaling import DEFAULT, Filling
from fleximodal.methods.settings import NetworkSettings
from fleximodal.training.member import Member


def read_by(member: Member, settings: NetworkSettings) -> tuple[PackedDataset, Scaler]:
    """Return the dataset and the scaler that a network of these settings is given.

    Tables are scaled and filled, and absent ones filled in, as the settings say; everything else
    stays as it is.
    """
    scaler = _refitted(member, settings)
    dataset = with_imputed_tables(
        member.dataset, scaler, member.parts["train"], settings.table_imputation
    )
    return dataset, scaler


def presence(dataset: PackedDataset, settings: NetworkSettings) -> np.ndarray:
    """Return which modalities each stay has for such a network, (M, n) bool.

    A table that is filled in counts as there.
    """
    imputed = settings.table_imputation != "none"
    return np.stack(
        [
            (np.diff(modality.row_offsets) > 0) | (imputed and isinstance(modality, Table))
            for modality in dataset.modalities.values()
        ]
    )


def _refitted(member: Member, settings: NetworkSettings) -> Scaler:
    """Return the stored scaler, its tables fitted anew if the settings differ from it.

    NOTE[DIFF] table_fit: all fits on validation and test stays too, as the released code of
    Flex-MoE (register H-19); no label is used.
    """
    dataset = member.dataset
    tables = [name for name, one in dataset.modalities.items() if isinstance(one, Table)]
    filling = Filling(settings.table_fill, settings.table_categorical_fill)
    if not tables or (settings.table_fit == "train" and filling == DEFAULT):
        return member.scaler
    stays = (
        member.parts["train"]
        if settings.table_fit == "train"
        else np.arange(dataset.num_stays, dtype=np.int64)
    )
    fitted = fit_scaler(dataset.select(tables), stays, filling)
    return replace(
        member.scaler,
        mean=member.scaler.mean | fitted.mean,
        std=member.scaler.std | fitted.std,
        fill=member.scaler.fill | fitted.fill,
    )
