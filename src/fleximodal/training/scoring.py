"""Score stays with a stored network."""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from fleximodal.config.training import Training
from fleximodal.methods.settings import NetworkSettings
from fleximodal.training.epoch import predict_part
from fleximodal.training.member import Member
from fleximodal.training.network import batch_builder, stored_network
from fleximodal.training.reproducible import choose_device


def score_network(
    member: Member,
    settings: NetworkSettings,
    training: Training,
    tensors: Mapping[str, Tensor],
    parts: Sequence[str],
) -> dict[str, np.ndarray]:
    """Return the scores of the named parts of a run, in the order of `member.parts`.

    With the data of the training they are those that the training left, bit for bit on the same
    machine with the same number of threads.

    Parameters
    ----------
    member
        The run; its dataset may lack observations that were there in training.
    settings, training
        Of the method, and the section `training` of the configuration.
    tensors
        The stored weights.
    parts
        Of "train", "val" and "test".

    Returns
    -------
    dict
        Part to (n,) or (n, K) float64 probabilities.

    Raises
    ------
    FleximodalError
        If the weights are of another network.
    """
    device = choose_device(training.device)
    model = stored_network(member, settings, tensors).to(device)
    builder = batch_builder(member, settings, training, device)
    return {part: predict_part(model, builder, member, part, epoch=0).scores for part in parts}
