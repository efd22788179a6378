"""Settings of the study of many modalities; a section of the configuration, so no torch here."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Number = Annotated[int, Field(ge=2, le=12)]


class ManyModalities(BaseModel):
    """Generated stays with 2 to 12 modalities, and what is trained on them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    numbers: list[Number] = Field(
        [2, 3, 4, 6, 8, 10], min_length=1, description="numbers of modalities M"
    )
    methods: list[str] = Field(
        ["Flex-MoE", "Flex-MoE-without-ES", "Flex-MoE-observed-bank-without-ES", "Concat"],
        min_length=1,
        description="registered methods",
    )
    stays: int = Field(1500, ge=100, description="generated stays")
    features: int = Field(24, ge=2, description="features of each modality")
    missing: float = Field(
        0.3, ge=0, lt=1, description="probability of each modality of a stay to be absent"
    )
    seed: int = Field(0, ge=0, lt=2**31, description="seed of the generated stays")
    seeds: list[int] = Field([0, 1, 2], min_length=1, description="seeds of the trainings")
    epochs: int = Field(20, ge=1, description="epochs of each training")
    batch_size: int = Field(32, ge=1, description="stays per optimiser step")
    learning_rate: float = Field(2e-3, gt=0, description="learning rate of Adam")
    expert_limit: int = Field(
        255,
        ge=1,
        description="most experts that a method which needs 2^M - 1 of them is given; it is not "
        "run where that is not enough",
    )

    @model_validator(mode="after")
    def _each_once(self) -> "ManyModalities":
        for name in ("numbers", "methods", "seeds"):
            given = getattr(self, name)
            if len(set(given)) < len(given):
                raise ValueError(f"an entry of {name} occurs twice; each counts once")
        return self
