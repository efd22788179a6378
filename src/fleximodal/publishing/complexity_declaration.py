"""The declaration of a table of sizes and costs that a paper printed."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from pydantic import Field

from fleximodal.publishing.declaration_file import read_keys
from fleximodal.publishing.printed_declaration import (
    PrintedKeys,
    PrintedTable,
    check_printed,
    placed,
)

Quantity = Literal[
    "seconds_per_iteration", "forward_gflops_per_stay", "parameters"
]  # of complexity.json


class ComplexityKeys(PrintedKeys):
    """The keys of a declaration."""

    kind: Literal["complexity"] = Field(description="sizes and costs that a paper printed")
    quantities: dict[str, Quantity] = Field(
        min_length=1, description="printed quantities and ours, in row order"
    )
    no_target: str = Field(min_length=1, description="why nothing is held against the quantities")


class ComplexityTable(ComplexityKeys, PrintedTable):
    """A declaration with the name that its file gives it, and the source of its numbers."""


def load_complexity(
    path: Path | str, known_methods: Collection[str], papers_data: str
) -> ComplexityTable:
    """Read and check a declaration; parameters and errors are those of `load_published`."""
    keys = read_keys(path, ComplexityKeys)
    check_printed(path, keys, known_methods)
    values = {name: getattr(keys, name) for name in ComplexityKeys.model_fields}
    source, values["title"] = placed(keys.release, keys.title, papers_data)
    return ComplexityTable(name=Path(path).stem, source=source, **values)
