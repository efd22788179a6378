"""The declaration of a table: `config/tables/NAME.yaml`."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from fleximodal.config.cell import ALL_CASES, Cell
from fleximodal.config.protocols import Protocols
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.names import METRICS, SOURCES, SYNTHETIC, is_synthetic
from fleximodal.methods.variants import parse_variant
from fleximodal.publishing.declaration_file import check_names, read_keys
from fleximodal.publishing.titled import Titled

ModalitySet = Annotated[str, Field(pattern=r"^[a-z0-9]+(\+[a-z0-9]+)*$")]


class TableKeys(Titled):
    """The keys of a declaration."""

    caption: str = Field(min_length=1, description="what is shown, on which data")
    source: str = Field(
        description="name of a source, such as mimic4, or synthetic-mimic4 for generated data"
    )
    task: Literal["48-IHM", "LOS", "25-PHE", "one-year-mortality", "diagnosis"] = Field(
        description="name of the prediction task"
    )
    protocol: str = Field(description="name of a protocol of the configuration")
    modalities: list[ModalitySet] = Field(
        min_length=1, description="modality sets, each joined by + in the source's order"
    )
    methods: list[str] = Field(min_length=1, description="registered methods, in row order")
    cases: Literal["all"] | ModalitySet = Field(
        ALL_CASES,
        description="all, or modalities joined by + that a stay must have to be in any part",
    )
    variants: list[str] = Field(
        ["paper"],
        min_length=1,
        description="paper, released, or one of them with +ID of a switched difference or control",
    )
    metrics: list[str] = Field(min_length=1, description="metrics, in column order")
    figure: bool = Field(
        True, description="whether a figure is drawn: curves, or with `optimum` the optimum"
    )
    optimum: bool = Field(
        False,
        description="whether the best AUROC that any score can reach stands beside the measured "
        "one; for generated sources, where it is known",
    )
    peers: Annotated[str, Field(pattern=r"^[\w.-]+\.csv$")] | None = Field(
        None, description="file of config/published whose rows follow those measured"
    )


class TableDeclaration(TableKeys):
    """A declaration with the name that its file gives it."""

    name: str

    def cells(self) -> list[Cell]:
        """Return the cells of the table in the order of its rows."""
        place = (self.source, self.task, self.protocol, self.cases)
        return [
            Cell(*place, modality_set, method, variant)
            for modality_set in self.modalities
            for variant in self.variants
            for method in self.methods
        ]


def load_declaration(path: Path | str, known_methods: Collection[str]) -> TableDeclaration:
    """Read and check the declaration of a table; the table is named after the file.

    Raises
    ------
    FleximodalError
        For a file that is not a YAML mapping; an unknown or mistyped key, with its path and the
        nearest valid name; an unknown source, protocol, method or metric; a repeated entry;
        published values beside generated data; or an optimum that is not known.
    """
    path = Path(path)
    keys = read_keys(path, TableKeys)
    _check_names(keys, path, known_methods)
    return TableDeclaration(name=path.stem, **keys.model_dump())


def _check_names(keys: TableKeys, path: Path, known_methods: Collection[str]) -> None:
    protocols = [field.alias or name for name, field in Protocols.model_fields.items()]
    checks: list[tuple[str, list[str], Collection[str]]] = [
        ("source", [keys.source], SOURCES),
        ("protocol", [keys.protocol], protocols),
        ("methods", keys.methods, known_methods),
        ("metrics", keys.metrics, METRICS),
        ("modalities", keys.modalities, keys.modalities),
        ("variants", keys.variants, keys.variants),
    ]
    for key, given, known in checks:
        check_names(path, key, given, known)
    for variant in keys.variants:
        try:
            parse_variant(variant)
        except FleximodalError as error:
            raise FleximodalError(f"{path}: variants: {error}") from None
    if keys.peers and is_synthetic(keys.source):
        raise FleximodalError(
            f"{path}: peers: published values of real data cannot stand beside generated data; "
            "remove the key"
        )
    if keys.optimum and not is_synthetic(keys.source):
        raise FleximodalError(
            f"{path}: optimum: it is known for generated data only, not for source "
            f"{keys.source!r}; remove the key or choose a source that begins with {SYNTHETIC!r}"
        )
    if keys.optimum and "auroc" not in keys.metrics:
        raise FleximodalError(
            f"{path}: optimum: it stands beside the metric 'auroc'; add 'auroc' to metrics or "
            "remove the key"
        )
