"""Golden image encoder and whole networks of Flex-MoE: ours built, run, compared."""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from fleximodal.dataset.batch import Batch, ItemsBatch
from fleximodal.models.bank import MissingBank
from fleximodal.models.combinations import combination_index
from fleximodal.models.flex_fusion import FlexFusion
from fleximodal.models.flex_head import LinearHead
from fleximodal.models.flex_mixture import FlexMixture
from fleximodal.models.multimodal import MultimodalModel
from fleximodal.models.tokens import TokenEncoder
from fleximodal.models.volume_cnn import VolumeCNN
from tests.unit.models.golden_case import ROUNDING, Case
from tests.unit.models.golden_flexmoe import FlexRecorder, combination_of, layer_links, make_layer
from tests.unit.models.golden_parameters import Link, Links, bind, linear
from tests.unit.models.golden_parts import finish

CONVOLUTIONS = (0, 2, 6, 8, 12, 14)
LAST = 19


def volume_case(path: Path, dtype: torch.dtype) -> Case:
    """Return the case of the convolutions, which stores parts of the volume's gradient alone."""
    description = json.loads(path.read_text())
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as stored:
        arrays = {name: torch.from_numpy(stored[name]).to(dtype) for name in stored.files}
    arrays["input/volume"].requires_grad_()
    tolerance = ROUNDING if dtype == torch.float64 else description["tolerance"]
    return Case(path.stem, arrays, description["config"], set(), tolerance)


def run_volume(case: Case) -> None:
    config, volume = case.config, case.input("volume")
    module = VolumeCNN(shape=tuple(config["volume"]), width=config["hidden"], dropout=0.0)
    module = module.to(volume.dtype)
    links = [
        link
        for number, place in enumerate(CONVOLUTIONS, 1)
        for link in linear(f"conv{number}", module[place])
    ]
    gradients = bind(case, module, iter([*links, *linear("fc", module[LAST])]))
    found = module(volume)
    case.forward("features", found)
    scalar = (found * case.input("cotangent_features")).sum()
    case.forward("scalar", scalar)
    scalar.backward()
    case.backward("grad_param/", gradients())
    block = volume.grad[0, 0][tuple(slice(*bounds) for bounds in config["block"])]
    found = {"volume_block": block, "volume_l2_norm": volume.grad.norm()}
    for name, value in found.items():
        # A norm is no gradient: each is compared in its own scale.
        alone = Case(name, {"g/" + name: case.arrays["grad_input/" + name]}, {}, set(),
                     case.tolerance)  # fmt: skip
        alone.backward("g/", {name: value})
        case.mismatches += alone.mismatches


def make_network(case: Case) -> MultimodalModel:
    config = case.config
    names = list(config["modality_letters"])
    sizes = {"steps": config["P"], "width": config["d"]}
    kind = "zero_tokens" if "missing_bank" in case.unused else "combination"
    fusion = FlexFusion(
        names=names,
        layers=[
            make_layer(case, len(names), sparse=layer == "sparse")
            for layer in config["layer_types"]
        ],
        **sizes,
    )
    return MultimodalModel(
        names=names,
        encoders=[TokenEncoder(size, config["P"], config["d"]) for size in config["feature_sizes"]],
        time_embedding=None,
        marker=MissingBank(modalities=len(names), kind=kind, **sizes),
        fusion=fusion,
        head=LinearHead(
            input_width=fusion.output_width,
            hidden=config["d"],
            outputs=config["classes"],
            layers=config["head_layers"],
            dropout=0.0,
        ),
        steps=config["P"],
    )


def network_links(case: Case, model: MultimodalModel) -> Links:
    if model.marker.cells is not None:
        yield Link("missing_bank", model.marker.cells)
    for m, encoder in enumerate(model.encoders):
        yield from linear(f"encoder_{m}", encoder.tokens.projection)
    yield Link("pos_embed", model.fusion.positions, cut=lambda p: p[0])
    for number, layer in enumerate(model.fusion.layers):
        yield from layer_links(f"layer{number}/", layer)
    if len(model.head) == 1:
        yield from linear("head", model.head[0])
    else:
        yield from linear("head/fc1", model.head[0])
        yield from linear("head/fc2", model.head[3])


def network_batch(case: Case) -> Batch:
    modalities = {}
    for m, name in enumerate(case.config["modality_letters"]):
        present = case.input("observed")[:, m] > 0
        mask = present.to(case.input(f"features_{m}").dtype).unsqueeze(1)
        values = case.input(f"features_{m}").unsqueeze(1)
        modalities[name] = ItemsBatch(values, mask, torch.zeros_like(mask), present)
    labels = case.input("labels").long()
    return Batch(modalities, labels, torch.arange(len(labels)))


def run_network(case: Case) -> None:
    config = case.config
    model = make_network(case).to(case.input("features_0").dtype).train(config["training"])
    gradients = bind(case, model, network_links(case, model))
    streams = range(len(config["modality_letters"]))
    recorders = []
    for number, layer in enumerate(model.fusion.layers):
        if isinstance(layer.feed_forward, FlexMixture):
            names = [f"layer{number}/modality{m}" for m in streams]
            calls = [f"{name}/" for name in names]
            recorders.append(FlexRecorder(case, layer.feed_forward.router, calls, names))
    batch = network_batch(case)
    present = torch.stack([part.present for part in batch.modalities.values()])
    assert torch.equal(combination_index(present), combination_of(case))
    for m, tokens in enumerate(model.encode(batch)):
        case.forward(f"tokens_{m}", tokens)
    output = model(batch)
    case.forward("logits", output.logits)
    loss = F.cross_entropy(output.logits, batch.labels)
    case.forward("task_loss", loss)
    for recorder in recorders:
        recorder.compare(combination_of(case))
    gate_loss = sum(output.auxiliary.values())
    case.forward("gate_loss", gate_loss)
    scalar = (output.logits * case.input("cotangent_logits")).sum() + loss + gate_loss
    finish(case, scalar, gradients)
