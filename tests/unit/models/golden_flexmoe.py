"""Golden parts of Flex-MoE: ours built, run forward and backward, compared."""

import torch
from torch import Tensor, nn

from fleximodal.models.balance import chance_to_be_kept
from fleximodal.models.flex_attention import FlexAttention
from fleximodal.models.flex_layer import FlexLayer, dense_feed_forward
from fleximodal.models.flex_losses import FlexLosses
from fleximodal.models.flex_mixture import FlexMixture
from fleximodal.models.gates import NoisyTopKRouter, Routing
from fleximodal.models.tokens import Tokens
from tests.unit.models.golden_case import Case
from tests.unit.models.golden_parameters import Link, Links, bind, linear
from tests.unit.models.golden_parts import finish

LOSSES = FlexLosses(coef=1.0)


def attention_links(golden: str, module: FlexAttention) -> Links:
    width = module.input.weight.shape[1]
    yield Link(f"{golden}q/weight", module.input.weight, lambda p: p[:width])
    yield Link(f"{golden}kv/weight", module.input.weight, lambda p: p[width:])
    yield from linear(f"{golden}proj", module.output)


def router_links(golden: str, module: NoisyTopKRouter) -> Links:
    yield Link(f"{golden}gate/weight", module.gate_weight, lambda p: p[0])
    yield Link(f"{golden}noise/weight", module.noise_weight, lambda p: p[0])


def mixture_links(golden: str, module: FlexMixture) -> Links:
    yield from router_links(golden, module.router)
    experts = module.experts
    yield Link(f"{golden}experts/fc1/weight", experts.weight1)
    yield Link(f"{golden}experts/fc1/bias", experts.bias1)
    yield Link(f"{golden}experts/fc2/weight", experts.weight2, lambda p: p.transpose(1, 2))
    yield Link(f"{golden}experts/fc2/bias", experts.bias2)


def layer_links(golden: str, module: FlexLayer) -> Links:
    yield from linear(f"{golden}norm1", module.attention_norm)
    yield from linear(f"{golden}norm2", module.feed_forward_norm)
    yield from attention_links(f"{golden}attn/", module.attention)
    if isinstance(module.feed_forward, FlexMixture):
        yield from mixture_links(f"{golden}moe/", module.feed_forward)
    else:
        yield from linear(f"{golden}mlp/fc1", module.feed_forward[0])
        yield from linear(f"{golden}mlp/fc2", module.feed_forward[3])


def make_mixture(case: Case) -> FlexMixture:
    config = case.config
    return FlexMixture(
        width=config["d"], experts=config["num_experts"], top_k=config["top_k"], losses=LOSSES
    )


def make_layer(case: Case, modalities: int, *, sparse: bool) -> FlexLayer:
    config = case.config
    return FlexLayer(
        modalities=modalities,
        width=config["d"],
        heads=config["heads"],
        dropout=0.0,
        residual="self",
        feed_forward=make_mixture(case) if sparse else dense_feed_forward(config["d"], 0.0),
    )


