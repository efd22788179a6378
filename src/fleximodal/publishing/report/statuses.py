"""What became of a point of a reporting checklist."""

from dataclasses import dataclass

TOLD, IN_PART, NOT_DONE = "told", "told in part", "not done"
NOTHING = "Nothing was run: no data of a configured table are there."
APPLIES_NOT, TO_STATE = "does not apply", "to be stated"


@dataclass(frozen=True)
class Answer:
    """The status of a point and the sentences that answer it.

    "told": the run answers it; "told in part": less than is asked; "not done": the run did not do
    what is asked about; "does not apply", with the reason; "to be stated" by whoever publishes.
    """

    status: str
    text: str


def told(*sentences: str) -> Answer:
    """Return a full answer; that nothing was done if there is no sentence."""
    return Answer(TOLD, _joined(sentences)) if any(sentences) else not_done(NOTHING)


def in_part(*sentences: str) -> Answer:
    """Return an answer to a part of what is asked."""
    return Answer(IN_PART, _joined(sentences))


def not_done(*sentences: str) -> Answer:
    """Return that the run did not do what is asked about."""
    return Answer(NOT_DONE, _joined(sentences))


def applies_not(*sentences: str) -> Answer:
    """Return that the point does not apply to the run, and why."""
    return Answer(APPLIES_NOT, _joined(sentences))


def _joined(sentences: tuple[str, ...]) -> str:
    return "\n".join(sentence for sentence in sentences if sentence)
