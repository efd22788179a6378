"""What a cell is under a configuration: its splits, and everything that decides its result."""

from dataclasses import asdict
from typing import Any

from fleximodal.config.cell import Cell
from fleximodal.config.load import method_settings, training_of
from fleximodal.config.schema import Config
from fleximodal.errors import FleximodalError


def split_names(config: Config, protocol: str) -> list[str]:
    """Return the names of the splits of a protocol, in order."""
    if protocol == "official":
        return ["official"]
    if protocol == "five-random":
        return list(config.protocols.five_random.splits)
    if protocol == "complete-test":
        return [f"complete{config.protocols.complete_test.seed}"]
    shares = config.protocols.stay if protocol == "stay" else config.protocols.patient
    return [f"{protocol}{seed}" for seed in range(shares.seed, shares.seed + shares.count)]


def protocol_settings(config: Config, protocol: str) -> dict[str, Any]:
    """Return the part of the configuration that decides a protocol's splits."""
    section = {
        "official": config.protocols.official,
        "five-random": config.protocols.five_random,
        "stay": config.protocols.stay,
        "patient": config.protocols.patient,
        "complete-test": config.protocols.complete_test,
    }[protocol]
    return {"kind": protocol, **section.model_dump(exclude={"file"}, mode="json")}


def describe(config: Config, cell: Cell) -> dict[str, Any]:
    """Return everything that decides a cell's result, as plain JSON values, and nothing else.

    Raises
    ------
    FleximodalError
        If the method needs more modalities, and as `method_settings`.
    """
    settings = method_settings(config, cell.method, cell.variant, cell.task)
    if len(cell.modalities.split("+")) < settings.min_modalities:
        raise FleximodalError(
            f"method {cell.method} fuses {settings.min_modalities} modalities or more and is "
            f"given {cell.modalities} alone (source {cell.source}, task {cell.task}); leave one "
            "of the two out of the table"
        )
    training = training_of(config, cell.task) if settings.uses_training else None
    return {
        **asdict(cell),
        "splits": split_names(config, cell.protocol),
        "seeds": config.seeds if settings.seeded else config.seeds[:1],
        "settings": settings.model_dump(mode="json"),
        "training": {} if training is None else training.model_dump(mode="json"),
    }
