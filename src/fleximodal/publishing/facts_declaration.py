"""Declarations of printed tables that no training is behind: raw files, settings of tasks."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from fleximodal.config.cell import Cell
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.names import TASKS
from fleximodal.publishing.declaration_file import check_names, read_keys, read_mapping
from fleximodal.publishing.printed_declaration import PublishedFile, Release, placed
from fleximodal.publishing.titled import Sourced, Titled


class FactsKeys(Titled):
    """The keys that they have in common."""

    published: PublishedFile = Field(description="file of config/published with the printed values")
    paper: str = Field(min_length=1, description="the paper")
    caption: str = Field(min_length=1, description="what is shown")


class FactsTable(FactsKeys):
    """A declaration with the name that its file gives it."""

    name: str

    def cells(self) -> list[Cell]:
        """Return no cells: nothing is trained for such a table."""
        return []


class RawFilesKeys(FactsKeys):
    """Shapes of raw files."""

    kind: Literal["raw-files"] = Field(description="shapes of raw files")
    release: Release = Field(description="the release that the paper used")
    files: dict[str, str] = Field(
        min_length=1,
        description="printed files, in row order, and what ours are called: that name, or that "
        "name, an underscore and more",
    )


class RawFilesTable(RawFilesKeys, FactsTable, Sourced):
    """A declared table of raw files, with the source that stands for the release."""


class TaskSettingsKeys(FactsKeys):
    """Hyperparameters per task."""

    kind: Literal["task-settings"] = Field(description="hyperparameters per task")
    method: str = Field(description="the registered method whose settings are shown")
    tasks: list[str] = Field(min_length=1, description="tasks, in column order")


class TaskSettingsTable(TaskSettingsKeys, FactsTable):
    """A declared table of hyperparameters per task."""


FACTS = ("raw-files", "task-settings")


def load_facts(path: Path | str, papers_data: str) -> RawFilesTable | TaskSettingsTable:
    """Read and check a declaration of one of the kinds `FACTS`; the table is named after the file.

    Parameters
    ----------
    path
        The file.
    papers_data
        "generated" or "real": what stands for the releases that papers used.

    Raises
    ------
    FleximodalError
        For a file that is not a YAML mapping, another kind, an unknown or mistyped key, or an
        unknown or repeated task.
    """
    name, kind = Path(path).stem, read_mapping(path).get("kind")
    if kind == "task-settings":
        settings = read_keys(path, TaskSettingsKeys)
        check_names(path, "tasks", settings.tasks, TASKS)
        return TaskSettingsTable(name=name, **settings.model_dump())
    if kind == "raw-files":
        values = read_keys(path, RawFilesKeys).model_dump()
        source, values["title"] = placed(values["release"], values["title"], papers_data)
        return RawFilesTable(name=name, source=source, **values)
    raise FleximodalError(f"{path}: unknown kind {kind!r}; it must be one of {', '.join(FACTS)}")
