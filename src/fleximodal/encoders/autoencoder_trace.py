"""What figure 5 shows of a trained ECG autoencoder: its layers as they run, and how well it works.

Of real ECGs only means over many records leave this module; single ECGs do where they are
generated.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from fleximodal.encoders.compute import computing
from fleximodal.encoders.ecg_autoencoder import ECGAutoencoder
from fleximodal.encoders.ecg_reader import FREQUENCY, LEADS, SAMPLES, read_ecg
from fleximodal.encoders.ecgs import load_autoencoder
from fleximodal.io.atomic import write_json

RECORDS = 200  # at most; enough for means, and read in seconds
FEWEST_PATIENTS = 10  # behind a mean over real ECGs
EXAMPLES = 2
EXAMPLE_LEADS = ("II", "V2", "V5")
EXAMPLE_SECONDS = 3
SPECTRUM_HERTZ = 60.0
BIN_HERTZ = 0.5
_BATCH = 32


def trace_autoencoder(
    canonical: Path, autoencoder: Path, folder: Path, output: Path, *, generated: bool, threads: int
) -> None:
    """Write autoencoder.json.

    Parameters
    ----------
    canonical
        Folder of canonical tables with `ecg_records.parquet`.
    autoencoder
        Folder that `train_autoencoder` wrote.
    folder
        Folder that the records' paths are relative to.
    output
        The file: `layers` (see `layers_of`); `quality`, the validation error of the training;
        `records` and `patients` that the autoencoder was not fitted to; over these, `leads` (mean
        squared error and variance in mV^2) and `spectrum` (mean power in mV^2/Hz), None where
        fewer than ten real patients remain; `examples` (mV), empty for real ECGs.
    generated
        Whether the ECGs are generated.
    threads
        Processor threads.

    Raises
    ------
    FleximodalError
        If the autoencoder or a record is absent or damaged.
    """
    with computing(threads, "cpu"):
        model = load_autoencoder(autoencoder)
        unseen = _unseen(canonical, autoencoder)
        result: dict[str, Any] = {
            "layers": layers_of(model),
            "quality": json.loads((autoencoder / "reconstruction.json").read_text("utf-8")),
            "records": unseen.height,
            "patients": unseen["patient_id"].n_unique(),
            "leads": None,
            "spectrum": None,
            "examples": [],
        }
        fewest = 1 if generated else FEWEST_PATIENTS
        if result["patients"] >= fewest:
            signal = _read(unseen, folder)
            rebuilt = _rebuild(model, signal)
            result["leads"] = _per_lead(signal, rebuilt)
            result["spectrum"] = _spectrum(signal, rebuilt)
            if generated:
                result["examples"] = _examples(signal, rebuilt)
    write_json(output, result)


@torch.inference_mode()
def layers_of(model: ECGAutoencoder) -> list[dict[str, Any]]:
    """Return the layers in the order in which a forward pass runs them, with what they were given.

    Each has `name`, `kind` (class), `kernel` and `dropout` where it has them, `parameters`, and
    the shapes `given` and `returned` without the batch: (channels, length) or (width,).
    """
    layers: list[dict[str, Any]] = []

    def note(name: str, layer: nn.Module, given: tuple[Tensor, ...], returned: Tensor) -> None:
        kernels = [m.kernel_size[0] for m in layer.modules() if isinstance(m, nn.Conv1d)]
        rates = [m.p for m in layer.modules() if isinstance(m, nn.Dropout)]
        layers.append(
            {
                "name": name,
                "kind": type(layer).__name__.strip("_").lower(),
                "kernel": kernels[0] if kernels else None,
                "dropout": rates[0] if rates else None,
                "parameters": sum(parameter.numel() for parameter in layer.parameters()),
                "given": list(given[0].shape[1:]),
                "returned": list(returned.shape[1:]),
            }
        )

    # The blocks of the two lists, and the single layers between them.
    watched = {
        f"{name}.{place}" if isinstance(child, nn.ModuleList) else name: layer
        for name, child in model.named_children()
        for place, layer in enumerate(child if isinstance(child, nn.ModuleList) else [child])
    }
    hooks = [
        layer.register_forward_hook(
            lambda layer, given, returned, name=name: note(name, layer, given, returned)
        )
        for name, layer in watched.items()
    ]
    try:
        model.eval()(torch.zeros(1, SAMPLES, len(LEADS)))
    finally:
        for hook in hooks:
            hook.remove()
    return layers


def _unseen(canonical: Path, autoencoder: Path) -> pl.DataFrame:
    """Return records of patients that the autoencoder was not fitted to, `RECORDS` at most."""
    fitted = pl.read_parquet(autoencoder / "fitted_patients.parquet")["patient_id"]
    columns = ["patient_id", "item_id", "path"]
    frame = pl.read_parquet(canonical / "ecg_records.parquet", columns=columns)
    frame = frame.with_row_index("row", offset=1)
    frame = frame.filter(~pl.col("patient_id").is_in(fitted.implode()))
    return frame.sort("patient_id", "item_id").head(RECORDS)


def _read(records: pl.DataFrame, folder: Path) -> Tensor:
    """Return the signals (n, 4096, 12) in mV."""
    rows = records.select("row", "path").iter_rows()
    signals = [read_ecg(folder / path, f"row {row} of ecg_records.parquet") for row, path in rows]
    return torch.from_numpy(np.stack([ecg.signal for ecg in signals]))


@torch.inference_mode()
def _rebuild(model: ECGAutoencoder, signal: Tensor) -> Tensor:
    return torch.cat([model(batch) for batch in signal.split(_BATCH)])


def _per_lead(signal: Tensor, rebuilt: Tensor) -> list[dict[str, Any]]:
    error = (signal - rebuilt).double().square().mean((0, 1)).tolist()
    variance = signal.double().var((0, 1), correction=0).tolist()
    return [
        {"lead": lead, "mse": e, "variance": v}
        for lead, e, v in zip(LEADS, error, variance, strict=True)
    ]


def _spectrum(signal: Tensor, rebuilt: Tensor) -> dict[str, list[float]]:
    """Return the mean periodogram over records and leads (Hann window), in bins of half a hertz."""
    hertz = np.fft.rfftfreq(SAMPLES, 1 / FREQUENCY)
    place = (hertz / BIN_HERTZ).astype(int)
    count = np.bincount(place)
    kept = int(SPECTRUM_HERTZ / BIN_HERTZ)

    def power(x: Tensor) -> list[float]:
        window = torch.hann_window(SAMPLES, dtype=torch.float64)[:, None]
        centred = x.double() - x.double().mean(1, keepdim=True)
        squared = torch.fft.rfft(centred * window, dim=1).abs().square().mean((0, 2))
        density = 2 * squared.numpy() / (FREQUENCY * float(window.square().sum()))
        means: list[float] = (np.bincount(place, density) / count)[:kept].tolist()
        return means

    return {
        "hertz": ((np.arange(kept) + 0.5) * BIN_HERTZ).tolist(),
        "signal": power(signal),
        "reconstruction": power(rebuilt),
    }


def _examples(signal: Tensor, rebuilt: Tensor) -> list[dict[str, Any]]:
    samples = EXAMPLE_SECONDS * FREQUENCY
    return [
        {
            "lead": lead,
            "hertz": FREQUENCY,
            "signal": signal[number, :samples, LEADS.index(lead)].tolist(),
            "reconstruction": rebuilt[number, :samples, LEADS.index(lead)].tolist(),
            "number": number + 1,
        }
        for number in range(min(EXAMPLES, len(signal)))
        for lead in EXAMPLE_LEADS
    ]
