"""Golden fusion blocks: ours built, run forward and backward, compared."""

from fleximodal.models.adaptation_gate import AdaptationGate
from fleximodal.models.encoder import Encoder
from fleximodal.models.tensor_fusion import TensorFusion
from tests.unit.models.golden_case import Case
from tests.unit.models.golden_parameters import (
    adaptation_gate,
    bind,
    encoder,
    tensor_fusion,
)
from tests.unit.models.golden_parts import finish, time_first


def run_encoder(case: Case) -> None:
    config, crossmodal = case.config, case.has("input/kv")
    module = Encoder(
        steps=config["Tq"],
        width=config["d"],
        heads=config["heads"],
        layers=config["layers"],
        dropout=0.0,
        crossmodal=crossmodal,
        freeze_first=True,
    ).to(case.input("x").dtype)
    if crossmodal:
        # The only case of sequences of unequal lengths.
        table = module.source_positions.table
        table.data = table.data[: config["Tk"]]
    gradients = bind(case, module, encoder("", module))
    source = time_first(case.input("kv")) if crossmodal else None
    found = time_first(module.sequence(time_first(case.input("x")), source))
    case.forward("out", found)
    finish(case, (found * case.input("cotangent_out")).sum(), gradients)


def run_adaptation_gate(case: Case) -> None:
    main, side = case.input("main"), case.input("side")
    module = AdaptationGate(
        widths=[main.shape[1], side.shape[1]], main=0, dropout=0.0, norm="batch", beta="normal"
    ).to(main.dtype)
    gradients = bind(case, module, adaptation_gate(module))
    gate = module.gates[0]
    kept = []
    gate.register_forward_hook(lambda *arguments: kept.append(arguments[2]))
    found = module([main, side])
    case.forward("out", found)
    shift = module.shift(kept[0].sigmoid() * side)
    alpha = module.share(main, shift)
    assert (alpha == alpha[0]).all()
    case.forward("alpha", alpha[0])
    finish(case, (found * case.input("cotangent_out")).sum(), gradients)


def run_tensor_fusion(case: Case) -> None:
    vectors = [case.input("a"), case.input("b")]
    module = TensorFusion(widths=[x.shape[1] for x in vectors], hidden=case.config["width"]).to(
        vectors[0].dtype
    )
    gradients = bind(case, module, tensor_fusion(module))
    found = module(vectors)
    case.forward("out", found)
    finish(case, (found * case.input("cotangent_out")).sum(), gradients)
