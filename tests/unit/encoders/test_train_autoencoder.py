"""Training of the autoencoder: it learns, on the right patients, the same bytes every time."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from fleximodal.encoders import train_autoencoder as module
from fleximodal.encoders.ecg_autoencoder import ECGAutoencoder
from fleximodal.encoders.ecg_cache import ECGCache
from fleximodal.encoders.run import encode, train
from fleximodal.encoders.settings import ECGEncoder
from fleximodal.encoders.train_autoencoder import train_autoencoder
from fleximodal.errors import FleximodalError
from tests.unit.encoders.small_items import (
    folder_bytes,
    heartbeat,
    write_items,
    write_record,
    write_records,
)

ROOT = Path(__file__).resolve().parents[3]
PATIENTS = [patient for patient in range(1, 11) for _ in range(2)]
SMALL = {"batch_size": 8, "max_epochs": 3, "device": "cpu", "learning_rate": 3e-3}


@pytest.fixture(scope="module")
def ecgs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 records of 10 patients, and their table."""
    folder = tmp_path_factory.mktemp("ecgs")
    write_records(folder, PATIENTS).write_parquet(folder / "ecg_records.parquet")
    return folder


def fit(
    ecgs: Path,
    output: Path,
    patients: Collection[int] | None = frozenset(range(1, 11)),
    **settings: object,
) -> dict[str, float]:
    train_autoencoder(
        ecgs / "ecg_records.parquet",
        ecgs,
        patients,
        ECGEncoder.model_validate({**SMALL, **settings}),
        output,
        output.parent / "state",
    )
    quality: dict[str, float] = json.loads((output / "reconstruction.json").read_text())
    return quality


