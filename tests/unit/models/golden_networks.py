"""Golden fusion stacks and whole networks: ours built, run forward and backward, compared."""

import torch
import torch.nn.functional as F

from fleximodal.dataset.batch import Batch, ItemsBatch, SeriesBatch
from fleximodal.models.cross_attention import CrossAttentionStep
from fleximodal.models.fusion_stack import FusionStack
from fleximodal.models.head import ResidualHead
from fleximodal.models.items import ItemsEncoder, ItemsProjection
from fleximodal.models.missing import ModalityMarker
from fleximodal.models.mixture_step import MixtureStep
from fleximodal.models.multimodal import MultimodalModel
from fleximodal.models.sparse_moe import SparseMoE
from fleximodal.models.time_embedding import TimeEmbedding
from fleximodal.models.utde import SeriesEncoder
from tests.unit.models.golden_baselines import (
    baseline_links,
    compare_encoders,
    make_baseline,
)
from tests.unit.models.golden_case import Case
from tests.unit.models.golden_parameters import (
    Link,
    Links,
    bind,
    fusion_stack,
    head,
    mtand,
    series,
    time_embedding,
)
from tests.unit.models.golden_parts import (
    DESIGNS,
    finish,
    make_series_encoder,
    series_batch,
    time_first,
    watch_series,
)
from tests.unit.models.golden_routing import Recorder


def make_stack(case: Case, names: list[str], layers: int, method: str) -> FusionStack:
    config = case.config
    steps, width, heads = config["T"], config["d"], config["heads"]

    def mixture() -> MixtureStep:
        design = DESIGNS[config["router"]]
        return MixtureStep(
            names=names,
            steps=steps,
            width=width,
            moe=SparseMoE(
                design=design,
                modalities=len(names),
                input_width=steps * width * (len(names) if design == "joint" else 1),
                output_width=steps * width * len(names),
                gate=config["gating"],
                experts=config["num_experts_total"],
                top_k=config["top_k"],
                hidden=config["expert_hidden"],
                dropout=0.0,
                output="log_softmax",
                eval_noise=True,
            ),
            token="flattened",
            flatten="by_sample" if config.get("layout") == "corrected" else "authors_reshape",
        )

    def cross() -> CrossAttentionStep:
        return CrossAttentionStep(streams=len(names), width=width, heads=heads, dropout=0.0)

    return FusionStack(
        streams=len(names),
        steps=steps,
        width=width,
        heads=heads,
        layers=layers,
        dropout=0.0,
        make_step=mixture if method == "moe" else cross,
        freeze_first=True,
    )


def record_layers(case: Case, fusion: FusionStack) -> list[Recorder]:
    recorders = []
    for number, layer in enumerate(fusion.layers):
        if isinstance(layer.step, MixtureStep):
            joint = layer.step.moe.design == "joint"
            streams = range(layer.step.streams)
            draws = [f"layer{number}"] if joint else [f"layer{number}_stream{m}" for m in streams]
            recorders.append(Recorder(case, layer.step.moe.router, draws))
    return recorders


def run_fusion(case: Case) -> None:
    names = case.names("input/tokens_")
    method = case.config.get("method", "self_cross")
    module = make_stack(case, names, case.config["layers"], method)
    module = module.to(case.input("tokens_0").dtype).eval()
    gradients = bind(case, module, fusion_stack("", module))
    recorders = record_layers(case, module)
    found, _, _ = module.sequences([time_first(case.input(f"tokens_{m}")) for m in names])
    prefix = "cotangent_" if case.has("input/cotangent_0") else "cotangent_out_"
    scalar = torch.zeros(())
    for m, stream in zip(names, found, strict=True):
        case.forward(f"out_{m}", time_first(stream))
        scalar = scalar + (time_first(stream) * case.input(prefix + m)).sum()
    for number, recorder in enumerate(recorders):
        recorder.compare(f"layer{number}/")
    if case.names("grad_param_aux/"):
        total = sum(recorder.balance for recorder in recorders)
        case.forward("aux_total", total)
        total.backward(retain_graph=True)
        case.backward("grad_param_aux/", gradients())
        module.zero_grad()
        for name in names:
            case.input(f"tokens_{name}").grad = None
    finish(case, scalar, gradients)


class ItemsInSequence(ItemsProjection):
    """Notes without time attention, each a point of a sequence of its own length.

    The package offers their mean instead, since this fits no fusion but the late ones.
    """

    def forward(self, items: ItemsBatch, time: object, query: object) -> torch.Tensor:
        return self.projection(items.values)


class Unmarked(torch.nn.Module):
    """Zhang et al. 2023 have no type vectors and no absent modalities."""

    def stand_in(self, streams: list[torch.Tensor], present: object) -> list[torch.Tensor]:
        return streams


