"""The declaration of a table that a paper printed: `config/tables/table3.yaml` and its like."""

from collections.abc import Collection
from itertools import product
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from fleximodal.config.cells import ALL_CASES, Cell
from fleximodal.config.schema import Protocols, Section
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.names import METRICS, SYNTHETIC, TASKS
from fleximodal.publishing.declaration import ModalitySet
from fleximodal.publishing.declaration_file import check_names, read_keys

GENERATED = "generated"
COMPARED = ("auroc", "f1")  # metrics that papers print, so that have a margin
LAYOUT = "synthetic data in its layout"


class Otherwise(Section):
    """A printed value that was computed in another way than ours of the same name."""

    method: str = Field(description="printed method")
    task: str = Field(description="task")
    metric: str = Field(description="printed metric")
    measured: str = Field(description="our metric that is computed as the printed value was")


class NotTarget(Section):
    """Printed values that nothing is to be held against."""

    method: str = Field(description="printed method")
    tasks: list[str] = Field(min_length=1, description="tasks")
    modalities: str = Field(description="printed modalities")
    reason: str = Field(min_length=1, description="why")


class PublishedKeys(Section):
    """The keys of a declaration; printed names are those of the paper."""

    kind: Literal["published"] = Field(description="a table that a paper printed")
    published: Annotated[str, Field(pattern=r"^[\w.-]+\.csv$")] = Field(
        description="file of config/published with the printed values"
    )
    paper: str = Field("FuseMoE", min_length=1, description="the paper")
    title: str = Field(min_length=1, description="one line above the table")
    caption: str = Field(min_length=1, description="what is shown")
    release: Literal["mimic4", "mimic3"] = Field(description="the release that the paper used")
    tasks: list[str] = Field(min_length=1, description="tasks, in row order")
    protocol: str = Field(description="name of a protocol of the configuration")
    cases: Literal["all"] | ModalitySet = Field(
        ALL_CASES,
        description="all, or modalities joined by + that a stay must have to be in any part",
    )
    modalities: dict[str, ModalitySet] = Field(
        min_length=1, description="printed modalities and ours, in row order"
    )
    methods: dict[str, str] = Field(
        min_length=1, description="printed methods and registered ones, in column order"
    )
    gates: list[str] = Field(
        min_length=1, description="the printed methods that are the paper's own; the others are "
        "its baselines"
    )  # fmt: skip
    extensions: list[str] = Field(
        default_factory=list, description="registered methods of which the paper prints nothing"
    )
    metrics: dict[str, str] = Field(
        min_length=1, description="printed metrics and ours, in row order"
    )
    variant: str = Field("paper", description="variant of every cell")
    runs: int = Field(3, ge=1, description="runs behind each printed mean")
    otherwise: list[Otherwise] = Field(
        default_factory=list, description="printed values that were computed in another way"
    )
    not_targets: list[NotTarget] = Field(
        default_factory=list, description="printed values that nothing is held against"
    )


class PublishedTable(PublishedKeys):
    """A declaration with the name that its file gives it, and the source of its numbers."""

    name: str
    source: str

    def noted(self, note: str) -> "PublishedTable":
        """Return the declaration with `note` added to its title; as it is for an empty note."""
        title = f"{self.title} ({note})" if note else self.title
        return self.model_copy(update={"title": title})

    def cell(self, task: str, modalities: str, method: str) -> Cell:
        """Return the cell of a task, of our modality set and of a registered method."""
        return Cell(
            source=self.source,
            task=task,
            protocol=self.protocol,
            cases=self.cases,
            modalities=modalities,
            method=method,
            variant=self.variant,
        )

    def cells(self) -> list[Cell]:
        """Return the cells of the table: modality sets, then tasks, then methods."""
        columns = (*self.methods.values(), *self.extensions)
        keys = product(self.modalities.values(), self.tasks, columns)
        return [self.cell(task, modalities, method) for modalities, task, method in keys]


def load_published(
    path: Path | str, known_methods: Collection[str], papers_data: str
) -> PublishedTable:
    """Read and check a declaration; the table is named after the file.

    Parameters
    ----------
    path, known_methods
        The file, and the names of the registered methods.
    papers_data
        "generated": the release is the generated hospital in its layout, and the title says so;
        "real": it is the release itself.

    Raises
    ------
    FleximodalError
        For a file that is not a YAML mapping; an unknown or mistyped key; an unknown or repeated
        task, protocol, method or metric; or a printed name that the declaration does not have.
    """
    keys = read_keys(path, PublishedKeys)
    protocols = [field.alias or name for name, field in Protocols.model_fields.items()]
    check_names(path, "tasks", keys.tasks, TASKS)
    check_names(path, "protocol", [keys.protocol], protocols)
    check_names(path, "methods", [*keys.methods.values(), *keys.extensions], known_methods)
    check_names(path, "metrics", list(keys.metrics.values()), COMPARED)
    check_names(path, "gates", keys.gates, keys.methods)
    if not set(keys.methods) - set(keys.gates):
        raise FleximodalError(f"{path}: gates: every method is one; leave the baselines out")
    for place, other in enumerate(keys.otherwise):
        where = f"otherwise.{place}"
        check_names(path, f"{where}.method", [other.method], keys.methods)
        check_names(path, f"{where}.task", [other.task], keys.tasks)
        check_names(path, f"{where}.metric", [other.metric], keys.metrics)
        check_names(path, f"{where}.measured", [other.measured], METRICS)
    for place, value in enumerate(keys.not_targets):
        where = f"not_targets.{place}"
        check_names(path, f"{where}.method", [value.method], keys.methods)
        check_names(path, f"{where}.tasks", value.tasks, keys.tasks)
        check_names(path, f"{where}.modalities", [value.modalities], keys.modalities)
    values = {name: getattr(keys, name) for name in PublishedKeys.model_fields}
    source, values["title"] = placed(keys.release, keys.title, papers_data)
    return PublishedTable(name=Path(path).stem, source=source, **values)


def source_of(release: str, papers_data: str) -> str:
    """Return the source that stands for a release: itself, or its generated likeness."""
    return f"{SYNTHETIC}{release}" if papers_data == GENERATED else release


def placed(release: str, title: str, papers_data: str) -> tuple[str, str]:
    """Return the source that stands for a release, and a title that says if it is generated."""
    layout = f" ({LAYOUT})" if papers_data == GENERATED else ""
    return source_of(release, papers_data), f"{title}{layout}"
