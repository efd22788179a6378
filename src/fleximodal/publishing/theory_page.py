"""What a reader sees of table 2: slopes with intervals beside the theory."""

import pandas as pd

from fleximodal.publishing.numbers import NONE, rounded
from fleximodal.publishing.own_declaration import OwnTable
from fleximodal.publishing.page import Page


def page_of_table2(frame: pd.DataFrame, table: OwnTable) -> Page:
    """Return the page of `theory_table.build_table2`'s frame."""
    view = pd.DataFrame(
        {
            "Configuration": frame["configuration"],
            "Gate": frame["gate"],
            "Setting": frame["setting"],
            "Replicates": frame["replicates"].map(_whole),
            "Quantity": frame["quantity"],
            "Fitted in cell": frame["fitted_in_cell"].map(_whole),
            "Error": frame["error"].map(_text),
            "Theory": frame["theory"].map(_number),
            "Printed": frame["printed"].map(_number),
            "Slope [interval]": [
                _slope(*row)
                for row in zip(frame["slope"], frame["low"], frame["high"], strict=True)
            ],
            "Against theory": frame["against_theory"].map(_text),
            "Against printed": frame["against_printed"].map(_text),
            "Not converged": frame["not_converged"].map(_whole),
        }
    )
    return Page(name=table.name, title=table.title, view=view, caption=table.caption.strip())


def _number(value: float | None) -> str:
    return NONE if pd.isna(value) else rounded(float(str(value)), 3)


def _whole(value: float | None) -> str:
    return NONE if pd.isna(value) else f"{int(str(value)):,}"


def _text(value: str | None) -> str:
    return str(value) if isinstance(value, str) and value else NONE


def _slope(slope: float, low: float, high: float) -> str:
    if pd.isna(slope):
        return NONE
    return rounded(slope, 3) + ("" if pd.isna(low) else f" [{rounded(low, 3)}, {rounded(high, 3)}]")