class FlexRecorder:
    """Gives a router the stored noise of its calls and compares what it decided.

    Parameters
    ----------
    calls
        Beginnings of the names of the stored results, one per call (modality).
    noise
        Names of the stored draws, one per call.
    """

    def __init__(
        self, case: Case, router: NoisyTopKRouter, calls: list[str], noise: list[str]
    ) -> None:
        self.case, self.calls = case, calls
        self.routing: Routing | None = None
        router.draw = lambda like: torch.stack([case.arrays["noise/" + name] for name in noise])
        router.register_forward_hook(self._keep)

    def _keep(self, module: nn.Module, inputs: object, output: Routing) -> None:
        self.routing = output

    def compare(self, combination: Tensor) -> Tensor:
        """Compare all stored decisions and losses of the calls; return the loss of all of them."""
        routing, case = self.routing, self.case
        target = combination.repeat_interleave(routing.gates.shape[1] // len(combination))
        terms = LOSSES.terms(routing, target)
        chances = chance_to_be_kept(routing)
        for call, prefix in enumerate(self.calls):
            chosen = case.arrays[f"output/{prefix}top_k_index"]
            assert torch.equal(routing.experts[call], chosen.long())
            case.compared.add(f"output/{prefix}top_k_index")
            stored = case.arrays[f"output/{prefix}load"]
            found = {
                "top_k_gate": routing.weights[call],
                "noisy_logits": routing.noisy[call],
                "gates": routing.gates[call],
                "load": chances[call] if stored.dim() == 2 else chances[call].sum(0),
                "loss_ce": terms.assignment[call],
                "loss_balance": terms.full[call],
                "loss_balance_full": terms.full[call],
                "loss_balance_partial": terms.partial[call],
            }
            for name, value in found.items():
                if case.has(f"output/{prefix}{name}"):
                    case.forward(prefix + name, value)
        return sum(LOSSES(routing, target).values())


def combination_of(case: Case) -> Tensor:
    return case.input("combination").long()


def run_patches(case: Case) -> None:
    config, features = case.config, case.input("features_0")
    module = Tokens(features=config["features"], tokens=config["patches"], width=config["d"]).to(
        features.dtype
    )
    assert module.lacking == config["zero_padding"]
    gradients = bind(case, module, linear("encoder_0", module.projection))
    found = module(features)
    case.forward("y", found)
    finish(case, (found * case.input("cotangent_y")).sum(), gradients)


def run_attention(case: Case) -> None:
    x = case.input("x_0")
    module = FlexAttention(width=case.config["d"], heads=case.config["heads"], dropout=0.0).to(
        x.dtype
    )
    gradients = bind(case, module, attention_links("attn/", module))
    found = module(x, case.input("x_1"))
    case.forward("y", found)
    finish(case, (found * case.input("cotangent_y")).sum(), gradients)


def run_gate(case: Case) -> None:
    config, tokens = case.config, case.input("tokens")
    module = NoisyTopKRouter(
        routers=1,
        input_width=config["d"],
        experts=config["num_experts"],
        top_k=config["top_k"],
        gate="softmax",
    ).to(tokens.dtype)
    module.train(config["training"])
    gradients = bind(case, module, router_links("", module))
    recorder = FlexRecorder(case, module, [""], ["gate"])
    found = module(tokens.unsqueeze(0)).gates[0]
    loss = recorder.compare(combination_of(case))
    case.forward("gate_loss", loss)
    finish(case, loss + (found * case.input("cotangent_gates")).sum(), gradients)


def run_mixture(case: Case) -> None:
    x = case.input("x_0")
    module = make_mixture(case).to(x.dtype).train(case.config["training"])
    gradients = bind(case, module, mixture_links("", module))
    recorder = FlexRecorder(case, module.router, [""], ["gate"])
    mixed, _ = module(x.flatten(0, 1).unsqueeze(0), combination_of(case))
    found = mixed[0].view_as(x)
    case.forward("y", found)
    loss = recorder.compare(combination_of(case))
    case.forward("gate_loss", loss)
    finish(case, loss + (found * case.input("cotangent_y")).sum(), gradients)


def run_layer(case: Case) -> None:
    config = case.config
    blocks = [case.input(f"x_{m}") for m in range(config["num_modalities"])]
    module = make_layer(case, len(blocks), sparse=config["sparse"])
    module = module.to(blocks[0].dtype).train(config["training"])
    gradients = bind(case, module, layer_links("", module))
    recorder = None
    if config["sparse"]:
        names = [f"modality{m}" for m in range(len(blocks))]
        calls = [f"{name}/" for name in names]
        recorder = FlexRecorder(case, module.feed_forward.router, calls, names)
    result = module(torch.cat(blocks, 1), combination_of(case))
    scalar = torch.zeros(())
    for m, found in enumerate(result.tokens.chunk(len(blocks), 1)):
        case.forward(f"y_{m}", found)
        scalar = scalar + (found * case.input(f"cotangent_y_{m}")).sum()
    if recorder is not None:
        loss = recorder.compare(combination_of(case))
        assert torch.equal(loss, sum(result.losses.values()))
        case.forward("gate_loss", loss)
        scalar = scalar + loss
    finish(case, scalar, gradients)
