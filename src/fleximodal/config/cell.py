"""A cell of a table: what it is called and where it lives."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

PATTERN = "{source}/{task}/{protocol}/{cases}/{modalities}/{method}/{variant}"
ALL_CASES = "all"


@dataclass(frozen=True)
class Cell:
    """A source, task, protocol, cases, modalities, method and variant, with all splits and seeds.

    `cases` is "all", or the modalities, joined by +, that a stay must have to be in any part.
    """

    source: str
    task: str
    protocol: str
    cases: str
    modalities: str
    method: str
    variant: str

    @property
    def path(self) -> str:
        """The cell's folder below `results/runs` and `results/metrics`."""
        return PATTERN.format(**asdict(self))


def cell_of(wildcards: Mapping[str, str]) -> Cell:
    """Return the cell that a rule's wildcards name."""
    return Cell(**{name: wildcards[name] for name in Cell.__dataclass_fields__})
