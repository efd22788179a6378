"""ECG records: real ones against the bytes of their files, bad ones refused by row."""

from pathlib import Path

import numpy as np
import pytest

from fleximodal.encoders.ecg_reader import LEADS, read_ecg
from fleximodal.errors import FleximodalError
from tests.unit.encoders.small_items import heartbeat, write_record

STORED = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


@pytest.fixture(scope="session")
def ptb(real_data: Path) -> Path:
    folder = real_data / "ptb-xl-sample" / "dat"
    if not folder.is_dir():
        pytest.skip(f"no PTB-XL sample: {folder} does not exist")
    return folder


@pytest.mark.parametrize("number", range(1, 11))
def test_real_records_equal_their_bytes(ptb: Path, number: int) -> None:
    ecg = read_ecg(ptb / f"HR{number:05d}", "row 1")
    # Format 16: little-endian 16-bit steps, lead by lead within a sample; 1,000 steps per mV.
    raw = np.frombuffer((ptb / f"HR{number:05d}.dat").read_bytes(), dtype="<i2").reshape(5000, 12)
    assert ecg.signal.shape == (4096, 12) and ecg.signal.dtype == np.float32
    for place, lead in enumerate(LEADS):
        expected = raw[:4096, STORED.index(lead)] / 1000
        np.testing.assert_allclose(ecg.signal[:, place], expected, rtol=1e-6)
    assert ecg.missing == 0
    # Einthoven's and Goldberger's relations hold only if the leads are in the right columns.
    one, two, three, _, avf, avl = ecg.signal[:, :6].T
    np.testing.assert_allclose(three, two - one, atol=2e-3)
    np.testing.assert_allclose(avf, (two + three) / 2, atol=2e-3)
    np.testing.assert_allclose(avl, (one - three) / 2, atol=2e-3)


def test_leads_are_ordered_by_name(tmp_path: Path) -> None:
    signal = heartbeat(0)
    write_record(tmp_path / "a", signal)
    order = np.random.default_rng(1).permutation(12)
    names = [LEADS[place].upper() for place in order]
    write_record(tmp_path / "b", signal[:, order], leads=names)
    np.testing.assert_array_equal(
        read_ecg(tmp_path / "a", "x").signal, read_ecg(tmp_path / "b", "x").signal
    )
    np.testing.assert_allclose(read_ecg(tmp_path / "a", "x").signal, signal[:4096], atol=0.0026)


def test_gaps_become_zero_and_are_counted(tmp_path: Path) -> None:
    signal = heartbeat(0)
    signal[100:150, 3] = np.nan
    signal[4090:4200, 0] = np.nan  # 6 of them within the first 4,096
    write_record(tmp_path / "a", signal)
    ecg = read_ecg(tmp_path / "a", "x")
    assert ecg.missing == 56
    assert not ecg.signal[100:150, 3].any() and not ecg.signal[4090:, 0].any()
    assert np.isfinite(ecg.signal).all() and ecg.signal[99, 3] != 0


def test_exactly_4096_samples_are_enough(tmp_path: Path) -> None:
    write_record(tmp_path / "a", heartbeat(0, 4096))
    assert read_ecg(tmp_path / "a", "x").signal.shape == (4096, 12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 4095}, "has 4095 samples, expected at least 4096"),
        ({"frequency": 250}, "has 250 samples per second, expected 500"),
        ({"leads": [*LEADS[:11], "X"]}, "does not have the 12 standard leads"),
        ({"leads": [*LEADS[:11], "V1"]}, "does not have the 12 standard leads"),
        ({"leads": LEADS[:11]}, "does not have the 12 standard leads"),
        ({"unit": "uV"}, "is not in mV"),
    ],
)
def test_other_recordings(tmp_path: Path, options: dict[str, object], message: str) -> None:
    samples = int(options.pop("samples", 5000))  # type: ignore[call-overload]
    leads = options.get("leads", LEADS)
    signal = heartbeat(0, samples)[:, : len(leads)]  # type: ignore[arg-type]
    write_record(tmp_path / "secret", signal, **options)  # type: ignore[arg-type]
    with pytest.raises(
        FleximodalError, match=rf"The ECG of row 9 of ecgs\.parquet {message}"
    ) as error:
        read_ecg(tmp_path / "secret", "row 9 of ecgs.parquet")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("size", [0, 1, 24 * 2000, 24 * 4096, 24 * 4999 + 7])
def test_signal_files_shorter_than_their_header(tmp_path: Path, size: int) -> None:
    path = tmp_path / "secret"
    write_record(path, heartbeat(0))
    data = path.with_suffix(".dat").read_bytes()
    path.with_suffix(".dat").write_bytes(data[:size])
    with pytest.raises(FleximodalError, match=r"row 9 is damaged or shorter than") as error:
        read_ecg(path, "row 9")
    assert "secret" not in str(error.value) and error.value.__suppress_context__


def test_absent_and_unreadable_files(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    with pytest.raises(FleximodalError, match=r"The ECG of row 9 is missing"):
        read_ecg(path, "row 9")
    write_record(path, heartbeat(0))
    path.with_suffix(".dat").unlink()
    with pytest.raises(FleximodalError, match=r"The ECG of row 9 is missing"):
        read_ecg(path, "row 9")
    path.with_suffix(".hea").write_text("nonsense\n")
    with pytest.raises(FleximodalError, match=r"The ECG of row 9 is damaged") as error:
        read_ecg(path, "row 9")
    assert "secret" not in str(error.value)
    path.with_suffix(".hea").write_text("secret 0 500 5000\n")
    with pytest.raises(FleximodalError, match=r"The ECG of row 9 "):
        read_ecg(path, "row 9")
