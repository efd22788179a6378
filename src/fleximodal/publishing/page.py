"""What a reader sees of a table, whatever the table is about."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Page:
    """A named table of text cells with its title and caption.

    `more` holds further tables below the caption, each with its heading.
    """

    name: str
    title: str
    view: pd.DataFrame
    caption: str
    more: tuple[tuple[str, pd.DataFrame], ...] = ()
