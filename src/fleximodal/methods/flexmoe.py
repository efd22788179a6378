"""Flex-MoE, its ablations, and what its parts are compared with (arXiv 2410.08245)."""

from fleximodal.methods.flexmoe_settings import FlexMoESettings
from fleximodal.methods.registry import Method

_ABLATIONS = [
    Method(
        "Flex-MoE-without-ES",
        FlexMoESettings(specialise=False),
        "Flex-MoE without the loss that draws a combination to its expert; incomplete stays are "
        "balanced over all experts",
    ),
    Method(
        "Flex-MoE-without-ES-EG",
        FlexMoESettings(specialise=False, generalise=False),
        "Flex-MoE with one balance loss over all stays alike",
    ),
    Method(
        "Flex-MoE-without-bank",
        FlexMoESettings(bank="zero_tokens"),
        "Flex-MoE with zeros as tokens of an absent modality",
    ),
    Method(
        "Flex-MoE-random-order",
        FlexMoESettings(warmup_order="shuffled"),
        "Flex-MoE whose first epochs are in random order",
    ),
    Method(
        "Flex-MoE-ascending-order",
        FlexMoESettings(warmup_order="ascending"),
        "Flex-MoE whose first epochs begin with the stays that lack most",
    ),
]

_QUESTIONS = [
    Method(
        "Flex-MoE-without-experts",
        FlexMoESettings(feed_forward="dense"),
        "Flex-MoE with its bank, but one feed-forward block in the place of experts",
    ),
    Method(
        "Flex-MoE-zero-input",
        FlexMoESettings(bank="zero_input"),
        "Flex-MoE that encodes zeros for an absent modality",
    ),
    Method(
        "Flex-MoE-mean-fill",
        FlexMoESettings(table_imputation="mean"),
        "Flex-MoE on absent tables filled with the means of their columns",
    ),
    Method(
        "Flex-MoE-nearest-fill",
        FlexMoESettings(table_imputation="nearest"),
        "Flex-MoE on absent tables filled from the nearest training stay",
    ),
    Method(
        "Flex-MoE-observed-bank",
        FlexMoESettings(bank="observed"),
        "Flex-MoE with a row of its bank for combinations that occur in training alone",
    ),
    Method(
        "Flex-MoE-observed-bank-without-ES",
        FlexMoESettings(bank="observed", specialise=False),
        "the same without an expert per combination: nothing grows with the number of combinations",
    ),
]


def _sensitivity() -> list[Method]:
    """Return the methods of figure 6: what is set here holds under every configuration."""
    return [
        *(
            Method(
                f"Flex-MoE-{number}-experts",
                FlexMoESettings(experts=number),
                f"Flex-MoE with {number} experts",
            )
            for number in (16, 24, 32, 64)
        ),
        *(
            Method(
                f"Flex-MoE-{number}-layers",
                FlexMoESettings(layers=number),
                f"Flex-MoE with {number} layers, by turns sparse and dense",
            )
            for number in (1, 2, 3, 4)
        ),
        *(
            Method(
                f"Flex-MoE-top-{number}",
                FlexMoESettings(top_k=number),
                f"Flex-MoE with {number} experts per token",
            )
            for number in (2, 3, 4, 5)
        ),
    ]


FLEXMOE = [
    Method(
        "Flex-MoE",
        FlexMoESettings(),
        "learned tokens for what a combination of modalities lacks, experts that combinations are "
        "drawn to",
    ),
    *_ABLATIONS,
    *_QUESTIONS,
    *_sensitivity(),
]
