"""Which component of ours a golden case is about."""

from collections.abc import Callable

from tests.unit.models.golden_case import Case
from tests.unit.models.golden_networks import run_fusion, run_model
from tests.unit.models.golden_parts import (
    run_mtand,
    run_sparse_moe,
    run_time_embedding,
    run_utde,
)


def component_of(case: Case) -> Callable[[Case], None] | str:
    """Return the function that checks `case`, or a string saying what is not built."""
    config = case.config
    if "stream_order" in config and "fusion" in config:
        known = config["fusion"] in ("moe", "self_cross", "concat")
        return run_model if known else f"fusion {config['fusion']!r}"
    if "method" in config and "num_modalities" in config:
        known = config["method"] in ("moe", "self_cross")
        return run_fusion if known else f"fusion step {config['method']!r}"
    if "modality_dims" in config and isinstance(config.get("gating"), str):
        return run_sparse_moe
    if "conv_bypassed" in config:
        return run_utde
    if "mask" in config and case.has("param/query_proj/weight"):
        return run_mtand
    if case.has("param/periodic/weight"):
        return run_time_embedding
    return case.title
