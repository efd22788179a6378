"""What the declarations of tables that a paper printed have in common."""

from collections.abc import Collection, Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from fleximodal.config.cell import ALL_CASES, Cell
from fleximodal.config.protocols import Protocols
from fleximodal.config.section import Section
from fleximodal.evaluation.names import PAIRED_METRICS, SYNTHETIC, TASKS
from fleximodal.publishing.declaration import ModalitySet
from fleximodal.publishing.declaration_file import check_names
from fleximodal.publishing.titled import Sourced, Titled

GENERATED = "generated"
COMPARED = PAIRED_METRICS  # metrics that papers print, so that have a margin
LAYOUT = "synthetic data in its layout"
Release = Literal["mimic4", "mimic3", "adni"]
PublishedFile = Annotated[str, Field(pattern=r"^[\w.-]+\.csv$")]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_listed), Field(min_length=1)]


class NotTarget(Section):
    """Printed values that nothing is to be held against; a key that is left out means all."""

    method: Names | None = Field(None, description="printed methods")
    tasks: Names | None = Field(None, description="tasks")
    modalities: Names | None = Field(None, description="printed modalities")
    metric: Names | None = Field(None, description="printed metrics")
    reason: str = Field(min_length=1, description="why")

    def covers(self, row: Mapping[Any, Any]) -> bool:
        """Tell whether a row with `method`, `task`, `modalities` and `metric` is among them."""
        names = (
            (self.method, row["method"]),
            (self.tasks, row["task"]),
            (self.modalities, row["modalities"]),
            (self.metric, row["metric"]),
        )
        return all(known is None or name in known for known, name in names)

    def words(self) -> str:
        """Return which values are meant, such as "TF, MAG and LIMoE with IGCB"."""
        parts = [
            word + " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
            for word, names in (
                ("", self.metric),
                ("of " if self.metric else "", self.method),
                ("on ", self.tasks),
                ("with ", self.modalities),
            )
            if names is not None
        ]
        return " ".join(parts) or "Every value"


class PrintedKeys(Titled):
    """The keys that they have in common; printed names are those of the paper."""

    published: PublishedFile = Field(description="file of config/published with the printed values")
    paper: str = Field("FuseMoE", min_length=1, description="the paper")
    caption: str = Field(min_length=1, description="what is shown")
    release: Release = Field(description="the release that the paper used")
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
    metrics: dict[str, str] = Field(
        min_length=1, description="printed metrics and ours, in row order"
    )
    variant: str = Field("paper", description="variant of every cell")
    runs: int = Field(3, ge=1, description="runs behind each printed mean")
    deviation: Literal["sample", "population"] = Field(
        "sample",
        description="whether printed deviations over runs divide by their number less one, or by "
        "their number",
    )
    not_targets: list[NotTarget] = Field(
        default_factory=list, description="printed values that nothing is held against"
    )


class PrintedTable(PrintedKeys, Sourced):
    """A declaration with the name that its file gives it, and the source of its numbers."""

    name: str

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

    def columns(self) -> dict[str, str]:
        """Return the name and the registered method of each column."""
        return dict(self.methods)

    def cells(self) -> list[Cell]:
        """Return the cells of the table: modality sets, then tasks, then methods."""
        keys = product(self.modalities.values(), self.tasks, self.columns().values())
        return [self.cell(task, modalities, method) for modalities, task, method in keys]

    def measured_otherwise(self, row: Mapping[Any, Any]) -> str | None:
        """Return our metric that is computed as a printed value was, if another than its own."""
        return None

    def reason(self, row: Mapping[Any, Any]) -> str | None:
        """Return why nothing is held against the printed value of a row, if it is no target."""
        return next((value.reason for value in self.not_targets if value.covers(row)), None)


def check_printed(path: Path | str, keys: PrintedKeys, known_methods: Collection[str]) -> None:
    """Check the names of a declaration.

    Raises
    ------
    FleximodalError
        For an unknown or repeated task, protocol, method or metric, or a printed name that the
        declaration does not have.
    """
    protocols = [field.alias or name for name, field in Protocols.model_fields.items()]
    check_names(path, "tasks", keys.tasks, TASKS)
    check_names(path, "protocol", [keys.protocol], protocols)
    check_names(path, "methods", list(keys.methods.values()), known_methods)
    check_names(path, "metrics", list(keys.metrics.values()), COMPARED)
    for place, value in enumerate(keys.not_targets):
        for key, names, known in (
            ("method", value.method, keys.methods),
            ("tasks", value.tasks, keys.tasks),
            ("modalities", value.modalities, keys.modalities),
            ("metric", value.metric, keys.metrics),
        ):
            check_names(path, f"not_targets.{place}.{key}", names or [], known)


def source_of(release: str, papers_data: str) -> str:
    """Return the source that stands for a release: itself, or its generated likeness."""
    return f"{SYNTHETIC}{release}" if papers_data == GENERATED else release


def placed(release: str, title: str, papers_data: str) -> tuple[str, str]:
    """Return the source that stands for a release, and a title that says if it is generated."""
    layout = f" ({LAYOUT})" if papers_data == GENERATED else ""
    return source_of(release, papers_data), f"{title}{layout}"
