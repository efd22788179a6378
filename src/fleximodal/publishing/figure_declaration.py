"""Declaration of a figure of the papers: what is run for it, and what was published."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from fleximodal.config.cell import ALL_CASES, Cell
from fleximodal.config.protocols import Protocols
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.names import SYNTHETIC
from fleximodal.publishing.declaration import ModalitySet
from fleximodal.publishing.declaration_file import check_names, read_keys
from fleximodal.publishing.published_declaration import source_of
from fleximodal.publishing.titled import Sourced, Titled

Kind = Literal[
    "cost",
    "experts",
    "shares",
    "missing",
    "autoencoder",
    "robustness",
    "bank",
    "activation",
    "sensitivity",
    "many_modalities",
    "cohort",
]
GENERATED_SOURCE = f"{SYNTHETIC}modalities"  # of what is generated for a figure alone
OF_CELLS = ("tasks", "modalities", "methods")  # what cells are declared by
# What kinds without cells need of it.
WITHOUT_CELLS: dict[str, tuple[str, ...]] = {
    "autoencoder": (),
    "many_modalities": (),
    "cohort": ("tasks", "modalities"),
}
Cases = Literal["all"] | ModalitySet


class FigureKeys(Titled):
    """The keys of a declaration."""

    kind: Kind = Field(
        description="cost: time against memory; experts: AUROC against their number; shares: of "
        "modalities; missing: four ways with missing data; autoencoder: the ECG autoencoder; "
        "robustness: data missing at test time (a table too); bank: similarities of an embedding "
        "bank; activation: of experts by observed combinations; sensitivity: accuracy against "
        "sizes; many_modalities: cost and AUROC against the number of generated modalities; "
        "cohort: stays by modalities"
    )
    paper: str = Field("FuseMoE", min_length=1, description="the paper")
    caption: str = Field(min_length=1, description="what is shown, and what it is not")
    release: Literal["mimic4", "mimic3", "adni", "physionet2012"] | None = Field(
        None,
        description="release that the figure is about; `papers_data` says whether its generated "
        "likeness stands in for it; many_modalities: none",
    )
    tasks: list[Literal["48-IHM", "LOS", "25-PHE", "one-year-mortality", "diagnosis"]] = Field(
        default_factory=list, description="tasks, in the order of panels"
    )
    protocol: str = Field("stay", description="name of a protocol of the configuration")
    cases: Cases = Field(
        ALL_CASES,
        description="all, or modalities joined by + that a stay must have to be in any part",
    )
    cases_of: dict[str, Cases] = Field(
        default_factory=dict, description="cases of single entries of `methods`, by printed name"
    )
    modalities: ModalitySet | None = Field(
        None, description="modality set, joined by + in the source's order"
    )
    methods: dict[str, str] = Field(
        default_factory=dict, description="name in the figure: registered method"
    )
    variant: Literal["paper", "released"] = Field("paper", description="side of the differences")
    common_test: bool = Field(
        False,
        description="missing: whether all entries are also scored on the test stays that the "
        "first of them has",
    )
    published: Annotated[str, Field(pattern=r"^[\w.-]+\.csv$")] | None = Field(
        None, description="file of config/published with the digitised values"
    )


@dataclass(frozen=True)
class Entry:
    """One cell of a figure under the name that the figure gives it."""

    task: str
    label: str
    cell: Cell


class FigureDeclaration(FigureKeys, Sourced):
    """A declaration with its name, which is that of the file, and its source."""

    name: str

    def entries(self) -> list[Entry]:
        """Return the cells with their names: task after task, in each the methods in order."""
        return [
            Entry(
                task,
                label,
                Cell(
                    self.source,
                    task,
                    self.protocol,
                    self.cases_of.get(label, self.cases),
                    self.modalities or "",
                    method,
                    self.variant,
                ),
            )
            for task in self.tasks
            for label, method in self.methods.items()
        ]

    def cells(self) -> list[Cell]:
        """Return the cells of the figure."""
        return [entry.cell for entry in self.entries()]


def load_figure(
    path: Path | str, known_methods: Collection[str], *, papers_data: str
) -> FigureDeclaration:
    """Read and check the declaration of a figure; the figure is named after the file.

    Parameters
    ----------
    path
        config/figures/NAME.yaml.
    known_methods
        Names of the registered methods.
    papers_data
        "generated" or "real": which source stands for the release.

    Raises
    ------
    FleximodalError
        For a file that is not a YAML mapping; an unknown or mistyped key; an unknown protocol or
        method; a figure of cells without tasks, modalities or methods; or no release where the
        kind needs one.
    """
    path = Path(path)
    keys = read_keys(path, FigureKeys)
    protocols = [field.alias or name for name, field in Protocols.model_fields.items()]
    check_names(path, "protocol", [keys.protocol], protocols)
    check_names(path, "methods", list(dict.fromkeys(keys.methods.values())), known_methods)
    check_names(path, "cases_of", list(keys.cases_of), keys.methods)
    check_names(path, "tasks", keys.tasks, keys.tasks)
    for key in WITHOUT_CELLS.get(keys.kind, OF_CELLS):
        if not getattr(keys, key):
            raise FleximodalError(
                f"{path}: {key}: a figure of kind {keys.kind!r} needs them; give the key"
            )
    if keys.release is None and keys.kind != "many_modalities":
        raise FleximodalError(
            f"{path}: release: a figure of kind {keys.kind!r} needs one; give the key"
        )
    source = source_of(keys.release, papers_data) if keys.release else GENERATED_SOURCE
    return FigureDeclaration(name=path.stem, source=source, **keys.model_dump())
