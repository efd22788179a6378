"""From items to a folder of vectors, batch by batch, going on where a killed run stopped."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleximodal.encoders.encoder import Encoded, ItemEncoder
from fleximodal.encoders.items import Source
from fleximodal.encoders.shards import Shards
from fleximodal.encoders.vectors_file import vectors_file
from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import atomic_folder
from fleximodal.io.manifest import write_manifest

LOGGER = logging.getLogger("fleximodal.encoders")

# Batches that are formed together, so that items of similar cost can share one.
_BATCHES_PER_WINDOW = 32


def encode_items(
    source: Source,
    encoder: ItemEncoder,
    output: Path,
    *,
    state: Path,
    encoded: str,
    inputs: Sequence[Path] = (),
    settings: Mapping[str, Any] | None = None,
    extra: Callable[[Path], None] | None = None,
) -> None:
    """Encode all items and write the folder, all of it or nothing.

    Parameters
    ----------
    source
        The items; see `items`.
    encoder
        Called with at most `encoder.batch_size` items at once. A batch, and the memory-mapped
        result, is all that is held in memory.
    output
        Folder to write: `items.parquet` (stay_id, patient_id, item_id, hours), in the order of
        stay_id, hours, item_id; `vectors.safetensors` with tensor "vectors" (n, features)
        float32 in the same order; `manifest.json`. An existing one is replaced as a whole.
    state
        Folder for finished batches. A run that is killed finds them there; they are removed
        once `output` is complete. The result's bytes do not depend on interruptions.
    encoded
        What is encoded ("notes", "cxr", ...), for the manifest and the log.
    inputs
        Files that the manifest names as read.
    settings
        Further entries for the manifest's settings.
    extra
        Writes further files into the result's folder.

    Raises
    ------
    FleximodalError
        If keys are repeated or unsorted, if an item cannot be read, or if a vector is not finite.
    """
    keys = source.keys()
    shards = Shards(state, encoder)
    batches: list[tuple[str, np.ndarray]] = []
    found = done = 0
    milestone = 10
    for batch, positions in _batches(source, encoder):
        key = shards.key(batch)
        if shards.holds(key, batch.height):
            found += batch.height
        else:
            shards.save(key, _checked(encoder, batch, source.name))
        batches.append((key, positions))
        done += batch.height
        if 100 * done >= milestone * keys.height and done < keys.height:
            LOGGER.info("%s: %d of %d items encoded", encoded, done, keys.height)
            milestone = 10 * (10 * done // keys.height) + 10
    counts: Counter[str] = Counter()
    with atomic_folder(output) as folder:
        keys.write_parquet(folder / "items.parquet")
        with vectors_file(folder / "vectors.safetensors", keys.height, encoder.features) as array:
            for key, positions in batches:
                shard = shards.load(key)
                array[positions] = shard.vectors
                counts.update(shard.counts)
        if extra is not None:
            extra(folder)
        write_manifest(
            folder,
            "encode_items",
            inputs=inputs,
            rows={"items.parquet": keys.height, "vectors.safetensors": keys.height},
            settings={
                **encoder.description,
                "encoded": encoded,
                "features": encoder.features,
                "batch_size": encoder.batch_size,
                "counts": dict(sorted(counts.items())),
                **(settings or {}),
            },
        )
    shards.remove()
    LOGGER.info(
        "%s: %d items, %d numbers each (%d items were there from an earlier run)",
        encoded,
        keys.height,
        encoder.features,
        found,
    )


def _batches(source: Source, encoder: ItemEncoder) -> Iterator[tuple[pl.DataFrame, np.ndarray]]:
    """Yield batches of items, similar ones together, and their positions in the result."""
    first = 0
    for window in source.windows(_BATCHES_PER_WINDOW * encoder.batch_size):
        cost = encoder.cost(window)
        order = np.arange(window.height) if cost is None else np.argsort(cost, kind="stable")
        for start in range(0, window.height, encoder.batch_size):
            part = order[start : start + encoder.batch_size]
            yield window[part], first + part
        first += window.height


def _checked(encoder: ItemEncoder, batch: pl.DataFrame, name: str) -> Encoded:
    result = encoder.encode(batch)
    vectors = np.ascontiguousarray(result.vectors, dtype=np.float32)
    if vectors.shape != (batch.height, encoder.features):
        raise ValueError(f"vectors of shape {vectors.shape} for {batch.height} items")
    odd = ~np.isfinite(vectors).all(axis=1)
    if odd.any():
        raise FleximodalError(
            f"The vector of row {batch['row'][int(odd.argmax())]} of {name} is not finite; check "
            "the item and the encoder's weights."
        )
    return Encoded(vectors, result.counts)
