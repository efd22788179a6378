"""The declaration of a comparison on the same data: `config/tables/switches.yaml` and its like."""

from collections.abc import Collection
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from fleximodal.config.cell import ALL_CASES, Cell
from fleximodal.config.protocols import Protocols
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.names import PAIRED_METRICS, TASKS
from fleximodal.methods.variants import NOISE, SHUFFLED_LABELS, parse_variant
from fleximodal.publishing.declaration import ModalitySet
from fleximodal.publishing.declaration_file import check_names, read_keys
from fleximodal.publishing.printed_declaration import Release, placed
from fleximodal.publishing.titled import Titled

Cases = Literal["all"] | ModalitySet
# Verdicts on negative controls.
CHANCE, NOT_CHANCE = "as it must be: chance", "NOT as it must be: not chance"
NO_GAIN, GAIN = "as it must be: no gain", "NOT as it must be: a gain"


class ComparisonKeys(Titled):
    """The keys of a declaration."""

    kind: Literal["comparison"] = Field(
        description="a comparison of variants, methods, cases or modality sets on the same stays"
    )
    caption: str = Field(min_length=1, description="what is shown")
    release: Release = Field(description="the release that the papers used")
    task: str = Field(description="name of the task")
    protocol: str = Field(description="name of a protocol of the configuration")
    cases: Cases | Annotated[list[Cases], Field(min_length=1)] = Field(
        ALL_CASES,
        description="all, or modalities joined by + that a stay must have to be in any part; or a "
        "list of these, with `reference_cases`",
    )
    modalities: list[ModalitySet] = Field(min_length=1, description="modality sets")
    methods: list[str] = Field(min_length=1, description="registered methods")
    variants: list[str] = Field(
        min_length=1,
        description="variants, in row order; a control is held against its target. One alone where "
        "something else is compared",
    )
    reference: str = Field("paper", description="the variant that the others are held against")
    reference_method: str | None = Field(
        None, description="the method that the others are held against, where methods are compared"
    )
    reference_cases: Cases | None = Field(
        None, description="the cases that the others are held against, where cases are compared"
    )
    reference_modalities: ModalitySet | None = Field(
        None, description="the set that the others are held against, where sets are compared"
    )
    metrics: list[str] = Field(["auroc", "f1"], min_length=1, description="metrics")

    @property
    def all_cases(self) -> list[str]:
        """Cases in row order."""
        return [self.cases] if isinstance(self.cases, str) else list(self.cases)


class Comparison(ComparisonKeys):
    """A declaration with the name that its file gives it, and the source of its numbers."""

    name: str
    source: str

    def rows(self) -> list[tuple[Cell, Cell | None]]:
        """Return each cell and the one it is held against: sets, methods, variants, cases.

        The reference is held against nothing. A modality of noise is held against the same method
        without that modality, everything else against the reference variant, method, cases or set.
        """
        keys = product(self.modalities, self.methods, self.variants, self.all_cases)
        cells = [self._cell(*key) for key in keys]
        return [(cell, self._against(cell)) for cell in cells]

    def cells(self) -> list[Cell]:
        """Return every cell of the table, and those that are only held against."""
        pairs = [cell for pair in self.rows() for cell in pair if cell is not None]
        return list(dict.fromkeys(pairs))

    def _cell(self, modalities: str, method: str, variant: str, cases: str) -> Cell:
        return Cell(
            source=self.source,
            task=self.task,
            protocol=self.protocol,
            cases=cases,
            modalities=modalities,
            method=method,
            variant=variant,
        )

    def _against(self, cell: Cell) -> Cell | None:
        noise = noise_of(cell.variant)
        if noise is not None:
            others = [name for name in cell.modalities.split("+") if name != noise]
            kept = [part for part in cell.variant.split("+") if part != f"{NOISE}{noise}"]
            return replace(cell, modalities="+".join(others), variant="+".join(kept))
        reference = replace(
            cell,
            variant=cell.variant if len(self.variants) == 1 else self.reference,
            method=self.reference_method or cell.method,
            cases=self.reference_cases or cell.cases,
            modalities=self.reference_modalities or cell.modalities,
        )
        return None if reference == cell else reference


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
        task, protocol, method, variant, cases or metric; a reference that is not in the table;
        nothing that is compared, or several things at once; or noise in a modality that a set does
        not have, or that is alone in it.
    """
    keys = read_keys(path, ComparisonKeys)
    protocols = [field.alias or name for name, field in Protocols.model_fields.items()]
    check_names(path, "task", [keys.task], TASKS)
    check_names(path, "protocol", [keys.protocol], protocols)
    check_names(path, "methods", keys.methods, known_methods)
    check_names(path, "metrics", keys.metrics, PAIRED_METRICS)
    check_names(path, "modalities", keys.modalities, keys.modalities)
    check_names(path, "variants", keys.variants, keys.variants)
    check_names(path, "cases", keys.all_cases, keys.all_cases)
    _check_references(path, keys)
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


def _check_references(path: Path | str, keys: ComparisonKeys) -> None:
    """Refuse references that are not in the table, and tables that compare nothing or too much."""
    compared = {
        "variants": len(keys.variants) > 1,
        "reference_method": keys.reference_method is not None,
        "reference_cases": keys.reference_cases is not None,
        "reference_modalities": keys.reference_modalities is not None,
    }
    if sum(compared.values()) != 1:
        raise FleximodalError(
            f"{path}: one thing must be compared: give several variants, or reference_method, or "
            "reference_cases, or reference_modalities, and none of the others"
        )
    if len(keys.all_cases) > 1 and keys.reference_cases is None:
        raise FleximodalError(f"{path}: cases: of several, reference_cases must name one")
    if len(keys.variants) > 1:
        check_names(path, "reference", [keys.reference], keys.variants)
    if keys.reference_method is not None:
        check_names(path, "reference_method", [keys.reference_method], keys.methods)
    if keys.reference_cases is not None:
        check_names(path, "reference_cases", [keys.reference_cases], keys.all_cases)
    if keys.reference_modalities is not None:
        check_names(path, "reference_modalities", [keys.reference_modalities], keys.modalities)
