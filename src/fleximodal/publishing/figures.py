"""The figures of the papers: from stored results to files, whatever a figure is about."""

from pathlib import Path
from types import ModuleType

from fleximodal.errors import FleximodalError
from fleximodal.publishing import (
    figure_activation,
    figure_autoencoder,
    figure_bank,
    figure_cohort,
    figure_cost,
    figure_experts,
    figure_many_modalities,
    figure_missing,
    figure_robustness,
    figure_sensitivity,
    figure_shares,
)
from fleximodal.publishing.claims import write_claims
from fleximodal.publishing.drawing import write_figure
from fleximodal.publishing.figure_declaration import FigureDeclaration
from fleximodal.publishing.figure_inputs import FigureInputs
from fleximodal.publishing.published_table import Rule

# Each module has `numbers(declaration, inputs)` and `draw(numbers, declaration)`; those of figures
# with published values also `claims(declaration, numbers, rule)`.
KINDS: dict[str, ModuleType] = {
    "cost": figure_cost,
    "experts": figure_experts,
    "shares": figure_shares,
    "missing": figure_missing,
    "autoencoder": figure_autoencoder,
    "robustness": figure_robustness,
    "bank": figure_bank,
    "activation": figure_activation,
    "sensitivity": figure_sensitivity,
    "many_modalities": figure_many_modalities,
    "cohort": figure_cohort,
}


def write_paper_figure(
    declaration: FigureDeclaration,
    inputs: FigureInputs,
    folder: Path | str,
    *,
    claims: Path | str | None = None,
    rule: Rule | None = None,
) -> None:
    """Write NAME.png, NAME.svg, NAME.pdf and NAME.csv into `folder`, and the figure's claims.

    Parameters
    ----------
    declaration, inputs
        The figure and what it is drawn from.
    folder
        Folder of figures.
    claims, rule
        CSV of the claims of its published values, and how verdicts are found.

    Raises
    ------
    FleximodalError
        If there is nothing to draw.
    """
    module = KINDS[declaration.kind]
    numbers = module.numbers(declaration, inputs)
    if numbers.empty:
        raise FleximodalError(
            f"figure {declaration.name}: none of its cells was run, because the data of source "
            f"{declaration.source!r} are absent; provide them or remove it from `figures`"
        )
    style = {"axes.axisbelow": True}  # a grid across bars looks like their pattern
    write_figure(
        declaration.name, numbers, lambda: module.draw(numbers, declaration), folder, **style
    )
    if claims is not None and rule is not None:
        write_claims(module.claims(declaration, numbers, rule), claims)
