"""Table 1: what methods can do, as printed, and which method of this project stands for them."""

from pathlib import Path

import pandas as pd

from fleximodal.errors import FleximodalError
from fleximodal.publishing.formats import write_page
from fleximodal.publishing.numbers import NONE
from fleximodal.publishing.own_declaration import MethodsTable
from fleximodal.publishing.page import Page

COLUMNS = ("method", "property", "value_as_printed", "source")
HERE = "In this project"


def write_methods_table(table: MethodsTable, published: Path | str, folder: Path | str) -> None:
    """Write the table in four formats.

    Parameters
    ----------
    table
        The declaration.
    published
        CSV with the columns method, property, value_as_printed and source.
    folder
        Folder of tables.

    Raises
    ------
    FleximodalError
        If the file cannot be read or lacks a column, or if the declaration names a method or a
        property that it does not have.
    """
    frame = build_methods_table(table, published)
    write_page(frame, methods_page(frame, table), folder)


def build_methods_table(table: MethodsTable, published: Path | str) -> pd.DataFrame:
    """Return one row per printed property: as printed, what is added, the method of this project.

    Parameters and errors are those of `write_methods_table`.
    """
    try:
        frame = pd.read_csv(published, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise FleximodalError(f"{published}: cannot be read as CSV ({error})") from None
    absent = [name for name in COLUMNS if name not in frame]
    if absent:
        raise FleximodalError(f"{published}: column {absent[0]!r} is missing; add it")
    notes = {(note.method, note.property): note.note for note in table.notes}
    keys = list(zip(frame["method"], frame["property"], strict=True))
    for method in table.here:
        if method not in set(frame["method"]):
            raise FleximodalError(f"table {table.name}: here: {published} has no method {method!r}")
    for note in notes:
        if note not in keys:
            raise FleximodalError(f"table {table.name}: notes: {published} has no {' '.join(note)}")
    return pd.DataFrame(
        {
            "table": table.name,
            "method": frame["method"],
            "property": frame["property"],
            "printed": frame["value_as_printed"],
            "note": [notes.get(key) for key in keys],
            "here": frame["method"].map(table.here),
            "source": frame["source"],
        }
    )


def methods_page(frame: pd.DataFrame, table: MethodsTable) -> Page:
    """Return the page: a row per method, a column per property, as in print."""
    notes = frame["note"].map(lambda note: f" ({note})" if isinstance(note, str) else "")
    shown = frame.assign(shown=frame["printed"] + notes)
    methods = list(dict.fromkeys(frame["method"]))
    properties = list(dict.fromkeys(frame["property"]))
    view = shown.pivot(index="method", columns="property", values="shown")
    view = view.loc[methods, properties].rename_axis(columns=None)
    here = frame.drop_duplicates("method").set_index("method")["here"].fillna(NONE)
    view[HERE] = here
    view = view.rename_axis("Method").reset_index()
    return Page(name=table.name, title=table.title, view=view, caption=table.caption.strip())
