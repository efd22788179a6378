"""Which parameter of ours is which golden array: written in, and gradients read out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fleximodal.models.adaptation_gate import AdaptationGate
from fleximodal.models.attention import Attention
from fleximodal.models.cnn import CNNEncoder
from fleximodal.models.cross_attention import CrossAttentionStep
from fleximodal.models.encoder import Encoder, FeedForwardBlock
from fleximodal.models.fusion_stack import FusionStack
from fleximodal.models.head import ResidualHead
from fleximodal.models.lstm import LSTMEncoder
from fleximodal.models.mixture_step import MixtureStep
from fleximodal.models.mtand import MultiTimeAttention
from fleximodal.models.sparse_moe import SparseMoE
from fleximodal.models.tensor_fusion import TensorFusion
from fleximodal.models.time_embedding import TimeEmbedding
from fleximodal.models.utde import GridConvolution, SeriesEncoder
from tests.unit.models.golden_case import Case


def _same(tensor: Tensor) -> Tensor:
    return tensor


@dataclass
class Link:
    """`cut(golden array)` is `view(our parameter)`; both keep the memory of what they get."""

    golden: str
    parameter: nn.Parameter
    view: Callable[[Tensor], Tensor] = _same
    cut: Callable[[Tensor], Tensor] = _same


Links = Iterator[Link]


def bind(case: Case, module: nn.Module, links: Links) -> Callable[[], dict[str, Tensor]]:
    """Write the golden parameters into `module`; return what reads gradients under golden names.

    Every used golden parameter and every parameter of the module must take part.
    """
    linked = list(links)
    names = set(case.names("param/")) - case.unused
    assert names == {link.golden for link in linked}
    written = {id(link.parameter) for link in linked}
    assert not [name for name, p in module.named_parameters() if id(p) not in written]
    with torch.no_grad():
        for link in linked:
            link.view(link.parameter).copy_(link.cut(case.parameter(link.golden)))

    def gradients() -> dict[str, Tensor]:
        found = {name: torch.zeros_like(case.parameter(name)) for name in names}
        for link in linked:
            if link.parameter.grad is not None:
                link.cut(found[link.golden]).add_(link.view(link.parameter.grad))
        return found

    return gradients


def linear(golden: str, module: nn.Module) -> Links:
    yield Link(f"{golden}/weight", module.weight)
    if module.bias is not None:
        yield Link(f"{golden}/bias", module.bias)


def time_embedding(golden: str, module: TimeEmbedding) -> Links:
    yield from linear(f"{golden}periodic", module.periodic)
    yield from linear(f"{golden}linear", module.linear)


def mtand(golden: str, module: MultiTimeAttention) -> Links:
    yield from linear(f"{golden}query_proj", module.query)
    yield from linear(f"{golden}key_proj", module.key)
    yield from linear(f"{golden}out_proj", module.output)


def series(module: SeriesEncoder) -> Links:
    if module.irregular is not None:
        yield from mtand("mtand_ts/", module.irregular)
    if isinstance(module.regular, GridConvolution):
        yield from linear("conv_ts", module.regular.convolution)
    if module.gate is not None:
        yield from linear("utde_gate/fc1", module.gate.hidden)
        yield from linear("utde_gate/fc2", module.gate.output)


def sparse_moe(golden: str, module: SparseMoE) -> Links:
    router, experts = module.router, module.experts
    if module.design == "joint":
        yield Link(f"{golden}gate/weight", router.gate_weight, lambda p: p[0])
        yield Link(f"{golden}noise/weight", router.noise_weight, lambda p: p[0])
    else:
        for m in range(len(router.gate_weight)):
            yield Link(f"{golden}gate_{m}/weight", router.gate_weight, lambda p, m=m: p[m])
            yield Link(f"{golden}noise_{m}/weight", router.noise_weight, lambda p, m=m: p[m])
    pools = experts.pools

    def stacked(p: Tensor) -> Tensor:
        return p.unflatten(0, (pools, -1)) if pools > 1 else p

    def turned(p: Tensor) -> Tensor:
        return stacked(p).transpose(-1, -2)

    yield Link(f"{golden}experts/fc1/weight", experts.weight1, stacked)
    yield Link(f"{golden}experts/fc1/bias", experts.bias1, stacked)
    yield Link(f"{golden}experts/fc2/weight", experts.weight2, turned)
    yield Link(f"{golden}experts/fc2/bias", experts.bias2, stacked)


def attention(golden: str, module: Attention) -> Links:
    yield from linear(f"{golden}/in_proj", module.input)
    yield from linear(f"{golden}/out_proj", module.output)


def feed_forward(golden: str, module: FeedForwardBlock) -> Links:
    yield from linear(f"{golden}/norm_ffn", module.norm)
    yield from linear(f"{golden}/ffn_fc1", module.feed_forward.expand)
    yield from linear(f"{golden}/ffn_fc2", module.feed_forward.contract)


def fusion_stack(golden: str, module: FusionStack) -> Links:
    yield Link(f"{golden}position_embedding", module.positions.table)
    for number, layer in enumerate(module.layers):
        name = f"{golden}layer{number}"
        for m in range(len(module.final_norms)):
            stream = f"{name}/stream{m}"
            yield from linear(f"{stream}/norm_self", layer.attentions[m].norm)
            yield from attention(f"{stream}/self_attn", layer.attentions[m].attention)
            yield from linear(f"{stream}/norm_fusion", layer.step_norms[m])
            yield from feed_forward(stream, layer.feed_forwards[m])
        if isinstance(layer.step, MixtureStep):
            yield from sparse_moe(f"{name}/moe/", layer.step.moe)
        elif isinstance(layer.step, CrossAttentionStep):
            for (target, _), module_ in zip(layer.step.pairs, layer.step.attentions, strict=True):
                yield from attention(f"{name}/cross_attn_to_stream{target}", module_)
    for m, norm in enumerate(module.final_norms):
        yield from linear(f"{golden}final_norm/stream{m}", norm)


def encoder(golden: str, module: Encoder) -> Links:
    for side, positions in (("q", module.positions), ("kv", module.source_positions)):
        if positions is not None:
            # Some stored tables are longer than the sequence.
            yield Link(
                f"{golden}position_embedding_{side}",
                positions.table,
                cut=lambda stored, table=positions.table: stored[: len(table)],
            )
    for number, layer in enumerate(module.layers):
        within = f"{golden}layer{number}"
        yield from linear(f"{within}/norm_attn", layer.attention.norm)
        yield from attention(f"{within}/attn", layer.attention.attention)
        yield from feed_forward(within, layer.feed_forward)
    yield from linear(f"{golden}final_norm", module.norm)


def adaptation_gate(module: AdaptationGate) -> Links:
    yield Link("mag/beta", module.beta)
    yield from linear("mag/gate_fc", module.gates[0])
    yield from linear("mag/shift_fc", module.shift)
    yield from linear("mag/norm", module.norm)


def tensor_fusion(module: TensorFusion) -> Links:
    yield from linear("tensor_fusion/fc1", module.first)
    yield from linear("tensor_fusion/fc2", module.second)


def lstm(case: Case, module: LSTMEncoder) -> Links:
    layers = [*module.lower, module.top]
    for number, layer in enumerate(layers):
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            golden = f"lstm/{kind}_l{number}"
            backward = f"{golden}_reverse"
            if layer is module.top:
                yield Link(backward, getattr(layer, f"{kind}_l0"))
                # Ours has no such direction; its stored gradients must be zero.
                yield Link(golden, nn.Parameter(torch.empty_like(case.parameter(golden))))
            else:
                yield Link(golden, getattr(layer, f"{kind}_l0"))
                yield Link(backward, getattr(layer, f"{kind}_l0_reverse"))


def cnn(module: CNNEncoder) -> Links:
    for number, convolution in enumerate(module.convolutions, start=1):
        yield from linear(f"cnn/conv{number}", convolution)
    yield from linear("cnn/fc1", module.output)


def head(module: ResidualHead) -> Links:
    yield from linear("head/fc1", module.first)
    yield from linear("head/fc2", module.second)
    yield from linear("head/out", module.output)
