"""The declaration of a table that a paper printed: `config/tables/table3.yaml` and its like."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from fleximodal.config.section import Section
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.names import METRICS
from fleximodal.publishing.declaration_file import check_names, read_keys
from fleximodal.publishing.printed_declaration import (
    COMPARED,
    PrintedKeys,
    PrintedTable,
    check_printed,
    placed,
    source_of,
)

__all__ = ["COMPARED", "PublishedTable", "load_published", "placed", "source_of"]


class Otherwise(Section):
    """A printed value that was computed in another way than ours of the same name."""

    method: str = Field(description="printed method")
    task: str = Field(description="task")
    metric: str = Field(description="printed metric")
    measured: str = Field(description="our metric that is computed as the printed value was")


class PublishedKeys(PrintedKeys):
    """The keys of a declaration; printed names are those of the paper."""

    kind: Literal["published"] = Field(description="a table that a paper printed")
    gates: list[str] = Field(
        min_length=1, description="the printed methods that are the paper's own; the others are "
        "its baselines"
    )  # fmt: skip
    extensions: list[str] = Field(
        default_factory=list, description="registered methods of which the paper prints nothing"
    )
    otherwise: list[Otherwise] = Field(
        default_factory=list, description="printed values that were computed in another way"
    )


class PublishedTable(PublishedKeys, PrintedTable):
    """A declaration with the name that its file gives it, and the source of its numbers."""

    def columns(self) -> dict[str, str]:
        """Return the name and the registered method of each column, extensions last."""
        return {**self.methods, **{method: method for method in self.extensions}}

    def measured_otherwise(self, row: Mapping[Any, Any]) -> str | None:
        """Return our metric that is computed as a printed value was, if another than its own."""
        place = (row["method"], row["task"], row["metric"])
        found = (
            other.measured
            for other in self.otherwise
            if (other.method, other.task, other.metric) == place
        )
        return next(found, None)


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
    check_printed(path, keys, known_methods)
    check_names(path, "methods", [*keys.methods.values(), *keys.extensions], known_methods)
    check_names(path, "gates", keys.gates, keys.methods)
    if not set(keys.methods) - set(keys.gates):
        raise FleximodalError(f"{path}: gates: every method is one; leave the baselines out")
    for place, other in enumerate(keys.otherwise):
        where = f"otherwise.{place}"
        check_names(path, f"{where}.method", [other.method], keys.methods)
        check_names(path, f"{where}.task", [other.task], keys.tasks)
        check_names(path, f"{where}.metric", [other.metric], keys.metrics)
        check_names(path, f"{where}.measured", [other.measured], METRICS)
    values = {name: getattr(keys, name) for name in PublishedKeys.model_fields}
    source, values["title"] = placed(keys.release, keys.title, papers_data)
    return PublishedTable(name=Path(path).stem, source=source, **values)
