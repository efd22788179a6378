"""Any table of `config/tables/`, by its kind."""

from collections.abc import Collection
from pathlib import Path

from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import nearest
from fleximodal.publishing.comparison_declaration import Comparison, load_comparison
from fleximodal.publishing.complexity_declaration import ComplexityTable, load_complexity
from fleximodal.publishing.declaration import TableDeclaration, load_declaration
from fleximodal.publishing.declaration_file import read_mapping
from fleximodal.publishing.facts_declaration import FACTS, FactsTable, load_facts
from fleximodal.publishing.own_declaration import KINDS, OwnTable, load_own
from fleximodal.publishing.published_declaration import PublishedTable, load_published

Table = TableDeclaration | PublishedTable | ComplexityTable | Comparison | FactsTable | OwnTable


def load_table(path: Path | str, known_methods: Collection[str], papers_data: str) -> Table:
    """Read and check the declaration of a table: without the key `kind`, one of measured cells.

    Parameters
    ----------
    path, known_methods
        The file, and the names of the registered methods.
    papers_data
        "generated" or "real": what stands for the releases that papers used.

    Raises
    ------
    FleximodalError
        If the kind is unknown, and as `load_declaration`, `load_published`, `load_complexity`,
        `load_comparison`, `load_facts` and `load_own`.
    """
    values = read_mapping(path)
    kind = values.get("kind")
    if "kind" not in values:
        return load_declaration(path, known_methods)
    if kind == "published":
        return load_published(path, known_methods, papers_data)
    if kind == "comparison":
        return load_comparison(path, known_methods, papers_data)
    if kind == "complexity":
        return load_complexity(path, known_methods, papers_data)
    if kind in FACTS:
        return load_facts(path, papers_data)
    if kind in KINDS:
        return load_own(path)
    known = ["published", "complexity", "comparison", *FACTS, *KINDS]
    raise FleximodalError(
        f"{path}: unknown kind {kind!r}{nearest(str(kind), known)}; leave it out for a table of "
        f"measured cells, or use one of {', '.join(known)}"
    )
