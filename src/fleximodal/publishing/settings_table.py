"""FuseMoE, table 6: hyperparameters as printed, and those that the configuration gives."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fleximodal.cohorts.task import HORIZON_HOURS
from fleximodal.errors import FleximodalError
from fleximodal.publishing.formats import write_page
from fleximodal.publishing.numbers import NONE
from fleximodal.publishing.own_declaration import SettingsTable
from fleximodal.publishing.page import Page

EQUAL, DIFFERS, UNUSED = "equal", "differs", "not used"
PRINTED = ("parameter", "value_as_printed", "source")
COLUMNS = ("group", *PRINTED)
FROZEN = "the text encoder is frozen: notes are encoded once"


@dataclass(frozen=True)
class Used:
    """What the configuration in use gives."""

    settings: Mapping[str, Any]  # of the method, variant `paper`
    training: Mapping[str, Any]
    seeds: list[int]


@dataclass(frozen=True)
class Parameter:
    """Where a printed parameter is found in the configuration; `value` None: it is not used."""

    key: str
    value: Callable[[Used], Any] | None
    note: str = ""


def _setting(name: str, note: str = "") -> Parameter:
    return Parameter(name, lambda used: used.settings[name], note)


def _training(name: str, note: str = "") -> Parameter:
    return Parameter(f"training.{name}", lambda used: used.training[name], note)


STEP = "printed: a step after 16 batches of 2 stays; here: after one batch"
PARAMETERS = {
    "Number of experts": _setting("experts"),
    "FFN hidden size": _setting("expert_hidden"),
    "Top k": _setting("top_k"),
    "Disjoint top k": _setting("disjoint_top_k"),
    "Hidden activation function": Parameter("fixed", lambda used: "GeLU"),
    "Number of MoE layers": _setting("layers"),
    "Random seed": Parameter("seeds", lambda used: list(used.seeds)),
    "Training epochs": _training("epochs"),
    "Training batch size": _training("batch_size", STEP),
    "Eval batch size": Parameter(
        "", None, "stays are scored one by one, whatever the batch they are in"
    ),
    "CNN kernel size": _setting("grid_kernel"),
    "Gradient accumulation steps": Parameter("fixed", lambda used: 1, STEP),
    "BERT update epochs": Parameter("", None, FROZEN),
    "BERT learning rate": Parameter("", None, FROZEN),
    "Time series encoder learning rate": _training("learning_rate", "of all parameters"),
    "Number of notes to include for a patient": _training(
        "max_items", "of images and ECGs too; none for all"
    ),
    "Get notes from beginning or last": Parameter("fixed", lambda used: "Last"),
    "Attention embedding dimension": _setting("width"),
    "Number of attention heads": _setting("heads"),
    "Maximum time for irregular time series": Parameter(
        "fixed", lambda used: int(HORIZON_HOURS), "hours"
    ),
    "Time embedding dimension": _setting("time_width"),
    # Of Flex-MoE; names that both papers print stand above.
    "Learning rate": _training("learning_rate"),
    "Number of SMoE layers": _setting("layers"),
    "Warm-up epochs": _setting("warmup_epochs"),
    "Hidden dimension": _setting("width"),
    "Batch size": _training("batch_size"),
}


def write_settings_table(
    table: SettingsTable, published: Path | str, used: Used, folder: Path | str
) -> None:
    """Write the table in four formats.

    Parameters
    ----------
    table
        The declaration.
    published
        CSV with the columns group, parameter, value_as_printed and source.
    used
        What the configuration gives.
    folder
        Folder of tables.

    Raises
    ------
    FleximodalError
        If the file cannot be read, lacks a column or names a parameter that is not known here.
    """
    frame = build_settings_table(table, published, used)
    write_page(frame, settings_page(frame, table), folder)


def build_settings_table(table: SettingsTable, published: Path | str, used: Used) -> pd.DataFrame:
    """Return one row per printed parameter; parameters and errors as `write_settings_table`."""
    head = {"table": table.name, "method": table.method}
    rows = [
        {**head, "group": row["group"], **compared(published, number, row, used)}
        for number, row in enumerate(read_parameters(published, COLUMNS), start=1)
    ]
    return pd.DataFrame(rows)


def settings_page(frame: pd.DataFrame, table: SettingsTable) -> Page:
    """Return the page: printed beside used."""
    view = pd.DataFrame(
        {
            "Group": frame["group"],
            "Parameter": frame["parameter"],
            "Printed": frame["printed"],
            "Used": frame["used"].fillna(NONE),
            "Key": frame["key"].replace("", NONE),
            "Verdict": frame["verdict"],
            "Note": frame["note"].replace("", NONE),
        }
    )
    caption = (
        f"{table.caption.strip()} Settings are those of {table.method}, variant paper; a key "
        "without a section stands under network or under methods in the configuration."
    )
    return Page(name=table.name, title=table.title, view=view, caption=caption)


def read_parameters(published: Path | str, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a file of printed parameters, as text.

    Raises
    ------
    FleximodalError
        If the file cannot be read or lacks one of the columns.
    """
    try:
        frame = pd.read_csv(published, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise FleximodalError(f"{published}: cannot be read as CSV ({error})") from None
    absent = [name for name in columns if name not in frame]
    if absent:
        raise FleximodalError(f"{published}: column {absent[0]!r} is missing; add it")
    return [
        {str(key): str(value) for key, value in row.items()} for row in frame.to_dict("records")
    ]


def compared(
    published: Path | str, number: int, row: Mapping[str, str], used: Used
) -> dict[str, Any]:
    """Return a printed parameter beside the used one; `number` is its row in the file.

    Raises
    ------
    FleximodalError
        If the parameter is not in `PARAMETERS`.
    """
    name, printed = row["parameter"], row["value_as_printed"]
    if name not in PARAMETERS:
        raise FleximodalError(f"{published}: row {number}: unknown parameter {name!r}; mend it")
    parameter = PARAMETERS[name]
    value = None if parameter.value is None else parameter.value(used)
    same = _value(printed) == _value(_text(value))
    return {
        "parameter": name,
        "printed": printed,
        "used": None if parameter.value is None else _text(value),
        "key": parameter.key,
        "verdict": UNUSED if parameter.value is None else EQUAL if same else DIFFERS,
        "note": parameter.note,
        "source": row["source"],
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _value(text: str) -> Any:
    """Return what a text says: a number, a list of numbers, or words whatever their case."""
    try:
        return json.loads(text.lower())
    except ValueError:
        return text.lower()
