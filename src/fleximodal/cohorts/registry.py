"""Which task is built from which source, and by what."""

from dataclasses import dataclass
from difflib import get_close_matches

from fleximodal.cohorts import diagnosis, ihm48, los, one_year_mortality, phenotyping
from fleximodal.cohorts.task import Builder
from fleximodal.errors import FleximodalError


@dataclass(frozen=True)
class Entry:
    """What a task predicts for (`stay`, `admission` or `subject`) and what builds its cohort."""

    unit: str
    build: Builder


TASKS: dict[tuple[str, str], Entry] = {
    ("physionet2012", "48-IHM"): Entry("stay", ihm48.build_physionet2012),
    ("mimic4", "48-IHM"): Entry("stay", ihm48.build_mimic),
    ("mimic4", "LOS"): Entry("stay", los.build),
    ("mimic4", "25-PHE"): Entry("stay", phenotyping.build),
    ("mimic4", "one-year-mortality"): Entry("admission", one_year_mortality.build),
    ("mimic3", "48-IHM"): Entry("stay", ihm48.build_mimic),
    ("mimic3", "25-PHE"): Entry("stay", phenotyping.build),
    ("adni", "diagnosis"): Entry("subject", diagnosis.build),
}


def reader_of(source: str) -> str:
    """Return the reader of a source: generated data have the layout of a real source."""
    return source.removeprefix("synthetic-")


def find_task(source: str, task: str) -> Entry:
    """Return the entry of a task of a source.

    Raises
    ------
    FleximodalError
        If the source does not have the task.
    """
    reader = reader_of(source)
    if (reader, task) in TASKS:
        return TASKS[reader, task]
    known = [name for owner, name in TASKS if owner == reader]
    if not known:
        readers = ", ".join(dict.fromkeys(owner for owner, _ in TASKS))
        raise FleximodalError(f"Unknown source {source!r}; sources with tasks are {readers}.")
    near = get_close_matches(task, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"its tasks are {', '.join(known)}."
    raise FleximodalError(f"Source {source} has no task {task!r}; {hint}")
