"""Declarations of the tables that are not made of cells; each has a rule of its own."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from fleximodal.config.cell import Cell
from fleximodal.config.section import Section
from fleximodal.errors import FleximodalError
from fleximodal.publishing.declaration_file import read_keys, read_mapping
from fleximodal.publishing.titled import Titled


class OwnTable(Titled):
    """The keys that all of them have."""

    name: ClassVar[str]

    kind: str
    caption: str = Field(min_length=1, description="what is shown")
    published: Annotated[str, Field(pattern=r"^[\w.-]+\.csv$")] = Field(
        description="file of config/published with the printed values"
    )

    def cells(self) -> list[Cell]:
        """Return no cells: nothing is trained for such a table."""
        return []


class Note(Section):
    """What is added to a printed property."""

    method: str = Field(description="printed method")
    property: str = Field(description="printed property")
    note: str = Field(min_length=1, description="what follows the value, in brackets")


class MethodsTable(OwnTable):
    """Table 1: what methods can do, in words."""

    name: ClassVar[str] = "table1"

    kind: Literal["methods"] = Field(description="what methods can do")
    here: dict[str, str] = Field(description="printed method: what stands for it in this project")
    notes: list[Note] = Field(default_factory=list, description="what is added to properties")


class RatesTable(OwnTable):
    """Table 2: rates of estimation, in theory and measured."""

    name: ClassVar[str] = "table2"

    kind: Literal["rates"] = Field(description="rates of estimation")


class CountsTable(OwnTable):
    """Table 5: sizes of cohorts."""

    name: ClassVar[str] = "table5"

    kind: Literal["counts"] = Field(description="sizes of cohorts")


class SettingsTable(OwnTable):
    """Table 6: hyperparameters, printed and used."""

    name: ClassVar[str] = "table6"

    kind: Literal["settings"] = Field(description="hyperparameters")
    method: str = Field(description="the registered method whose settings are shown")


KINDS: dict[str, type[OwnTable]] = {
    "methods": MethodsTable,
    "rates": RatesTable,
    "counts": CountsTable,
    "settings": SettingsTable,
}


def load_own(path: Path | str) -> OwnTable:
    """Read and check a declaration.

    Raises
    ------
    FleximodalError
        For a file that is not a YAML mapping, a kind that is not one of `KINDS`, an unknown or
        mistyped key, or another name of the file than the kind has.
    """
    kind = read_mapping(path).get("kind")
    if kind not in KINDS:
        raise FleximodalError(
            f"{path}: unknown kind {kind!r}; it must be one of {', '.join(KINDS)}"
        )
    model = KINDS[kind]
    if Path(path).stem != model.name:
        raise FleximodalError(
            f"{path}: kind {kind!r} is that of {model.name}.yaml; rename the file"
        )
    return read_keys(path, model)
