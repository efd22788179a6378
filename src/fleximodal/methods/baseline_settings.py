"""Settings of the baselines that fuse sequences of several modalities.

They differ from FuseMoE in the fusion alone: encoders, head, and training are the same. What
makes three and more modalities possible is an extension (ours): the papers run these methods on
pairs alone.
"""

from typing import ClassVar, Literal

from pydantic import Field

from fleximodal.methods.settings import NetworkSettings


class PairedSettings(NetworkSettings):
    """Base of methods that have no meaning for one modality."""

    min_modalities: ClassVar[int] = 2


class MISTSSettings(PairedSettings):
    """Self- and cross-attention in turn (Zhang et al. 2023).

    A modality of three or more takes the mean of what it reads from each other one (ours).
    """


class MulTSettings(PairedSettings):
    """Crossmodal encoders, then self encoders (Tsai et al. 2019).

    A modality of three or more gets the sequences that it reads from the others concatenated
    and projected to `width` (ours).
    """


class MAGSettings(PairedSettings):
    """Multimodal adaptation gate on last steps (Rahman et al. 2020).

    With three or more modalities, each one beside the main one has its gate, and their shifts
    are added (ours).
    """

    mag_main: Literal["auto", "items", "series"] = Field(
        "auto",
        description="the modality that is shifted: the first with items (as published for pairs), "
        "the first series, or auto: items of two modalities, series of more",
    )
    mag_norm: Literal["stay", "batch"] = Field(
        "stay",
        description="norms that bound the shift: of each stay, or over the batch as in the "
        "released code",
    )
    mag_beta: Literal["one", "normal"] = Field(
        "one",
        description="initial value of the learned bound: 1, or drawn from N(0, 1) as in the "
        "released code",
    )


class TFSettings(PairedSettings):
    """Outer product of last steps (Zadeh et al. 2017).

    Last steps of three or more modalities are projected to a small width first (ours).
    """

    tf_projection: int | None = Field(
        None,
        ge=1,
        description="width that last steps are projected to before the product; null: as they "
        "are for two modalities, 16 for three, 8 for four, smaller powers of two for more",
    )
