"""The canonical tables of MIMIC-IV, in bounded memory: every large table is read once."""

import logging
from dataclasses import replace
from pathlib import Path

import polars as pl

from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import atomic_folder
from fleximodal.sources.mimic.tables import collect, scan_table
from fleximodal.sources.mimic4.channels import (
    ABSOLUTE_NEUTROPHILS,
    ABSOLUTE_NEUTROPHILS_LABEL,
    CHANNELS,
    Channel,
)
from fleximodal.sources.mimic4.extraction import Extraction
from fleximodal.sources.mimic4.folders import Mimic4Folders

LOGGER = logging.getLogger("fleximodal.sources")


def write_canonical(
    folders: Mimic4Folders,
    output: Path,
    *,
    source: str,
    channels: str = "paper",
    range_filter: bool,
    bound_at_outtime: bool,
) -> None:
    """Read the modules of MIMIC-IV and write the folder of canonical tables, all of it or nothing.

    Parameters
    ----------
    folders
        Where the modules are. The tables of a module that is not there are not written.
    output
        Folder to write; an existing one is replaced as a whole.
    source
        Name of the source; one that starts with "synthetic-" was generated, so that its numbers of
        rows are not compared with those of a release.
    channels
        Which list of channels: "paper", "authors" or "haim".
    range_filter
        Drop values outside the outlier bounds and clip to the valid ones, see `channels`.
    bound_at_outtime
        Leave out charted values after the end of the stay. Laboratory values and items always lie
        within the stay.

    Raises
    ------
    FleximodalError
        If a table is absent, damaged, at odds with itself or not of the release that it seems to
        be.
    """
    if channels not in CHANNELS:
        raise FleximodalError(
            f"The list of channels {channels!r} does not exist; choose one of "
            f"{', '.join(CHANNELS)}."
        )
    folders.check()
    with atomic_folder(Path(output)) as folder:
        run = Extraction(folders, folder, range_filter=range_filter)
        run.read_stays(source)
        preset = resolve_items(CHANNELS[channels], folders.item_labels())
        LOGGER.info("%s, channels %r (%d)", run.counts["release"], channels, len(preset))
        run.write_measurements(preset, bound_at_outtime=bound_at_outtime)
        run.write_items()
        run.finish(
            {
                "source": source,
                "channels": channels,
                "range_filter": range_filter,
                "bound_at_outtime": bound_at_outtime,
            }
        )


def resolve_items(preset: tuple[Channel, ...], labels: Path | None) -> tuple[Channel, ...]:
    """Return the channels with the item of the absolute neutrophil count as d_items has it.

    Parameters
    ----------
    preset
        One of `CHANNELS`.
    labels
        The table icu/d_items; without it, or without the label in it, the known item stays.
    """
    if labels is None or ABSOLUTE_NEUTROPHILS not in preset:
        return preset
    rows = collect(scan_table(labels, {"itemid": pl.Int64, "label": pl.String}), labels)
    items = rows.filter(pl.col("label") == ABSOLUTE_NEUTROPHILS_LABEL)["itemid"].drop_nulls()
    if items.is_empty():
        LOGGER.warning("d_items has no %r, its known item is used", ABSOLUTE_NEUTROPHILS_LABEL)
        return preset
    resolved = replace(ABSOLUTE_NEUTROPHILS, items=tuple(sorted(items)))
    return tuple(resolved if channel == ABSOLUTE_NEUTROPHILS else channel for channel in preset)
