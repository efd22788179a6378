"""Settings of the simulation; a section of the configuration, so nothing here imports torch."""

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

Configuration = Literal["identifiable", "published"]
Gate = Literal["laplace", "softmax", "gaussian"]


class Theory(BaseModel):
    """The simulation of FuseMoE, section 4; the defaults are a reduced grid of about a minute."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    configurations: list[Configuration] = Field(
        ["identifiable", "published"],
        min_length=1,
        description="identifiable = gate centres inside the support; published = the printed draw, "
        "whose centres on the edge of the support are not identifiable",
    )
    gates: list[Gate] = Field(
        ["laplace", "softmax"], min_length=1, description="gates of the model, truth and fit alike"
    )
    seed: int = Field(0, ge=0, lt=2**31, description="seed of truth, data and starting points")
    smallest_size: int = Field(1000, ge=50, description="fewest samples n per replicate")
    largest_size: int = Field(20_000, ge=100, description="most samples n per replicate")
    sizes: int = Field(5, ge=3, description="number of sizes, evenly spaced in log n")
    replicates: int = Field(12, ge=2, description="replicates per size")
    printed_replicates: int = Field(
        5, ge=2, description="the first so many are also summarised alone; the paper has 5"
    )
    starts: int = Field(
        4, ge=1, description="starting points of each fit; the likeliest end is kept"
    )
    jitter: float = Field(
        0.1, gt=0, description="standard deviation of starting points around the truth"
    )
    em_tolerance: float = Field(
        1e-6, gt=0, description="EM stops when the mean log-likelihood gains less, as printed"
    )
    em_iterations: int = Field(2000, ge=1, description="most EM iterations, as printed")
    tolerance: float = Field(
        1e-10, gt=0, description="the polish stops when the mean log-likelihood gains less"
    )
    evaluations: int = Field(
        2000, ge=1, description="most passes over the data of a polish; more is not converged"
    )
    dimension: Annotated[int, Field(ge=1, le=5)] = Field(
        1, description="dimension d of the inputs of the published draw, which the paper leaves out"
    )
    top_k: int | None = Field(
        None, ge=1, description="experts kept per input; null = all, as the later version treats"
    )
    bootstrap_replicates: int = Field(
        2000, ge=100, description="resamples of replicates behind an interval of a slope"
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> "Theory":
        if self.largest_size <= self.smallest_size:
            raise ValueError(
                f"largest_size {self.largest_size} is not above smallest_size {self.smallest_size}"
            )
        for name in ("configurations", "gates"):
            given = getattr(self, name)
            if len(set(given)) < len(given):
                raise ValueError(f"an entry of {name} occurs twice; each counts once")
        return self

    def grid(self) -> list[int]:
        """Return the sizes n, evenly spaced in log n and rounded."""
        ends = self.smallest_size, self.largest_size
        return [int(round(n)) for n in np.geomspace(*ends, self.sizes).tolist()]
