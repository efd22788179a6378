"""The fixture that packs generated stays."""

from collections.abc import Callable

import polars as pl
import pytest

from fleximodal.dataset.pack import pack_dataset

from .hospital import Hospital, Stay, write_tables


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[Stay]], Hospital]:
    """Return a function that packs stays; their ids are 7, 8, ..."""

    def packed(stays: list[Stay], shuffle: int = 0) -> Hospital:
        folder = tmp_path_factory.mktemp("hospital")
        by_id = dict(enumerate(stays, start=7))
        write_tables(folder, by_id, shuffle)
        # A neighbour outside the cohort must leave no trace.
        events = pl.read_parquet(folder / "events.parquet")
        other = events.head(1).with_columns(stay_id=pl.lit(1, dtype=pl.Int64))
        pl.concat([other, events]).write_parquet(folder / "events.parquet")
        pack_dataset(folder, folder, folder / "packed", source="small", task="48-IHM")
        return Hospital(by_id, folder / "packed")

    return packed