def stream_names(case: Case) -> list[str]:
    return case.config.get("stream_order", ["ts"])


def encoder_links(case: Case, model: MultimodalModel) -> Links:
    for name, encoder in zip(model.names, model.encoders, strict=True):
        if isinstance(encoder, SeriesEncoder):
            yield from series(encoder)
        elif isinstance(encoder, ItemsInSequence):
            yield Link("conv_txt/weight", encoder.projection.weight, cut=lambda p: p.squeeze(-1))
        else:
            yield from mtand(f"mtand_{'text' if name == 'txt' else name}/", encoder.attention)
    yield from time_embedding("time_embed/", model.time_embedding)
    for m, name in enumerate(model.names):
        if isinstance(model.marker, Unmarked):
            continue
        row = case.config["modality_type_rows"][name]
        yield Link(
            "modality_type_embedding",
            model.marker.types,
            lambda p, m=m: p[m],
            lambda stored, row=row: stored[row],
        )


def make_items_encoder(case: Case, name: str) -> torch.nn.Module:
    config, features = case.config, case.input(f"{name}_emb").shape[-1]
    if not config.get("irregular_text", True):
        return ItemsInSequence(features=features, width=config["d"], steps=config["T"])
    return ItemsEncoder(
        features=features,
        width=config["d"],
        time_width=config["time_dim"],
        time_heads=config["mtand_heads"],
        dropout=0.0,
    )


def make_model(case: Case) -> MultimodalModel:
    config, names = case.config, stream_names(case)
    sizes = {"steps": config["T"], "width": config["d"]}
    method = config.get("fusion")
    if method in ("moe", "self_cross"):
        fusion = make_stack(case, names, config["fusion_layers"], method)
    else:
        fusion = make_baseline(case, names)
    typed = case.has("param/modality_type_embedding")
    return MultimodalModel(
        names=names,
        encoders=[
            make_series_encoder(case) if name == "ts" else make_items_encoder(case, name)
            for name in names
        ],
        time_embedding=TimeEmbedding(config["time_dim"]),
        marker=ModalityMarker(modalities=len(names), missing="zero", **sizes)
        if typed
        else Unmarked(),
        steps=config["T"],
        fusion=fusion,
        head=ResidualHead(width=fusion.output_width, outputs=config["num_labels"], dropout=0.0),
    )


def model_batch(case: Case) -> Batch:
    modalities: dict[str, SeriesBatch | ItemsBatch] = {}
    for name in stream_names(case):
        if name == "ts":
            modalities[name] = series_batch(case)
            continue
        values = case.input(f"{name}_emb")
        present = torch.ones(len(values), dtype=torch.bool)
        if case.has(f"input/{name}_missing"):
            present = case.input(f"{name}_missing") == 0
        mask, time = (
            case.input(f"{name}_{part}") if case.has(f"input/{name}_{part}") else values[..., 0]
            for part in ("mask", "time")
        )
        modalities[name] = ItemsBatch(values, mask, time, present)
    labels = case.input("labels")
    return Batch(modalities, labels, torch.arange(len(labels)))


def run_model(case: Case) -> None:
    config, names = case.config, stream_names(case)
    model = make_model(case).to(case.input("ts_values").dtype).eval()
    model.grid = case.input("time_query")
    fusion = model.fusion
    links = [*encoder_links(case, model), *head(model.head)]
    recorders = []
    if isinstance(fusion, FusionStack):
        links += fusion_stack("fusion/", fusion)
        recorders = record_layers(case, fusion)
    else:
        links += baseline_links(case, names, fusion)
    gradients = bind(case, model, iter(links))
    for encoder in model.encoders:
        if isinstance(encoder, SeriesEncoder):
            watch_series(case, encoder, "utde_gate")

    batch = model_batch(case)
    streams = model.encode(batch)
    for name, stream in zip(names, streams, strict=True):
        if case.has(f"output/tokens_{name}"):
            case.forward(f"tokens_{name}", time_first(stream))
    compare_encoders(case, names, fusion, streams)
    fused = fusion(streams).vector
    case.forward("fused", fused)
    for number, recorder in enumerate(recorders):
        recorder.compare(f"layer{number}/")
    logits = model(batch).logits
    case.forward("logits", logits)
    labels = case.input("labels")
    if config["task"] == "pheno":
        loss = F.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
        case.forward("score", logits.sigmoid())
    else:
        loss = F.cross_entropy(logits, labels.long())
        case.forward("score", logits.softmax(-1)[:, 1])
    case.forward("task_loss", loss)
    finish(case, (logits * case.input("cotangent_logits")).sum() + loss, gradients)
