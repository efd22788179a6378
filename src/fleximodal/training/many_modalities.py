"""What more modalities cost, and what they bring: networks on generated stays with M of them.

The bank of Flex-MoE has ``2^M - 1`` rows, and its loss of specialisation an expert for each of
them. Where a method needs more experts than it was registered with, it is given as many as it needs
up to a limit, beyond which it is not run; methods without that loss keep theirs for any M.
"""

import logging
import shutil
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fleximodal import ranking
from fleximodal.config.training import Training
from fleximodal.dataset.scaler import fit_scaler
from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import write_json
from fleximodal.methods.registry import settings_of
from fleximodal.methods.settings import NetworkSettings
from fleximodal.training.complexity import forward_operations, step_seconds
from fleximodal.training.many_data import Generated, generate
from fleximodal.training.many_settings import ManyModalities
from fleximodal.training.member import Fitted, Member
from fleximodal.training.memory import peak_memory_mb
from fleximodal.training.network import batch_builder, fit_network, stored_network
from fleximodal.training.reproducible import choose_device, repeatable

LOG = logging.getLogger("fleximodal.training")
SPLIT = "generated"
THRESHOLD = 0.5


def scale_modalities(
    modalities: int,
    method: str,
    output: Path,
    *,
    settings: Mapping[str, Any],
    many: Mapping[str, Any],
    training: Mapping[str, Any],
    state: Path,
    threads: int,
) -> None:
    """Train a method on M generated modalities with every seed; write many.json.

    `auroc` and `accuracy` of each run are those of the test part, beside those of the true
    probability. `seconds_per_iteration` is the median step of the last run after training,
    `peak_memory_mb` the largest memory of the process, of the GPU if it is used.

    Parameters
    ----------
    modalities
        Number of modalities M.
    method
        A registered network.
    output
        The file.
    settings
        The method's settings, plain.
    many, training
        Sections `many_modalities` and `training` of the configuration; the first decides epochs,
        batches and learning rate.
    state
        Folder for what an interruption must not lose; removed at the end.
    threads
        Threads of torch.

    Raises
    ------
    FleximodalError
        If the method is no network.
    """
    section = ManyModalities.model_validate(dict(many))
    given = settings_of(method, settings)
    if not isinstance(given, NetworkSettings):
        raise FleximodalError(
            f"many_modalities.methods: {method!r} is no network; remove it from the list"
        )
    fitting = Training.model_validate(
        dict(training)
        | {"epochs": section.epochs, "batch_size": section.batch_size}
        | {"learning_rate": section.learning_rate, "select_metric": "auroc"}
        | {"class_weights": None}
    )
    made = generate(
        modalities,
        stays=section.stays,
        features=section.features,
        missing=section.missing,
        seed=section.seed,
    )
    told = {"modalities": modalities, "method": method, **_facts(made)}
    fitted_settings = with_enough_experts(given, modalities, section.expert_limit)
    if fitted_settings is None:
        needed = 2**modalities - 1
        write_json(output, told | {"not_run": f"{needed} experts are above the limit", "runs": []})
        return
    with repeatable(threads):
        measured = _measure(made, fitted_settings, fitting, section.seeds, state)
    write_json(output, told | measured | {"threads": threads})
    shutil.rmtree(state, ignore_errors=True)


def with_enough_experts(
    settings: NetworkSettings, modalities: int, limit: int
) -> NetworkSettings | None:
    """Return the settings with an expert per combination where these are needed.

    None if they are needed and more than `limit`, and than the method has anyway.
    """
    values = settings.model_dump()
    if not values.get("specialise") or values.get("feed_forward", "experts") != "experts":
        return settings
    experts = max(values["experts"], 2**modalities - 1)
    if experts > max(limit, values["experts"]):
        return None
    return type(settings).model_validate(values | {"experts": experts})


def _facts(made: Generated) -> dict[str, Any]:
    """Return what the generated stays have, and the best that any score can reach on them."""
    dataset, test = made.dataset, made.parts["test"]
    present = np.stack([np.diff(table.row_offsets) > 0 for table in dataset.modalities.values()])
    number = (present * (1 << np.arange(len(present)))[:, None]).sum(0)
    labels = dataset.label[test]
    return {
        "n_stays": dataset.num_stays,
        "n_test": len(test),
        "combinations": 2 ** len(present) - 1,
        "combinations_in_training": len(np.unique(number[made.parts["train"]])),
        "optimum": _metrics(labels, made.probability[test]),
    }


def _measure(
    made: Generated,
    settings: NetworkSettings,
    training: Training,
    seeds: list[int],
    state: Path,
) -> dict[str, Any]:
    scaler = fit_scaler(made.dataset, made.parts["train"])
    labels = made.dataset.label[made.parts["test"]]
    runs = []
    for seed in seeds:
        member = Member(made.dataset, SPLIT, seed, made.parts, scaler)
        fitted = fit_network(member, settings, training, state=state / str(seed), log=LOG)
        runs.append({"seed": seed, **_metrics(labels, fitted.scores["test"])})
    device = choose_device(training.device)
    model = stored_network(member, settings, fitted.tensors).to(device)
    builder = batch_builder(member, settings, training, device)
    index = torch.from_numpy(made.parts["train"][: training.batch_size])
    operations = forward_operations(model, builder.batch(index))
    return {
        "runs": runs,
        "experts": getattr(settings, "experts", None),
        "parameters": fitted.parameters,
        "bank_parameters": _bank_parameters(fitted),
        "forward_gflops_per_stay": operations / len(index) / 1e9,
        "seconds_per_iteration": statistics.median(step_seconds(model, builder, member, training)),
        "peak_memory_mb": peak_memory_mb(device),
        "device": device.type,
    }


def _bank_parameters(fitted: Fitted) -> int:
    """Return the entries of the bank's blocks that are trained."""
    names = ("marker.cells", "marker.shared")
    return sum(fitted.tensors[name].numel() for name in names if name in fitted.tensors)


def _metrics(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    return {
        "auroc": float(ranking.auroc(ranking.rank(labels, scores))[0]),
        "accuracy": float(np.mean((scores >= THRESHOLD) == (labels == 1))),
    }
