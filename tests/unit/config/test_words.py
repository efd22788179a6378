from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from fleximodal.config.words import type_in_words, value_in_words


class Keys(BaseModel):
    text: str | None = Field(None)
    count: int | None = Field(None, ge=1)
    share: float = Field(0.5, gt=0, lt=1)
    flag: bool = False
    choice: Literal["a", 1] = "a"
    seeds: list[Annotated[int, Field(ge=0, lt=2**31)]] = Field([1])
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15)
    margins: dict[str, float] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("text", "text or null"),
        ("count", "whole number, at least 1, or null"),
        ("share", "number, above 0, below 1"),
        ("flag", "true or false"),
        ("choice", '`"a"` or `1`'),
        ("seeds", "list of whole numbers, at least 0, below 2,147,483,648"),
        ("fractions", "3 numbers"),
        ("margins", "mapping from name to number"),
    ],
)
def test_types_are_said_as_a_reader_of_yaml_would(key: str, words: str) -> None:
    assert type_in_words(Keys.model_fields[key]) == words


def test_values_are_written_as_in_yaml() -> None:
    assert value_in_words(None) == "null"
    assert value_in_words((0.5, True, "ä")) == '[0.5, true, "ä"]'
