"""Concat: one self-attention encoder per modality, last steps concatenated."""

from fleximodal.models.fusion_stack import FusionStack


def concat_fusion(
    *,
    streams: int,
    steps: int,
    width: int,
    heads: int,
    layers: int,
    dropout: float,
    freeze_first: bool = False,
) -> FusionStack:
    """Return a stack whose modalities never meet before the head (MISTS baseline "Concat").

    Each modality has its own positions; 601,216 parameters a modality for 3 layers, width 128 and
    48 steps. Parameters are those of `FusionStack`.
    """
    return FusionStack(
        streams=streams,
        steps=steps,
        width=width,
        heads=heads,
        layers=layers,
        dropout=dropout,
        make_step=None,
        shared_positions=False,
        freeze_first=freeze_first,
    )
