"""The 17 channels of the MIMIC-III benchmark: item ids, units, plausible ranges.

Harutyunyan H, Khachatrian H, Kale DC, Ver Steeg G, Galstyan A. Multitask learning and benchmarking
with clinical time series data. Sci Data 2019;6:96.

Item ids below 50000 are CareVue's, from 220000 up MetaVision's, both in CHARTEVENTS; 50000 to 59999
are those of LABEVENTS. The ranges are the benchmark's resource table, which it never applies.
"""

from dataclasses import dataclass
from typing import Any

LAB_ITEMS = range(50_000, 60_000)
"""Item ids of LABEVENTS; every other one is of CHARTEVENTS."""


@dataclass(frozen=True)
class Channel:
    """One channel: values outside `outliers` are dropped, outside `valid` clipped, if so asked."""

    name: str
    unit: str
    items: tuple[int, ...]
    outliers: tuple[float, float]
    valid: tuple[float, float]


CHANNELS: tuple[Channel, ...] = (
    Channel("Capillary refill rate", "0 normal, 1 delayed", (3348, 115, 8377), (0, 1), (0, 1)),
    Channel(
        "Diastolic BP",
        "mmHg",
        (8368, 220051, 225310, 8555, 8441, 220180, 8502, 8440, 8503, 8504, 8507, 8506, 224643),
        (0, 375),
        (0, 375),
    ),
    Channel("FiO2", "fraction", (3420, 223835, 3422, 189, 727), (0.2, 1.1), (0.21, 1)),
    Channel("GCS eye", "points", (184, 220739), (1, 4), (1, 4)),
    Channel("GCS motor", "points", (454, 223901), (1, 6), (1, 6)),
    Channel("GCS total", "points", (198,), (3, 15), (3, 15)),
    Channel("GCS verbal", "points", (723, 223900), (1, 5), (1, 5)),
    # 51478 is glucose in urine: mostly words, which are dropped.
    Channel(
        "Glucose",
        "mg/dL",
        (50931, 807, 811, 1529, 50809, 51478, 3745, 225664, 220621, 226537),
        (0, 2200),
        (33, 2000),
    ),
    Channel("Heart rate", "bpm", (211, 220045), (0, 390), (0, 350)),
    Channel("Height", "cm", (226707, 226730, 1394), (0, 275), (0, 240)),
    Channel(
        "Mean BP",
        "mmHg",
        (52, 220052, 225312, 224, 6702, 224322, 456, 220181, 3312, 3314, 3316, 3322, 3320),
        (0, 375),
        (14, 330),
    ),
    Channel("Oxygen saturation", "%", (834, 50817, 8498, 220227, 646, 220277), (0, 150), (0, 100)),
    Channel(
        "Respiratory rate",
        "breaths/min",
        (618, 220210, 3603, 224689, 614, 651, 224422, 615, 224690),
        (0, 330),
        (0, 300),
    ),
    Channel(
        "Systolic BP",
        "mmHg",
        (
            *(51, 220050, 225309, 6701, 455, 220179, 3313),
            *(3315, 442, 3317, 3323, 3321, 224167, 227243),
        ),
        (0, 375),
        (0, 375),
    ),
    Channel(
        "Temperature",
        "C",
        (3655, 677, 676, 223762, 3654, 678, 223761, 679),
        (14.2, 47),
        (26, 45),
    ),
    Channel(
        "Weight", "kg", (763, 224639, 226512, 3580, 3693, 3581, 226531, 3582), (0, 250), (0, 250)
    ),
    # 51491 and 51094 are pH of urine, 50831 of other body fluids.
    Channel(
        "pH",
        "1",
        (
            *(50820, 51491, 3839, 1673, 50831, 51094, 780),
            *(1126, 223830, 4753, 4202, 860, 220274),
        ),
        (6.3, 10),
        (6.3, 8.4),
    ),
)

CHANNEL_NAMES: tuple[str, ...] = tuple(channel.name for channel in CHANNELS)

CHANNEL_OF_ITEM: dict[int, str] = {
    item: channel.name for channel in CHANNELS for item in channel.items
}
CHART_ITEMS: tuple[int, ...] = tuple(item for item in CHANNEL_OF_ITEM if item not in LAB_ITEMS)
LABORATORY_ITEMS: tuple[int, ...] = tuple(item for item in CHANNEL_OF_ITEM if item in LAB_ITEMS)

# Items whose label in D_ITEMS names the unit, which a row may leave empty.
FAHRENHEIT_ITEMS: tuple[int, ...] = (678, 679, 3654, 223761)
POUND_ITEMS: tuple[int, ...] = (3581, 226531)
OUNCE_ITEMS: tuple[int, ...] = (3582,)
INCH_ITEMS: tuple[int, ...] = (1394, 226707)

# Words by channel in lower case. CareVue writes the points in front, MetaVision does not. An
# intubated patient, who cannot speak, counts 1 for the verbal response, as VALUENUM has it.
WORDS: dict[str, dict[str, int]] = {
    "Capillary refill rate": {
        "normal <3 secs": 0,
        "brisk": 0,
        "abnormal >3 secs": 1,
        "delayed": 1,
    },
    "GCS eye": {
        "none": 1,
        "1 no response": 1,
        "to pain": 2,
        "2 to pain": 2,
        "to speech": 3,
        "3 to speech": 3,
        "spontaneously": 4,
        "4 spontaneously": 4,
    },
    "GCS motor": {
        "no response": 1,
        "1 no response": 1,
        "abnormal extension": 2,
        "2 abnorm extensn": 2,
        "abnormal flexion": 3,
        "3 abnorm flexion": 3,
        "flex-withdraws": 4,
        "4 flex-withdraws": 4,
        "localizes pain": 5,
        "5 localizes pain": 5,
        "obeys commands": 6,
        "6 obeys commands": 6,
    },
    "GCS verbal": {
        "no response": 1,
        "no response-ett": 1,
        "1 no response": 1,
        "1.0 et/trach": 1,
        "incomprehensible sounds": 2,
        "2 incomp sounds": 2,
        "inappropriate words": 3,
        "3 inapprop words": 3,
        "confused": 4,
        "4 confused": 4,
        "oriented": 5,
        "5 oriented": 5,
    },
}


def modalities(*, with_notes: bool) -> dict[str, list[dict[str, Any]]]:
    """Return the content of `modalities.json`; there are no modalities by admission."""
    vitals = {
        "name": "vitals",
        "kind": "series",
        "table": "events.parquet",
        "channels": list(CHANNEL_NAMES),
        "units": [channel.unit for channel in CHANNELS],
    }
    notes = {"name": "notes", "kind": "vectors", "table": "notes.parquet", "encoded": "notes"}
    return {"stay": [vitals, notes] if with_notes else [vitals], "admission": []}
