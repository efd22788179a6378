"""The three lists of channels, their items and their ranges.

`paper`: 9 vital signs charted in the ICU and the 21 distinct laboratory values that FuseMoE
(arXiv 2402.03226) prints; `haim`: these and glucose, as in Soenksen et al. 2022 (npj Digit Med
5:149); `authors`: the 30 channels, all from chartevents, on which the released code of FuseMoE most
likely ran, including its mixed items (calcium in two units, blood and urine pH in one channel).

The ranges are those of the resource table of mimic3-benchmarks (Harutyunyan et al. 2019, Sci Data
6:96).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

TableName = Literal["chartevents", "labevents"]


@dataclass(frozen=True)
class Channel:
    """One channel: the items it is made of, and the range of its values.

    Values below `outlier_low` or above `outlier_high` are dropped; others are clipped to
    [`valid_low`, `valid_high`]. Without a range (all four None) only values below 0 are dropped.
    """

    name: str
    table: TableName
    items: tuple[int, ...]
    outlier_low: float | None = None
    valid_low: float | None = None
    valid_high: float | None = None
    outlier_high: float | None = None


_HEART_RATE = Channel("Heart rate", "chartevents", (220045,), 0, 0, 350, 390)
_SYSTOLIC = Channel("Systolic BP", "chartevents", (220179,), 0, 0, 375, 375)
_DIASTOLIC = Channel("Diastolic BP", "chartevents", (220180,), 0, 0, 375, 375)
_MEAN = Channel("Mean BP", "chartevents", (220181,), 0, 14, 330, 375)
_RESPIRATORY = Channel("Respiratory rate", "chartevents", (220210,), 0, 0, 300, 330)
_SATURATION = Channel("Oxygen saturation", "chartevents", (220277,), 0, 0, 100, 150)
_GCS_VERBAL = Channel("GCS verbal", "chartevents", (223900,), 1, 1, 5, 5)
_GCS_EYE = Channel("GCS eye", "chartevents", (220739,), 1, 1, 4, 4)
_GCS_MOTOR = Channel("GCS motor", "chartevents", (223901,), 1, 1, 6, 6)

VITALS = (
    _HEART_RATE,
    _SYSTOLIC,
    _DIASTOLIC,
    _MEAN,
    _RESPIRATORY,
    _SATURATION,
    _GCS_VERBAL,
    _GCS_EYE,
    _GCS_MOTOR,
)

_PAPER_LABS = (
    Channel("Potassium", "labevents", (50971,), 0, 0, 12, 15),
    Channel("Sodium", "labevents", (50983,), 0, 50, 225, 250),
    Channel("Chloride", "labevents", (50902,), 0, 50, 175, 200),
    Channel("Creatinine", "labevents", (50912,), 0, 0.1, 60, 66),
    Channel("Urea nitrogen", "labevents", (51006,), 0, 0, 250, 275),
    Channel("Bicarbonate", "labevents", (50882,), 0, 0, 60, 66),
    Channel("Anion gap", "labevents", (50868,), 0, 5, 50, 55),
    Channel("Hemoglobin", "labevents", (51222,), 0, 0, 25, 30),
    Channel("Hematocrit", "labevents", (51221,), 0, 0, 75, 100),
    Channel("Magnesium", "labevents", (50960,), 0, 0, 20, 22),
    Channel("Platelet count", "labevents", (51265,), 0, 0, 2000, 2200),
    Channel("Phosphate", "labevents", (50970,), 0, 0.5, 20, 22),
    Channel("White blood cells", "labevents", (51301,), 0, 0, 1000, 1100),
    Channel("Calcium, total", "labevents", (50893,)),
    Channel("MCH", "labevents", (51248,)),
    Channel("Red blood cells", "labevents", (51279,)),
    Channel("MCHC", "labevents", (51249,)),
    Channel("MCV", "labevents", (51250,)),
    Channel("RDW", "labevents", (51277,)),
    # A percentage; the absolute count would be item 52075.
    Channel("Neutrophils", "labevents", (51256,)),
    Channel("Vancomycin", "labevents", (51009,)),
)

#: The 22 laboratory items of the list of HAIM.
HAIM_LABS = (*_PAPER_LABS, Channel("Glucose", "labevents", (50931,), 0, 33, 2000, 2200))

#: Its item is looked up by this exact label in d_items; the item here stands in if there is none.
ABSOLUTE_NEUTROPHILS = Channel("Absolute neutrophil count", "chartevents", (229355,))
ABSOLUTE_NEUTROPHILS_LABEL = "Absolute Neutrophil Count"

_AUTHORS = (
    ABSOLUTE_NEUTROPHILS,
    Channel("Alkaline phosphate", "chartevents", (225612,), 0, 20, 3625, 4000),
    Channel("Anion gap", "chartevents", (227073,), 0, 5, 50, 55),
    Channel("Bicarbonate", "chartevents", (227443,), 0, 0, 60, 66),
    # Total in mg/dL and ionised in mmol/L.
    Channel("Calcium", "chartevents", (225625, 225667)),
    Channel("Chloride", "chartevents", (220602, 226536), 0, 50, 175, 200),
    Channel("Creatinine", "chartevents", (220615, 229761), 0, 0.1, 60, 66),
    _DIASTOLIC,
    _GCS_EYE,
    _GCS_MOTOR,
    _GCS_VERBAL,
    Channel("Glucose", "chartevents", (220621, 226537), 0, 33, 2000, 2200),
    _HEART_RATE,
    Channel("Hematocrit", "chartevents", (220545, 226540), 0, 0, 75, 100),
    Channel("Hemoglobin", "chartevents", (220228,), 0, 0, 25, 30),
    # Charted in percent, so 100 times the range of the fraction.
    Channel("Inspired O2 fraction", "chartevents", (223835,), 20, 21, 100, 110),
    Channel("Magnesium", "chartevents", (220635,), 0, 0, 20, 22),
    _MEAN,
    _SATURATION,
    # Arterial, venous, SOFT, and the urine dipstick.
    Channel("pH", "chartevents", (223830, 220274, 228243, 220734), 6.3, 6.3, 8.4, 10),
    Channel("Platelet count", "chartevents", (227457,), 0, 0, 2000, 2200),
    Channel("Potassium", "chartevents", (227442, 227464), 0, 0, 12, 15),
    _RESPIRATORY,
    Channel("Sodium", "chartevents", (220645, 226534), 0, 50, 225, 250),
    _SYSTOLIC,
    Channel("Temperature", "chartevents", (223762,), 14.2, 26, 45, 47),
    Channel("Urea nitrogen", "chartevents", (225624,), 0, 0, 250, 275),
    Channel("Vancomycin", "chartevents", (227453, 227454, 227455)),
    Channel("WBC", "chartevents", (220546,), 0, 0, 1000, 1100),
    Channel("Weight", "chartevents", (224639, 226512), 0, 0, 250, 250),
)

CHANNELS: Mapping[str, tuple[Channel, ...]] = {
    "paper": (*VITALS, *_PAPER_LABS),
    "authors": _AUTHORS,
    "haim": (*VITALS, *HAIM_LABS),
}
