"""What the PhysioNet/CinC Challenge 2012 records hold: parameters, units, plausible ranges.

The ranges are wide on purpose. They drop what no living adult can show (a sensor off the patient,
a slipped decimal, a value typed into the wrong field) and keep every extreme of severe illness.
Units are those of the release; no value is ever converted to another unit.
"""

from dataclasses import dataclass
from typing import Any, Literal

Modality = Literal["vitals", "labs", "ventilation"]


@dataclass(frozen=True)
class Channel:
    """One time-series parameter; values outside [low, high] are gross outliers."""

    name: str
    modality: Modality
    unit: str
    low: float
    high: float


@dataclass(frozen=True)
class Descriptor:
    """One static descriptor of a record, given at 00:00; `whole` allows whole numbers only."""

    name: str
    low: float
    high: float
    whole: bool = False


CHANNELS: tuple[Channel, ...] = (
    # 0 is a detached monitor, not asystole: dying patients are charted, not monitored at 0.
    Channel("HR", "vitals", "bpm", 10, 300),
    # Pressures of 0 (and a few mmHg) are a line being zeroed, flushed or disconnected.
    Channel("SysABP", "vitals", "mmHg", 20, 300),
    Channel("DiasABP", "vitals", "mmHg", 5, 250),
    Channel("MAP", "vitals", "mmHg", 10, 300),
    Channel("NISysABP", "vitals", "mmHg", 20, 300),
    Channel("NIDiasABP", "vitals", "mmHg", 5, 250),
    Channel("NIMAP", "vitals", "mmHg", 10, 300),
    # Below 25 C lie probes in air and -17.8 C, an empty field read as 0 degrees Fahrenheit.
    Channel("Temp", "vitals", "C", 25, 45),
    Channel("GCS", "vitals", "points", 3, 15),
    # 0 is a lost signal: patients who do not breathe are ventilated and have the machine's rate.
    Channel("RespRate", "vitals", "breaths/min", 1, 100),
    # Volume of one entry. 0 is a true finding (anuria); 10 litres in one entry is a typing slip.
    Channel("Urine", "vitals", "mL", 0, 10_000),
    # Adults; the same limits hold for the descriptor of that name.
    Channel("Weight", "vitals", "kg", 20, 500),
    Channel("Albumin", "labs", "g/dL", 0.5, 7),
    # Enzymes rise to tens of thousands in liver failure.
    Channel("ALP", "labs", "IU/L", 1, 20_000),
    Channel("ALT", "labs", "IU/L", 1, 50_000),
    Channel("AST", "labs", "IU/L", 1, 50_000),
    # 0 for bilirubin, urea, troponins and leucocytes means below the detection limit.
    Channel("Bilirubin", "labs", "mg/dL", 0, 100),
    Channel("BUN", "labs", "mg/dL", 0, 300),
    Channel("Cholesterol", "labs", "mg/dL", 10, 1_000),
    Channel("Creatinine", "labs", "mg/dL", 0.05, 50),
    Channel("Glucose", "labs", "mg/dL", 5, 2_000),
    Channel("HCO3", "labs", "mmol/L", 1, 60),
    Channel("HCT", "labs", "%", 5, 75),
    # Above 15 mmol/L the sample is haemolysed or contaminated: incompatible with life.
    Channel("K", "labs", "mmol/L", 1, 15),
    Channel("Lactate", "labs", "mmol/L", 0.1, 40),
    # The release says mmol/L; its median of 2.0 suggests mg/dL. Left as it is.
    Channel("Mg", "labs", "mmol/L", 0.2, 20),
    Channel("Na", "labs", "mmol/L", 90, 190),
    Channel("Platelets", "labs", "cells/nL", 1, 3_000),
    Channel("TroponinI", "labs", "ug/L", 0, 1_000),
    Channel("TroponinT", "labs", "ug/L", 0, 100),
    # Leukaemia reaches some hundreds; 12500 is a count per microlitre.
    Channel("WBC", "labs", "cells/nL", 0, 1_000),
    # A fraction: room air to pure oxygen.
    Channel("FiO2", "ventilation", "fraction", 0.21, 1),
    # Only ever 1: a row says that ventilation was on, its absence says nothing.
    Channel("MechVent", "ventilation", "yes", 1, 1),
    Channel("PaCO2", "ventilation", "mmHg", 5, 200),
    # Pure oxygen at sea level gives some 670 mmHg at most.
    Channel("PaO2", "ventilation", "mmHg", 10, 800),
    # No survival outside 6.5 to 8; 0.4, 97 and 735 are other fields or a lost decimal point.
    Channel("pH", "ventilation", "1", 6.5, 8),
    # A value near 1 is a fraction in a field of per cent.
    Channel("SaO2", "ventilation", "%", 20, 100),
)

DESCRIPTORS: tuple[Descriptor, ...] = (
    Descriptor("Age", 10, 120),
    Descriptor("Gender", 0, 1, whole=True),
    # 13 cm and 454 cm are metres, feet or inches in a field of centimetres.
    Descriptor("Height", 100, 230),
    Descriptor("ICUType", 1, 4, whole=True),
    Descriptor("Weight", 20, 500),
)

CHANNEL_NAMES: tuple[str, ...] = tuple(sorted(channel.name for channel in CHANNELS))

STATIC_FEATURES: tuple[str, ...] = (
    "age",
    "gender",
    "height",
    "weight",
    "icu_1",
    "icu_2",
    "icu_3",
    "icu_4",
    "gender_missing",
    "height_missing",
    "weight_missing",
)

_NOTE = "pseudo-modality: one of four groups of parameters cut from one record"


def modalities() -> dict[str, list[dict[str, Any]]]:
    """Return the content of `modalities.json`: per unit, what there is, in the source's order."""
    series: list[dict[str, Any]] = [
        {
            "name": name,
            "kind": "series",
            "table": "events.parquet",
            "channels": [channel.name for channel in CHANNELS if channel.modality == name],
            "units": [channel.unit for channel in CHANNELS if channel.modality == name],
            "pseudo": True,
            "note": _NOTE,
        }
        for name in ("vitals", "labs", "ventilation")
    ]
    static = {
        "name": "static",
        "kind": "items",
        "features": list(STATIC_FEATURES),
        "table": "static.parquet",
        "pseudo": True,
        "note": _NOTE,
    }
    return {"stay": [*series, static]}
