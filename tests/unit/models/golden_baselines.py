"""Fusions of the golden baselines, and which of their parameters is which golden array."""

from torch import Tensor, nn

from fleximodal.models.adaptation_gate import AdaptationGate
from fleximodal.models.cnn import CNNEncoder
from fleximodal.models.encoder import Encoder
from fleximodal.models.late_fusion import LateFusion, concatenated
from fleximodal.models.lstm import LSTMEncoder
from fleximodal.models.mult import CrossmodalFusion
from fleximodal.models.tensor_fusion import TensorFusion
from tests.unit.models.golden_case import Case
from tests.unit.models.golden_parameters import (
    Links,
    adaptation_gate,
    cnn,
    encoder,
    lstm,
    tensor_fusion,
)
from tests.unit.models.golden_parts import time_first


def make_sequence_encoder(case: Case, name: str) -> nn.Module:
    config = case.config
    backend = config.get("backend", "Atten")
    layers = config["layers"] if "backend" in config else config["encoder_layers"]
    if backend == "LSTM":
        return LSTMEncoder(width=config["d"], layers=layers, dropout=0.0)
    if backend == "CNN":
        return CNNEncoder(
            steps=config["T"], width=config["d"], layers=layers, kernel=config["conv_kernel"]
        )
    steps = config["T"]
    if not config.get("irregular_text", True) and name == "txt":
        steps = case.input("txt_emb").shape[1]
    return Encoder(
        steps=steps,
        width=config["d"],
        heads=config["heads"],
        layers=layers,
        dropout=0.0,
        freeze_first=True,
    )


def make_baseline(case: Case, names: list[str]) -> LateFusion | CrossmodalFusion:
    config = case.config
    width, method = config["d"], config.get("fusion", "concat")
    if method == "MulT":
        return CrossmodalFusion(
            streams=len(names),
            steps=config["T"],
            width=width,
            heads=config["heads"],
            cross_layers=config["fusion_layers"],
            self_layers=config["encoder_layers"],
            dropout=0.0,
            freeze_first=True,
        )
    widths = [width] * len(names)
    join = {
        "MAGGate": lambda: AdaptationGate(widths=widths, main=0, dropout=0.0, norm="batch"),
        "Outer": lambda: TensorFusion(widths=widths, hidden=width),
        "concat": lambda: concatenated,
    }[method]()
    return LateFusion(
        encoders=[make_sequence_encoder(case, name) for name in names],
        join=join,
        output_width=sum(widths) if method == "concat" else width,
    )


def baseline_links(case: Case, names: list[str], fusion: LateFusion | CrossmodalFusion) -> Links:
    for name, module in zip(_encoder_names(names, fusion), fusion.encoders, strict=True):
        if isinstance(module, LSTMEncoder):
            yield from lstm(case, module)
        elif isinstance(module, CNNEncoder):
            yield from cnn(module)
        else:
            yield from encoder(f"encoder_{name}/", module)
    if isinstance(fusion, CrossmodalFusion):
        for (target, source), module in zip(fusion.pairs, fusion.crossmodal, strict=True):
            yield from encoder(f"cross_{names[target]}_queries_{names[source]}/", module)
    elif isinstance(fusion.join, AdaptationGate):
        yield from adaptation_gate(fusion.join)
    elif isinstance(fusion.join, TensorFusion):
        yield from tensor_fusion(fusion.join)


def compare_encoders(
    case: Case, names: list[str], fusion: nn.Module, streams: list[Tensor]
) -> None:
    """Compare what the self encoders return at all points, where it is stored."""
    if isinstance(fusion, CrossmodalFusion):
        streams = fusion.crossed(streams)
    for number, name in enumerate(_encoder_names(names, fusion)):
        if case.has(f"output/h_{name}"):
            case.forward(f"h_{name}", time_first(fusion.encoders[number].sequence(streams[number])))


def _encoder_names(names: list[str], fusion: nn.Module) -> list[str]:
    """Return the golden names of encoders: in MulT, each is called by the other modality."""
    return names[::-1] if isinstance(fusion, CrossmodalFusion) else names
