"""Methods that Flex-MoE is compared with, from their papers' descriptions."""

from fleximodal.methods.comparator_settings import (
    DenoisingSettings,
    GRUSettings,
    LIMoESettings,
    MMFormerSettings,
    ShaSpecSettings,
)
from fleximodal.methods.registry import Method

COMPARATORS: list[Method] = [
    Method(
        "LIMoE",
        LIMoESettings(top_k=1),
        "one sparse transformer over the tokens of all modalities that are there, entropy losses "
        "per modality; supervised, not contrastive",
    ),
    Method(
        "ShaSpec",
        ShaSpecSettings(),
        "shared and specific features of each modality; those of an absent one are generated from "
        "the shared features of the others",
    ),
    Method(
        "mmFormer",
        MMFormerSettings(),
        "a transformer per modality, then one over all that are there; modalities withheld at "
        "random and predictions of each modality in training",
    ),
    Method(
        "Lee2019",
        GRUSettings(missing_embedding="zero"),
        "a GRU per modality, final states concatenated; zeros for an absent modality",
    ),
    Method(
        "Venugopalan2021",
        DenoisingSettings(missing_embedding="zero"),
        "stacked denoising auto-encoders, a 3-D convolutional network for volumes, codes "
        "concatenated; zeros for an absent modality",
    ),
]
