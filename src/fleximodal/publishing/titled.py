"""What declarations of tables and figures have in common: a title, and data behind it."""

import json
from pathlib import Path
from typing import Self

from pydantic import Field

from fleximodal.config.section import Section
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.names import data_kind, is_demo


class Titled(Section):
    """A declaration with a title."""

    title: str = Field(min_length=1, description="one line above the table or figure")

    def noted(self, note: str) -> Self:
        """Return the declaration with `note` added to its title; as it is for an empty note."""
        title = f"{self.title} ({note})" if note else self.title
        return self.model_copy(update={"title": title})


class Sourced(Titled):
    """A declaration whose numbers are measured on the source that stands for a release."""

    source: str
    found: str = Field("", description="the release that was read, empty if it was not asked for")

    @property
    def data(self) -> str:
        """The kind of data: "real", "synthetic" or "demo"."""
        return data_kind(self.source, self.found)

    def measured_on(self, counts: Path | str | None) -> Self:
        """Return the declaration with the release that its source was read from.

        The title names the release of a demonstration.

        Parameters
        ----------
        counts
            counts.json of the canonical tables of the source; None where data are absent.

        Raises
        ------
        FleximodalError
            If the file does not name a release.
        """
        if counts is None:
            return self
        try:
            release = str(json.loads(Path(counts).read_text(encoding="utf-8"))["release"])
        except (OSError, ValueError, KeyError):
            raise FleximodalError(
                f"{counts}: does not name the release that was read; extract source "
                f"{self.source!r} again"
            ) from None
        found = self.model_copy(update={"found": release})
        return found.noted(release) if is_demo(release) else found
