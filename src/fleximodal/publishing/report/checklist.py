"""A reporting checklist, declared in `config/report/`, filled from the facts of a run."""

from collections import Counter
from pathlib import Path
from typing import Self

import pandas as pd
from pydantic import Field, model_validator

from fleximodal.config.section import Section
from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import nearest
from fleximodal.publishing.declaration_file import read_keys
from fleximodal.publishing.report.answers import ANSWERS
from fleximodal.publishing.report.document import begin
from fleximodal.publishing.report.facts import Facts, read_facts
from fleximodal.publishing.report.statuses import APPLIES_NOT, TO_STATE, Answer

FORMS = ("answer", "reason", "to_state")


class Item(Section):
    """A point of a checklist, and where its answer comes from: exactly one of three forms."""

    item: str = Field(min_length=1, description="number in the checklist")
    section: str = Field(min_length=1, description="section of the checklist")
    asks: str = Field(min_length=1, description="what is asked for, in our words")
    answer: str | None = Field(None, description="name of the fact of the run that answers it")
    reason: str | None = Field(None, description="why it applies to no run of this project")
    to_state: str | None = Field(None, description="what whoever publishes a run has to state")

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if sum(getattr(self, form) is not None for form in FORMS) != 1:
            raise ValueError(f"item {self.item} needs exactly one of {', '.join(FORMS)}")
        if self.answer is not None and self.answer not in ANSWERS:
            raise ValueError(
                f"item {self.item}: unknown answer {self.answer!r}{nearest(self.answer, ANSWERS)}"
            )
        return self


class Checklist(Section):
    """The declaration of a checklist."""

    title: str = Field(min_length=1, description="heading of the page")
    reference: str = Field(min_length=1, description="where the checklist was published")
    items: list[Item] = Field(min_length=1, description="its points, in its order")


def load_checklist(path: Path | str) -> Checklist:
    """Read and check the declaration of a checklist.

    Raises
    ------
    FleximodalError
        For a file that is not a YAML mapping, an unknown or mistyped key, a repeated item, an item
        without exactly one form, or an unknown answer.
    """
    checklist = read_keys(path, Checklist)
    numbers = Counter(item.item for item in checklist.items)
    for number, times in numbers.items():
        if times > 1:
            raise FleximodalError(f"{path}: items: {number!r} is there twice; remove one")
    return checklist


def write_checklist(declaration: Path | str, facts: Path | str, output: Path | str) -> None:
    """Write the page of a checklist.

    Raises
    ------
    FleximodalError
        If the declaration or the facts are not what they should be.
    """
    checklist, told = load_checklist(declaration), read_facts(facts)
    answers = [answer_of(item, told) for item in checklist.items]
    counts = Counter(answer.status for answer in answers)
    document = begin(checklist.title, told)
    document.text(
        f"{checklist.reference}. The numbers are those of the checklist, the wording is ours. Each "
        "answer is put together from the files of this run.",
        f"{len(answers)} points: {', '.join(f'{n} {status}' for status, n in counts.items())}.",
    )
    document.table(_view(checklist, answers), checklist.title, "")
    document.write(output)


def answer_of(item: Item, facts: Facts) -> Answer:
    """Return the answer of a run to a point of a checklist."""
    if item.reason is not None:
        return Answer(APPLIES_NOT, item.reason)
    if item.to_state is not None:
        return Answer(TO_STATE, item.to_state)
    return ANSWERS[str(item.answer)](facts)


def _view(checklist: Checklist, answers: list[Answer]) -> pd.DataFrame:
    pairs = zip(checklist.items, answers, strict=True)
    return pd.DataFrame(
        [
            {
                "Item": item.item,
                "Section": item.section,
                "What is asked": item.asks,
                "Status": answer.status,
                "Answer": answer.text,
            }
            for item, answer in pairs
        ]
    )
