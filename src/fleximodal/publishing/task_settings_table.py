"""Flex-MoE, table 6: hyperparameters per task, as printed and as the configuration gives them."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from fleximodal.errors import FleximodalError
from fleximodal.publishing.claims import NO_TARGET, Claim, write_claims
from fleximodal.publishing.facts_declaration import TaskSettingsTable
from fleximodal.publishing.formats import write_page
from fleximodal.publishing.numbers import NONE
from fleximodal.publishing.page import Page
from fleximodal.publishing.settings_table import (
    PARAMETERS,
    PRINTED,
    Used,
    compared,
    read_parameters,
)

COLUMNS = ("dataset", "task", "modalities", *PRINTED)
NO_RESULT = f"{NO_TARGET}a setting that the configuration gives, not a result"


def write_task_settings_table(
    table: TaskSettingsTable,
    published: Path | str,
    used: Mapping[str, Used],
    folder: Path | str,
    claims: Path | str,
) -> None:
    """Write the table in four formats, and its claims.

    Parameters
    ----------
    table
        The declaration.
    published
        CSV with the columns dataset, task, modalities, parameter, value_as_printed and source.
    used
        What the configuration gives, by task.
    folder, claims
        Folder of tables, and the CSV of the claims.

    Raises
    ------
    FleximodalError
        As `write_settings_table`, and if a task is not in the declaration.
    """
    frame = build_task_settings(table, published, used)
    write_page(frame, task_settings_page(frame, table), folder)
    write_claims(task_settings_claims(frame, table), claims)


def build_task_settings(
    table: TaskSettingsTable, published: Path | str, used: Mapping[str, Used]
) -> pd.DataFrame:
    """Return a row per printed parameter and task; see `write_task_settings_table`."""
    head = {"table": table.name, "method": table.method}
    rows = []
    for number, row in enumerate(read_parameters(published, COLUMNS), start=1):
        if row["task"] not in table.tasks:
            raise FleximodalError(
                f"{published}: row {number}: task {row['task']!r} is not in table {table.name}"
            )
        of_task = {name: row[name] for name in ("dataset", "task", "modalities")}
        rows.append({**head, **of_task, **compared(published, number, row, used[row["task"]])})
    return pd.DataFrame(rows)


def task_settings_page(frame: pd.DataFrame, table: TaskSettingsTable) -> Page:
    """Return the page: a row per parameter, and per task printed beside used."""
    keys = frame["parameter"].map(lambda name: PARAMETERS[name].key)
    view = pd.DataFrame({"Parameter": frame["parameter"], "Key": keys}).drop_duplicates()
    view = view.set_index("Parameter")
    for task in table.tasks:
        of_task = frame[frame["task"] == task].set_index("parameter")
        view[f"{task}, printed"] = of_task["printed"]
        view[f"{task}, used"] = of_task["used"]
        view[f"{task}, verdict"] = of_task["verdict"]
    caption = (
        f"{table.caption.strip()} Settings are those of {table.method}, variant paper; a key "
        "without a section stands under network, methods or by_task in the configuration."
    )
    return Page(
        name=table.name, title=table.title, view=view.fillna(NONE).reset_index(), caption=caption
    )


def task_settings_claims(frame: pd.DataFrame, table: TaskSettingsTable) -> list[Claim]:
    """Return one claim per printed number; settings are chosen, so that none is a target."""
    return [
        Claim(
            claim="-".join((table.name, row["task"], row["parameter"])),
            paper=table.paper,
            table=table.name,
            dataset=row["dataset"],
            modalities=row["modalities"],
            task=row["task"],
            metric=row["parameter"],
            method=table.method,
            variant="paper",
            published_mean=float(row["printed"]),
            measured=float(row["used"]),
            difference=float(row["used"]) - float(row["printed"]),
            data="",
            verdict=NO_RESULT,
        )
        for row in frame.to_dict("records")
    ]
