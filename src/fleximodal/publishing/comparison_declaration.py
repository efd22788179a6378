"""The declaration of a comparison of variants: `config/tables/switches.yaml` and its like."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field

from fleximodal.config.cells import ALL_CASES, Cell
from fleximodal.config.schema import Protocols, Section
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.names import TASKS
from fleximodal.methods.variants import NOISE, SHUFFLED_LABELS, parse_variant
from fleximodal.publishing.declaration import ModalitySet
from fleximodal.publishing.declaration_file import check_names, read_keys
from fleximodal.publishing.published_declaration import COMPARED, placed

# Verdicts on negative controls.
CHANCE, NOT_CHANCE = "as it must be: chance", "NOT as it must be: not chance"
NO_GAIN, GAIN = "as it must be: no gain", "NOT as it must be: a gain"


class ComparisonKeys(Section):
    """The keys of a declaration."""

    kind: Literal["comparison"] = Field(description="a comparison of variants on the same data")
    title: str = Field(min_length=1, description="one line above the table")
    caption: str = Field(min_length=1, description="what is shown")
    release: Literal["mimic4", "mimic3"] = Field(description="the release that the papers used")
    task: str = Field(description="name of the task")
    protocol: str = Field(description="name of a protocol of the configuration")
    cases: Literal["all"] | ModalitySet = Field(
        ALL_CASES,
        description="all, or modalities joined by + that a stay must have to be in any part",
    )
    modalities: list[ModalitySet] = Field(min_length=1, description="modality sets")
    methods: list[str] = Field(min_length=1, description="registered methods")
    variants: list[str] = Field(
        min_length=2, description="variants, in row order; a control is held against its target"
    )
    reference: str = Field("paper", description="the variant that the others are held against")
    metrics: list[str] = Field(list(COMPARED), min_length=1, description="metrics")


class Comparison(ComparisonKeys):
    """A declaration with the name that its file gives it, and the source of its numbers."""

    name: str
    source: str

    def noted(self, note: str) -> "Comparison":
        """Return the declaration with `note` added to its title; as it is for an empty note."""
        title = f"{self.title} ({note})" if note else self.title
        return self.model_copy(update={"title": title})

    def rows(self) -> list[tuple[Cell, Cell | None]]:
        """Return each cell and the one it is held against: modality sets, methods, variants.

        The reference is held against nothing. A modality of noise is held against the same method
        without that modality, everything else against the reference variant.
        """
        return [
            (cell, self._against(cell))
            for modalities in self.modalities
            for method in self.methods
            for cell in (self._cell(modalities, method, variant) for variant in self.variants)
        ]

    def cells(self) -> list[Cell]:
        """Return every cell of the table, and those that are only held against."""
        pairs = [cell for pair in self.rows() for cell in pair if cell is not None]
        return list(dict.fromkeys(pairs))

    def _cell(self, modalities: str, method: str, variant: str) -> Cell:
        return Cell(
            source=self.source,
            task=self.task,
            protocol=self.protocol,
            cases=self.cases,
            modalities=modalities,
            method=method,
            variant=variant,
        )

    def _against(self, cell: Cell) -> Cell | None:
        if cell.variant == self.reference:
            return None
        noise = noise_of(cell.variant)
        if noise is None:
            return replace(cell, variant=self.reference)
        others = [name for name in cell.modalities.split("+") if name != noise]
        variant = "+".join(part for part in cell.variant.split("+") if part != f"{NOISE}{noise}")
        return replace(cell, modalities="+".join(others), variant=variant)


def noise_of(variant: str) -> str | None:
    """Return the modality that a variant replaces by noise, None if it does not."""
    controls = parse_variant(variant).controls
    return next((c.removeprefix(NOISE) for c in controls if c.startswith(NOISE)), None)


def shuffles(variant: str) -> bool:
    """Tell whether a variant gives each stay the labels of another one."""
    return SHUFFLED_LABELS in parse_variant(variant).controls


def load_comparison(
    path: Path | str, known_methods: Collection[str], papers_data: str
) -> Comparison:
    """Read and check a declaration; parameters are those of `load_published`.

    Raises
    ------
    FleximodalError
        For a file that is not a YAML mapping; an unknown or mistyped key; an unknown or repeated
        task, protocol, method, variant or metric; a reference that is no variant of the table; or
        noise in a modality that a set does not have, or that is alone in it.
    """
    keys = read_keys(path, ComparisonKeys)
    protocols = [field.alias or name for name, field in Protocols.model_fields.items()]
    check_names(path, "task", [keys.task], TASKS)
    check_names(path, "protocol", [keys.protocol], protocols)
    check_names(path, "methods", keys.methods, known_methods)
    check_names(path, "metrics", keys.metrics, COMPARED)
    check_names(path, "modalities", keys.modalities, keys.modalities)
    check_names(path, "variants", keys.variants, keys.variants)
    check_names(path, "reference", [keys.reference], keys.variants)
    for variant in keys.variants:
        try:
            noise = noise_of(variant)
        except FleximodalError as error:
            raise FleximodalError(f"{path}: variants: {error}") from None
        for modalities in keys.modalities if noise else ():
            names = modalities.split("+")
            if noise not in names or len(names) == 1:
                raise FleximodalError(
                    f"{path}: variants: {variant!r} needs modality sets that have {noise!r} and "
                    f"another one; {modalities!r} does not"
                )
    values = {name: getattr(keys, name) for name in ComparisonKeys.model_fields}
    source, values["title"] = placed(keys.release, keys.title, papers_data)
    return Comparison(name=Path(path).stem, source=source, **values)
