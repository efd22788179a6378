"""The section `protocols` of the configuration: how stays are divided."""

from typing import Literal

from pydantic import Field, field_validator

from fleximodal.config.section import Section


class Official(Section):
    """Train on set a, validate on set b, test on set c; nothing to choose."""


class FiveRandom(Section):
    """The five random 80/10/10 splits of Zhang et al. (Raindrop, ICLR 2022)."""

    splits: list[Literal["split1", "split2", "split3", "split4", "split5"]] = Field(
        ["split1", "split2", "split3", "split4", "split5"],
        min_length=1,
        description="which of the five are run",
    )
    file: str | None = Field(
        None,
        description="the CSV of splits (RecordID,split1..split5); null takes "
        "splits-five-random.csv from the source's folder",
    )


def _sum_to_one(value: tuple[float, float, float]) -> tuple[float, float, float]:
    if min(value) <= 0 or abs(sum(value) - 1) > 1e-9:
        raise ValueError("the three fractions must be positive and sum to 1")
    return value


class Shares(Section):
    """Own random splits into train, val and test."""

    fractions: tuple[float, float, float] = Field(
        (0.70, 0.15, 0.15), description="shares of train, val and test"
    )
    seed: int = Field(0, ge=0, description="seed of the first split's shuffle")
    count: int = Field(1, ge=1, description="number of splits, one per seed from the first on")

    _sum_to_one = field_validator("fractions")(_sum_to_one)


class Stay(Shares):
    """Random splits of a task's stays, as FuseMoE made them: a patient may be in two parts."""


class Patient(Shares):
    """Random splits of a source's patients, the same for every task and modality set."""


class CompleteTest(Section):
    """Validation and test stays that have every modality, as in Flex-MoE."""

    fractions: tuple[float, float, float] = Field(
        (0.70, 0.15, 0.15), description="shares of train, val and test among all stays"
    )
    seed: int = Field(0, ge=0, description="seed of the draw")
    labels: Literal["stratified", "ignored"] = Field(
        "stratified", description="whether val and test have the classes' shares"
    )

    _sum_to_one = field_validator("fractions")(_sum_to_one)


class Protocols(Section):
    """How stays are divided into train, val and test."""

    official: Official = Field(default_factory=Official, description="the challenge's own sets")
    five_random: FiveRandom = Field(
        default_factory=FiveRandom, alias="five-random", description="splits used by later papers"
    )
    stay: Stay = Field(default_factory=Stay, description="splits by stay, as the paper's")
    patient: Patient = Field(default_factory=Patient, description="splits by patient")
    complete_test: CompleteTest = Field(
        default_factory=CompleteTest,
        alias="complete-test",
        description="one split whose val and test stays have every modality",
    )