@pytest.fixture(scope="module")
def trained(ecgs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output: Path = tmp_path_factory.mktemp("trained") / "autoencoder"
    fit(ecgs, output)
    return output


def test_the_folder(ecgs: Path, trained: Path) -> None:
    assert {path.name for path in trained.iterdir()} == {
        "autoencoder.safetensors",
        "history.csv",
        "fitted_patients.parquet",
        "reconstruction.json",
        "manifest.json",
    }
    quality = json.loads((trained / "reconstruction.json").read_text())
    assert (quality["train_records"], quality["validation_records"]) == (18, 2)
    assert (quality["train_patients"], quality["validation_patients"]) == (9, 1)
    with open(trained / "history.csv") as file:
        history = list(csv.DictReader(file))
    assert [row["epoch"] for row in history] == ["1", "2", "3"]
    best = min(history, key=lambda row: float(row["validation_mse"]))
    assert int(best["epoch"]) == quality["best_epoch"]
    assert float(best["validation_mse"]) == quality["validation_mse"]
    text = (trained / "manifest.json").read_text()
    assert "s00" not in text and "files/" not in text
    assert not (trained.parent / "state").exists()


@pytest.mark.slow
def test_reconstruction_is_clearly_better_than_the_mean(tmp_path: Path) -> None:
    patients = [patient for patient in range(1, 33) for _ in range(2)]
    table = write_records(tmp_path, patients, aligned=True)
    table.write_parquet(tmp_path / "ecg_records.parquet")
    quality = fit(tmp_path, tmp_path / "out", patients, max_epochs=8)
    assert quality["validation_mse"] < 0.5 * quality["validation_variance"]


def test_quality_is_of_the_stored_weights_and_the_variance_of_the_records(
    ecgs: Path, trained: Path
) -> None:
    quality = json.loads((trained / "reconstruction.json").read_text())
    order = np.random.default_rng(0).permutation(10)
    held_out = [p for p, place in zip(range(1, 11), order, strict=True) if place < 1]
    samples = np.stack(
        [
            np.round(heartbeat(number) * 200)[:4096] / 200
            for number, patient in enumerate(PATIENTS)
            if patient in held_out
        ]
    )
    assert quality["validation_variance"] == pytest.approx(samples.var(), rel=1e-3)
    model = ECGAutoencoder().eval()
    model.load_state_dict(load_file(trained / "autoencoder.safetensors"))
    signal_ = torch.from_numpy(samples).float()
    with torch.no_grad():
        error = float(((model(signal_) - signal_) ** 2).mean())
    assert quality["validation_mse"] == pytest.approx(error, rel=1e-3)
    assert quality["ratio"] == pytest.approx(error / samples.var(), rel=1e-3)


def test_same_bytes_again_and_with_other_caches(ecgs: Path, trained: Path, tmp_path: Path) -> None:
    fit(ecgs, tmp_path / "again")
    assert folder_bytes(tmp_path / "again") == folder_bytes(trained)
    # Room for 10 records of 98,304 bytes, and for none.
    fit(ecgs, tmp_path / "small", cache_gb=10 * 98_304e-9, max_epochs=1)
    fit(ecgs, tmp_path / "none", cache_gb=0, max_epochs=1)
    assert folder_bytes(tmp_path / "small") == folder_bytes(tmp_path / "none")
    fit(ecgs, tmp_path / "other", seed=1, max_epochs=1)
    name = "autoencoder.safetensors"
    assert (tmp_path / "other" / name).read_bytes() != (tmp_path / "none" / name).read_bytes()


KILLED = """
import json, sys
from pathlib import Path
from fleximodal.encoders.settings import ECGEncoder
from fleximodal.encoders.train_autoencoder import train_autoencoder
folder, output, settings = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
train_autoencoder(folder / "ecg_records.parquet", folder, range(1, 11), ECGEncoder(**settings),
                  output, output.parent / "state")
"""


def test_killed_training_goes_on_and_ends_in_the_same_bytes(
    ecgs: Path, trained: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    command = [sys.executable, "-c", KILLED, str(ecgs), str(tmp_path / "out"), json.dumps(SMALL)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    process = subprocess.Popen(command, env=environment)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "state").glob("training/*/epoch.safetensors")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    with caplog.at_level("INFO", "fleximodal.encoders"):
        fit(ecgs, tmp_path / "out")
    assert "going on after epoch" in caplog.text
    assert folder_bytes(tmp_path / "out") == folder_bytes(trained)
    assert not (tmp_path / "state").exists()


def test_other_patients_records_are_not_opened(tmp_path: Path) -> None:
    table = write_records(tmp_path, [1, 1, 2, 3, 4])
    table.write_parquet(tmp_path / "ecg_records.parquet")
    for path in tmp_path.glob("files/p[34]/*"):
        path.unlink()
    fit(tmp_path, tmp_path / "out", {1, 2, 99}, max_epochs=1)
    fitted = pl.read_parquet(tmp_path / "out" / "fitted_patients.parquet")
    assert fitted["patient_id"].to_list() == [1, 2]
    with pytest.raises(FleximodalError, match=r"row [45] of ecg_records\.parquet is missing"):
        fit(tmp_path, tmp_path / "all", None, max_epochs=1)


def test_no_patient_is_in_training_and_validation(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {"patient_id": [n // 2 for n in range(64)], "item_id": [f"{n}" for n in range(64)]}
    ).with_columns(path=pl.col("item_id"))
    table.write_parquet(tmp_path / "records.parquet")
    settings = ECGEncoder(max_records=21)
    used = module._choose(tmp_path / "records.parquet", range(32), settings)
    assert used.frame.height == 21
    train_, validation = (
        set(used.frame[part]["patient_id"]) for part in (used.train, used.validation)
    )
    assert len(train_) + len(validation) == 11 and len(validation) == 1
    assert not train_ & validation
    whole = module._choose(tmp_path / "records.parquet", None, ECGEncoder())
    assert (len(whole.train), len(whole.validation)) == (58, 6)


def test_rate_is_halved_after_3_and_training_stops_after_6_without_progress(
    ecgs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = iter([5.0, 4.0, 4.0, 4.5, 4.1, 3.0, 3.1, 3.2, 3.3, 3.4, 3.5, 3.6, 1.0])
    last = 0.0

    def next_error(self: object, indices: np.ndarray) -> float:
        nonlocal last
        last = next(errors, last)
        return last

    monkeypatch.setattr(module._Training, "_error", next_error)
    monkeypatch.setattr(module._Training, "_train_epoch", lambda self, epoch: 1.0)
    quality = fit(ecgs, tmp_path / "out", max_epochs=50, learning_rate=1e-3)
    assert (quality["epochs"], quality["best_epoch"]) == (12, 6)
    with open(tmp_path / "out" / "history.csv") as file:
        rates = [float(row["learning_rate"]) for row in csv.DictReader(file)]
    assert rates == [1e-3] * 5 + [5e-4] * 4 + [2.5e-4] * 3


def test_gaps_and_extreme_values(tmp_path: Path) -> None:
    table = write_records(tmp_path, [1, 2])
    signal_ = heartbeat(0)
    signal_[:10, 0] = np.nan
    signal_[20, 1] = 160.0
    write_record(tmp_path / table["path"][0], signal_)
    cache = ECGCache(
        tmp_path / "cache", tmp_path, table["path"].to_list(), [1, 2], table="t", bytes_at_most=1e9
    )
    first, again = cache.read(np.array([0, 1])), cache.read(np.array([0, 1]))
    np.testing.assert_array_equal(first, again)
    assert cache.missing_samples == 10
    assert np.isfinite(first).all() and first[0, 20, 1] == 160
    np.testing.assert_allclose(first[1], heartbeat(1)[:4096], atol=0.005)


@pytest.mark.parametrize(
    ("patients", "message"), [({1}, "1 patients to fit"), (set(), "0 patients to fit")]
)
def test_too_few_patients(ecgs: Path, tmp_path: Path, patients: set[int], message: str) -> None:
    with pytest.raises(FleximodalError, match=message):
        fit(ecgs, tmp_path / "out", patients)
    assert not (tmp_path / "out").exists()


def test_entry_asks_for_the_patients_it_may_use(ecgs: Path, tmp_path: Path) -> None:
    with pytest.raises(FleximodalError, match="`fit_patients` is needed"):
        train(ecgs, tmp_path / "out", settings=SMALL, state=tmp_path / "s", root=ecgs)
    train(
        ecgs,
        tmp_path / "out",
        settings={**SMALL, "patients": "all", "max_epochs": 1},
        state=tmp_path / "s",
        root=ecgs,
    )
    assert pl.read_parquet(tmp_path / "out" / "fitted_patients.parquet").height == 10


def test_real_ecgs_become_finite_vectors_twice_the_same(
    real_data: Path, trained: Path, tmp_path: Path
) -> None:
    root = real_data / "ptb-xl-sample"
    if not root.is_dir():
        pytest.skip(f"no PTB-XL sample: {root} does not exist")
    paths = [f"dat/HR{number:05d}" for number in range(1, 11)]
    write_items(tmp_path / "canonical" / "ecgs.parquet", path=paths)
    found = []
    for name, size in (("one", 32), ("two", 32), ("three", 3)):
        encode(
            "ecg",
            tmp_path / "canonical",
            tmp_path / name,
            settings={"encode_batch_size": size, "device": "cpu"},
            state=tmp_path / "state",
            root=root,
            autoencoder=trained,
        )
        found.append(load_file(tmp_path / name / "vectors.safetensors")["vectors"])
    assert found[0].shape == (10, 256) and torch.isfinite(found[0]).all()
    assert folder_bytes(tmp_path / "one") == folder_bytes(tmp_path / "two")
    torch.testing.assert_close(found[0], found[2], rtol=1e-4, atol=1e-5)
    assert torch.cdist(found[0], found[0]).fill_diagonal_(1).min() > 1e-3
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text())
    assert manifest["settings"]["weights"].startswith("trained here, autoencoder.safetensors sha")
    assert "HR0" not in (tmp_path / "one" / "manifest.json").read_text()


def test_foreign_and_absent_autoencoders(ecgs: Path, tmp_path: Path) -> None:
    write_items(tmp_path / "ecgs.parquet", path=["files/p1/s0000"])
    for content, message in ((None, "holds no autoencoder"), (b"x", "is damaged or of another")):
        if content is not None:
            (tmp_path / "autoencoder.safetensors").write_bytes(content)
        with pytest.raises(FleximodalError, match=message):
            encode(
                "ecg",
                tmp_path,
                tmp_path / "out",
                settings={},
                state=tmp_path / "state",
                root=ecgs,
                autoencoder=tmp_path,
            )
