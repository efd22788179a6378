"""What figure 5 is drawn from: layers as they run, errors by hand, no single real ECG."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import save_file
from scipy.signal import periodogram

from fleximodal.encoders.autoencoder_trace import _spectrum, layers_of, trace_autoencoder
from fleximodal.encoders.ecg_autoencoder import POOLS, ECGAutoencoder, new_autoencoder
from fleximodal.encoders.ecg_reader import LEADS, read_ecg
from tests.unit.encoders.small_items import write_records

PATIENTS = [patient for patient in range(1, 13) for _ in range(2)]
FITTED = (1, 2)


@pytest.fixture(scope="module")
def ecgs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of twelve patients, and an autoencoder that was fitted to two of them."""
    folder = tmp_path_factory.mktemp("ecgs")
    write_records(folder, PATIENTS).write_parquet(folder / "ecg_records.parquet")
    trained = folder / "autoencoder"
    trained.mkdir()
    save_file(new_autoencoder(3).state_dict(), trained / "autoencoder.safetensors")
    fitted = pl.DataFrame({"patient_id": FITTED}, schema={"patient_id": pl.Int64})
    fitted.write_parquet(trained / "fitted_patients.parquet")
    quality = {"validation_mse": 0.1, "validation_variance": 0.2}
    (trained / "reconstruction.json").write_text(json.dumps(quality))
    return folder


def traced(ecgs: Path, output: Path, **changes: Any) -> dict[str, Any]:
    trace_autoencoder(ecgs, ecgs / "autoencoder", ecgs, output, threads=1, **changes)
    found: dict[str, Any] = json.loads(output.read_text())
    return found


def test_layers_are_those_of_the_model() -> None:
    model = new_autoencoder(0)
    layers = layers_of(model)
    assert len(layers) == 17
    assert [layer["name"] for layer in layers[5:11]] == [
        *("encoder.5", "to_latent", "before_latent", "after_latent", "from_latent", "decoder.0")
    ]
    total = sum(parameter.numel() for parameter in model.parameters())
    assert sum(layer["parameters"] for layer in layers) == total
    assert layers[0]["given"] == [12, 4096]
    assert layers[-1]["returned"] == [12, 4096]
    lengths = [layer["returned"][1] for layer in layers[:6]]
    following = [*(layer["given"][1] for layer in layers[1:6]), layers[6]["given"][0] // 64]
    assert [a // b for a, b in zip(lengths, following, strict=True)] == list(POOLS)
    assert [layer["kernel"] for layer in layers[:6]] == [5, 5, 5, 3, 3, 3]
    assert layers[7]["dropout"] == 0.5


def test_a_changed_model_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    model = new_autoencoder(0)
    model.before_latent = torch.nn.Dropout(0.25)
    assert [layer["dropout"] for layer in layers_of(model)][7] == 0.25


def test_errors_are_of_unseen_patients(ecgs: Path, tmp_path: Path) -> None:
    found = traced(ecgs, tmp_path / "trace.json", generated=True)
    assert (found["records"], found["patients"]) == (20, 10)
    model = ECGAutoencoder()
    model.load_state_dict(new_autoencoder(3).state_dict())
    model.eval()
    table = pl.read_parquet(ecgs / "ecg_records.parquet")
    paths = table.filter(~pl.col("patient_id").is_in(FITTED)).sort("patient_id", "item_id")["path"]
    signal = np.stack([read_ecg(ecgs / path, "").signal for path in paths])
    with torch.no_grad():
        rebuilt = model(torch.from_numpy(signal)).numpy()
    error = ((signal - rebuilt).astype(np.float64) ** 2).mean(axis=(0, 1))
    np.testing.assert_allclose([lead["mse"] for lead in found["leads"]], error, rtol=1e-5)
    variance = signal.astype(np.float64).var(axis=(0, 1))
    np.testing.assert_allclose([lead["variance"] for lead in found["leads"]], variance, rtol=1e-5)
    first = found["examples"][0]
    expected = signal[0, : len(first["signal"]), LEADS.index(first["lead"])]
    np.testing.assert_allclose(first["signal"], expected, rtol=1e-6)


def test_spectrum_is_the_mean_periodogram() -> None:
    generator = torch.Generator().manual_seed(0)
    signal = torch.randn(3, 4096, 12, dtype=torch.float64, generator=generator) + 5
    signal += 2.0 * torch.sin(2 * torch.pi * 10.2 * torch.arange(4096) / 500)[:, None]
    found = _spectrum(signal, torch.zeros_like(signal))
    hertz, power = periodogram(signal.numpy(), fs=500, window="hann", axis=1)
    power = power.mean(axis=(0, 2))
    expected = [
        power[(hertz >= low) & (hertz < low + 0.5)].mean() for low in np.arange(0.5, 60, 0.5)
    ]
    np.testing.assert_allclose(found["signal"][1:], expected, rtol=1e-6)
    assert found["hertz"][int(np.argmax(found["signal"]))] == pytest.approx(10.25)
    assert not any(found["reconstruction"])


def test_no_real_ecg_leaves(ecgs: Path, tmp_path: Path) -> None:
    found = traced(ecgs, tmp_path / "trace.json", generated=False)
    assert found["examples"] == []
    assert len(found["leads"]) == 12


def test_few_real_patients_give_no_means(
    ecgs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleximodal.encoders.autoencoder_trace.FEWEST_PATIENTS", 11)
    found = traced(ecgs, tmp_path / "trace.json", generated=False)
    assert found["leads"] is None
    assert found["spectrum"] is None
    assert found["layers"]
