"""Generated ragged stays, written as tables, and the dataset made of them."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import strategies as st

from fleximodal.dataset.packed import PackedDataset, read_packed

CHANNELS = {"vitals": ["HR", "Temp", "pH"], "labs": ["K", "Na"]}
FEATURES = ["age", "height"]
LENGTH = 96.0  # hours of every stay


@dataclass
class Stay:
    """What happened: (minute, channel) -> value, and the descriptors (None: unknown)."""

    events: dict[tuple[int, str], float]
    static: tuple[float | None, float | None] = (None, None)
    label: int = 0

    def rows(self, modality: str) -> list[tuple[float, dict[int, float]]]:
        """Return the times in hours, each with its observations by number of channel."""
        channels = CHANNELS[modality]
        times = sorted({minute for minute, channel in self.events if channel in channels})
        return [
            (
                float(np.float32(minute / 60)),
                {
                    number: self.events[minute, channel]
                    for number, channel in enumerate(channels)
                    if (minute, channel) in self.events
                },
            )
            for minute in times
        ]


@dataclass
class Hospital:
    """Stays by id, and the dataset that the package made of them."""

    stays: dict[int, Stay]
    folder: Path
    dataset: PackedDataset = field(init=False)

    def __post_init__(self) -> None:
        self.dataset = read_packed(self.folder)


VALUES = st.floats(-1000, 1000, width=32)
STAYS = st.lists(
    st.builds(
        Stay,
        events=st.dictionaries(
            st.tuples(
                # Ends, edges of bins and times close to each other come often.
                st.one_of(st.integers(0, 2880), st.sampled_from([0, 59, 60, 61, 2820, 2879, 2880])),
                st.sampled_from([*CHANNELS["vitals"], *CHANNELS["labs"], "unlisted"]),
            ),
            VALUES,
            max_size=12,
        ),
        static=st.tuples(st.none() | VALUES, st.none() | VALUES),
        label=st.integers(0, 1),
    ),
    min_size=1,
    max_size=6,
)


def write_task(
    folder: Path,
    *,
    window_hours: float | None = 48.0,
    axis: str = "hours",
    labels: tuple[str, ...] = ("death",),
) -> None:
    """Write what a cohort says of its task."""
    meaning = {
        "task": "48-IHM",
        "unit": "stay",
        "labels": list(labels),
        "window_hours": window_hours,
        "horizon_hours": 48.0,
        "axis": axis,
    }
    (folder / "task.json").write_text(json.dumps(meaning))


def write_tables(folder: Path, stays: dict[int, Stay], shuffle: int = 0) -> None:
    """Write canonical tables and a cohort; rows of events in shuffled order."""
    events = [
        (stay_id, minute / 60, channel, value)
        for stay_id, stay in stays.items()
        for (minute, channel), value in stay.events.items()
    ]
    schema = {
        "stay_id": pl.Int64,
        "hours": pl.Float32,
        "channel": pl.Categorical,
        "value": pl.Float32,
    }
    table = pl.DataFrame(events, schema=schema, orient="row")
    folder.mkdir(parents=True, exist_ok=True)
    table.sample(fraction=1, shuffle=True, seed=shuffle).write_parquet(folder / "events.parquet")
    pl.DataFrame(
        [(stay_id, *stay.static) for stay_id, stay in stays.items()],
        schema={"stay_id": pl.Int64, "age": pl.Float32, "height": pl.Float32},
        orient="row",
    ).reverse().write_parquet(folder / "static.parquet")
    modalities = [
        {"name": name, "kind": "series", "table": "events.parquet", "channels": channels}
        for name, channels in CHANNELS.items()
    ]
    items = {"name": "static", "kind": "items", "features": FEATURES, "table": "static.parquet"}
    (folder / "modalities.json").write_text(json.dumps({"stay": [*modalities, items]}))
    pl.DataFrame(
        [(stay_id, stay_id + 1000, stay.label, LENGTH) for stay_id, stay in stays.items()],
        schema={"stay_id": pl.Int64, "patient_id": pl.Int64, "label": pl.Int8, "hours": pl.Float32},
        orient="row",
    ).write_parquet(folder / "cohort.parquet")
    write_task(folder)


def values_of(dataset: PackedDataset, position: int) -> dict[tuple[str, int], list[float]]:
    """Return every observed value of one stay by (modality, channel), read step by step."""
    found: dict[tuple[str, int], list[float]] = {}
    for name, modality in dataset.modalities.items():
        for row in range(modality.row_offsets[position], modality.row_offsets[position + 1]):
            if name == "static":
                for number, value in enumerate(modality.features_array[row]):
                    if not np.isnan(value):
                        found.setdefault((name, number), []).append(float(value))
                continue
            for place in range(
                modality.observation_offsets[row], modality.observation_offsets[row + 1]
            ):
                key = (name, int(modality.channel[place]))
                found.setdefault(key, []).append(float(modality.value[place]))
    return found
