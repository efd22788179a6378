"""What a builder of cohorts is given and hands back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.cohorts.settings import CohortSettings
from fleximodal.cohorts.tables import Modality

HORIZON_HOURS = 48.0


@dataclass(frozen=True)
class Task:
    """What a task predicts, for whom, and from which hours.

    `labels` names the K columns of the label; `window_hours` is the end of the observations (None:
    the whole stay); `axis` the unit of the models' time axis: `hours` or `stay`; `full_window` that
    every unit lasts as long as the window, so that its length cannot tell the label.
    """

    unit: str
    labels: tuple[str, ...]
    window_hours: float | None = HORIZON_HOURS
    axis: str = "hours"
    full_window: bool = True

    @property
    def horizon_hours(self) -> float:
        """Return the unit of the models' time axis, also the end of the hourly grid."""
        return min(self.window_hours or HORIZON_HOURS, HORIZON_HOURS)


@dataclass(frozen=True)
class Request:
    """What a builder works on: the canonical folder, its reader, the unit's modalities."""

    canonical: Path
    reader: str
    modalities: Sequence[Modality]
    settings: CohortSettings


@dataclass(frozen=True)
class Built:
    """A cohort: its table, the steps of selection, the canonical tables read, further counts."""

    task: Task
    table: pl.DataFrame
    steps: list[dict[str, Any]]
    read: tuple[str, ...]
    report: dict[str, Any] = field(default_factory=dict)


Builder = Callable[[Request], Built]
