"""ECGs: their tables, and WFDB records whose simple statistics show the truth.

WFDB header and format 16: https://physionet.org/physiotools/wag/header-5.htm and signal-5.htm.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from fleximodal.sources.hospital.items import Items
from fleximodal.sources.hospital.people import ID_BASES, People, study_ids
from fleximodal.sources.hospital.rows import Mess, pick, times

# The order of MIMIC-IV-ECG: aVF before aVL.
LEADS = ("I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6")
RATE, SAMPLES, GAIN = 500, 5_000, 200
NO_SAMPLE = -32_768
_GAP_SHARE = 0.01
_NUM_REPORTS = 18

# Heights in mV of the waves P, Q, R, S, T in leads I, II, V1 to V6; the others follow from these.
_WAVES = {
    "I": (0.08, -0.05, 0.70, -0.10, 0.20),
    "II": (0.14, -0.06, 1.00, -0.15, 0.28),
    "V1": (0.05, 0.00, 0.25, -0.90, -0.08),
    "V2": (0.06, 0.00, 0.50, -1.20, 0.30),
    "V3": (0.07, -0.02, 0.80, -0.80, 0.35),
    "V4": (0.07, -0.06, 1.30, -0.40, 0.35),
    "V5": (0.07, -0.08, 1.20, -0.20, 0.30),
    "V6": (0.07, -0.08, 0.90, -0.10, 0.25),
}
# Centre and width of each wave, in seconds from the R peak; the last is the plateau of ST.
_CENTRES = np.array([-0.17, -0.035, 0.0, 0.035, 0.27, 0.12])
_WIDTHS = np.array([0.022, 0.010, 0.012, 0.012, 0.050, 0.035])
_QRS = slice(1, 4)


@dataclass(frozen=True)
class Record:
    """What an ECG shows and where it goes; `path` has no extension, `time` is in seconds."""

    path: str
    subject: int
    time: int
    stay: int
    x: float
    w: float
    gap: bool


def ecg_tables(
    rng: np.random.Generator, mess: Mess, people: People, items: Items
) -> tuple[dict[str, pl.DataFrame], list[Record]]:
    """Return record_list, machine_measurements and waveform_note_links by path, and the records."""
    count = len(items.time)
    study = study_ids(ID_BASES["mimic4"].ecg_study, people.number, count)
    subject = people.subject[people.patient[items.admission]]
    mess.counts["ECGs outside every stay"] = int((items.stay < 0).sum())
    gap = np.zeros(count, dtype=bool)
    gap[mess.some("ECGs with a gap", items.stay >= 0, _GAP_SHARE)] = True
    paths = [
        f"files/p{s // 10_000}/p{s}/s{t}/{t}"
        for s, t in zip(subject.tolist(), study.tolist(), strict=True)
    ]
    time = times(items.time)
    path = pl.Series(paths, dtype=pl.String)
    records = pl.DataFrame(
        {
            "subject_id": subject,
            "study_id": study,
            "file_name": study,
            "ecg_time": time,
            "path": path,
        }
    )
    interval = np.round(60_000 / heart_rate(items.x)).astype(int)
    width = np.round(90 * np.exp(_qrs_growth(items.w))).astype(int)
    reports = {
        f"report_{i}": pl.Series([None] * count, dtype=pl.String) for i in range(_NUM_REPORTS)
    }
    reports["report_0"] = pick(
        ["Sinus bradycardia", "Sinus rhythm", "Sinus tachycardia"],
        np.digitize(60_000 / interval, [60, 100]),
    )
    reports["report_1"] = pick(
        ['Summary: "abnormal" ECG, unconfirmed', None], rng.integers(0, 2, count)
    )
    measured = pl.DataFrame(
        {
            "subject_id": subject,
            "study_id": study,
            "cart_id": 6_000_000 + rng.integers(0, 900, count),
            "ecg_time": time,
            **reports,
            "bandwidth": pick(["0.005-150 Hz"], np.zeros(count, dtype=int)),
            "filtering": pick(["60 Hz notch Baseline filter"], np.zeros(count, dtype=int)),
            "rr_interval": interval,
            "p_onset": np.full(count, 40),
            "p_end": np.full(count, 128),
            "qrs_onset": np.full(count, 170),
            "qrs_end": 170 + width,
            "t_end": 510 + width // 2,
            "p_axis": rng.integers(20, 75, count),
            "qrs_axis": rng.integers(-30, 90, count),
            "t_axis": rng.integers(10, 80, count),
        }
    )
    linked = np.flatnonzero(rng.random(count) < 0.75)
    links = pl.DataFrame(
        {
            "subject_id": subject[linked],
            "study_id": study[linked],
            "waveform_path": path.gather(linked),
            "note_id": pl.Series(
                [f"{s}-EK-{i + 1}" for i, s in enumerate(subject[linked].tolist())],
                dtype=pl.String,
            ),
            "note_seq": 1 + np.arange(len(linked)),
            "charttime": times(items.time[linked]),
        }
    )
    listed = [
        Record(*row)
        for row in zip(
            paths,
            subject.tolist(),
            items.time.tolist(),
            items.stay.tolist(),
            items.x.tolist(),
            items.w.tolist(),
            gap.tolist(),
            strict=True,
        )
    ]
    tables = {
        "record_list": records,
        "machine_measurements": measured,
        "waveform_note_links": links,
    }
    return {f"mimic-iv-ecg/{name}": table for name, table in tables.items()}, listed


def heart_rate(x: np.ndarray) -> np.ndarray:
    """Return beats per minute."""
    rate: np.ndarray = np.clip(84 + 14 * x, 35, 190)
    return rate


def _qrs_growth(w: np.ndarray) -> np.ndarray:
    growth: np.ndarray = np.clip(0.22 * w, -0.6, 0.8)
    return growth


def draw_signal(rng: np.random.Generator, x: float, w: float) -> np.ndarray:
    """Return ten seconds of twelve leads in mV, shape (5000, 12), float32.

    The rate and the level of the ST segment follow x, the width of QRS and the noise follow w.
    """
    rate = float(heart_rate(np.array(x + rng.normal(0, 0.1))))
    beat = 60 / rate
    beats = np.arange(-1, SAMPLES / RATE / beat + 2) * beat + rng.uniform(0, beat)
    beats += rng.normal(0, 0.01, len(beats))
    time = np.arange(SAMPLES, dtype=np.float32) / RATE
    beats = beats.astype(np.float32)
    nearest = np.clip(np.searchsorted(beats, time), 1, len(beats) - 1)
    left = time - beats[nearest - 1]
    # Each sample belongs to the beat whose P wave has begun.
    phase = np.where(beats[nearest] - time < 0.45 * min(beat, 0.6), time - beats[nearest], left)
    widths = _WIDTHS.copy()
    widths[_QRS] *= np.exp(float(_qrs_growth(np.array(w))))
    scaled = (phase - _CENTRES[:, None].astype(np.float32)) / widths[:, None].astype(np.float32)
    waves = np.exp(-(scaled**2) / 2)
    level = 0.07 * (x + rng.normal(0, 0.1))
    heights = np.array([(*_WAVES[lead], level) for lead in _WAVES])
    heights *= np.exp(0.08 * rng.standard_normal((len(heights), 1)))
    signal = dict(zip(_WAVES, heights.astype(np.float32) @ waves, strict=True))
    signal["III"] = signal["II"] - signal["I"]
    signal["aVR"] = -(signal["I"] + signal["II"]) / 2
    signal["aVF"] = signal["II"] - signal["I"] / 2
    signal["aVL"] = signal["I"] - signal["II"] / 2
    noise = 0.02 * np.exp(0.5 * (w + rng.normal(0, 0.1)))
    drawn = np.stack([signal[lead] for lead in LEADS], axis=1)
    # The same slow wander in every lead, as breathing makes it.
    drawn += np.float32(0.05) * np.sin(2 * np.pi * (0.25 * time[:, None] + rng.random()))
    drawn += np.float32(noise) * rng.standard_normal(drawn.shape, dtype=np.float32)
    return drawn


def write_record(rng: np.random.Generator, folder: Path, record: Record) -> None:
    """Draw an ECG and write its header and its samples (format 16)."""
    target = folder / record.path
    target.parent.mkdir(parents=True, exist_ok=True)
    samples = np.clip(np.round(GAIN * draw_signal(rng, record.x, record.w)), -32_000, 32_000)
    samples = samples.astype("<i2")
    if record.gap:
        start = int(rng.integers(0, SAMPLES - 400))
        samples[start : start + 200, rng.integers(0, len(LEADS))] = NO_SAMPLE
    target.with_suffix(".dat").write_bytes(samples.tobytes())
    stamp = np.datetime64(record.time, "s").item()
    checksums = samples.sum(axis=0, dtype=np.int64)
    # 16 bits with sign, as the WFDB library has it.
    checksums = (checksums + 32_768) % 65_536 - 32_768
    name = target.name
    lines = [f"{name} {len(LEADS)} {RATE} {SAMPLES} {stamp:%H:%M:%S %d/%m/%Y}"]
    lines += [
        f"{name}.dat 16 {GAIN}.0(0)/mV 16 0 {samples[0, i]} {checksums[i]} 0 {lead}"
        for i, lead in enumerate(LEADS)
    ]
    lines.append(f"# {record.subject}")
    target.with_suffix(".hea").write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")
