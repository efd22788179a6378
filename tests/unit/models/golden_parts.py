"""Golden encoders and mixtures: ours built, run forward and backward, compared."""

import torch
from torch import Tensor

from fleximodal.dataset.batch import SeriesBatch
from fleximodal.models.mtand import MultiTimeAttention, channel_weights, row_weights
from fleximodal.models.sparse_moe import SparseMoE
from fleximodal.models.time_embedding import TimeEmbedding
from fleximodal.models.utde import SeriesEncoder
from tests.unit.models.golden_case import Case
from tests.unit.models.golden_parameters import (
    bind,
    mtand,
    series,
    sparse_moe,
    time_embedding,
)
from tests.unit.models.golden_routing import Recorder

DESIGNS = {"joint": "joint", "permod": "per_modality", "disjoint": "disjoint"}


def finish(case: Case, scalar: Tensor, gradients) -> None:
    """Compare the scalar and the gradients of parameters and inputs."""
    case.forward("scalar", scalar)
    scalar.backward()
    case.backward("grad_param/", gradients())
    inputs = {name: case.input(name) for name in case.names("grad_input/")}
    found = {n: torch.zeros_like(x) if x.grad is None else x.grad for n, x in inputs.items()}
    if found:
        case.backward("grad_input/", found)


def time_first(x: Tensor) -> Tensor:
    return x.transpose(0, 1)


def run_time_embedding(case: Case) -> None:
    module = TimeEmbedding(case.config["time_dim"]).to(case.input("t").dtype)
    gradients = bind(case, module, time_embedding("", module))
    found = module(case.input("t"))
    case.forward("y", found)
    finish(case, (found * case.input("cotangent_y")).sum(), gradients)


def run_mtand(case: Case) -> None:
    config, value = case.config, case.input("value")
    module = MultiTimeAttention(
        time_width=config["time_dim"],
        value_width=config["channels"],
        width=config["d_out"],
        heads=config["heads"],
        dropout=0.0,
    ).to(value.dtype)
    gradients = bind(case, module, mtand("", module))
    mask = case.input("mask") if case.has("input/mask") else None
    query = case.input("query")[0]
    found = module(query, case.input("key"), value, mask)
    case.forward("y", found)
    scores = module.scores(query, case.input("key"))
    if mask is not None and mask.dim() == 3:
        weights = channel_weights(scores, mask)
    else:
        weights = row_weights(scores, mask).unsqueeze(-1)
    case.forward("attention", weights.expand_as(case.arrays["output/attention"]))
    finish(case, (found * case.input("cotangent_y")).sum(), gradients)


def make_series_encoder(case: Case) -> SeriesEncoder:
    config = case.config
    has = {"irregular": "mtand_ts/query_proj/weight", "regular": "input/ts_regular"}
    irregular, regular = case.has("param/" + has["irregular"]), case.has(has["regular"])
    return SeriesEncoder(
        channels=case.input("ts_values" if irregular else "ts_regular").shape[-1]
        // (1 if irregular else 2),
        width=config["d"],
        time_width=config["time_dim"],
        time_heads=config.get("mtand_heads", 8),
        dropout=0.0,
        branches="both" if irregular and regular else "irregular" if irregular else "regular",
        gate_level=config.get("utde_level", config.get("level")) or "batch",
        kernel=config["conv_kernel"],
        padding="symmetric",
        bypass_equal_width=True,
    )


def series_batch(case: Case) -> SeriesBatch:
    some = case.input("ts_values" if case.has("input/ts_values") else "ts_regular")
    present = torch.ones(len(some), dtype=torch.bool)
    names = ("ts_values", "ts_mask", "ts_time", "ts_regular")
    return SeriesBatch(
        *(case.input(n) if case.has("input/" + n) else some.new_zeros(()) for n in names), present
    )


def watch_series(case: Case, module: SeriesEncoder, gate: str) -> None:
    """Compare branches and gate as they are computed, where they are stored."""

    def compare(name: str):
        def hook(module, inputs, output: Tensor) -> None:
            if not case.has("output/" + name):
                return
            found = time_first(output)
            case.forward(name, found.reshape(case.arrays["output/" + name].shape))

        return hook

    for part, name in (
        (module.irregular, "irregular_tokens"),
        (module.regular, "regular_tokens"),
        (module.gate, gate),
    ):
        if part is not None:
            part.register_forward_hook(compare(name))


def run_utde(case: Case) -> None:
    module = make_series_encoder(case).to(case.input("cotangent_tokens").dtype)
    watch_series(case, module, "gate")
    links = list(series(module))
    time, query = None, None
    holder = torch.nn.ModuleList([module])
    if module.irregular is not None:
        time = TimeEmbedding(case.config["time_dim"]).to(case.input("cotangent_tokens").dtype)
        links += time_embedding("time_embed/", time)
        holder.append(time)
    gradients = bind(case, holder, iter(links))
    if time is not None:
        query = time(case.input("time_query"))
    found = time_first(module(series_batch(case), time, query))
    case.forward("tokens", found)
    finish(case, (found * case.input("cotangent_tokens")).sum(), gradients)


def run_sparse_moe(case: Case) -> None:
    config = case.config
    widths, design = config["modality_dims"], DESIGNS[config["router"]]
    module = SparseMoE(
        design=design,
        modalities=len(widths),
        input_width=sum(widths) if design == "joint" else widths[0],
        output_width=config["output"],
        gate=config["gating"],
        experts=config["num_experts_total"],
        top_k=config["top_k"],
        hidden=config["hidden"],
        dropout=0.0,
        output="log_softmax",
    ).to(case.input("x_0").dtype)
    module.train(config["train_flag"])
    gradients = bind(case, module, sparse_moe("", module))
    names = ["gate"] if design == "joint" else [f"gate_{m}" for m in range(len(widths))]
    recorder = Recorder(case, module.router, names)
    found, _ = module([case.input(f"x_{m}") for m in range(len(widths))])
    case.forward("y", found)
    recorder.compare("")
    scalar = (found * case.input("cotangent_y")).sum()
    if case.has("input/aux_weight"):
        scalar = scalar + case.input("aux_weight") * recorder.balance
    finish(case, scalar, gradients)
