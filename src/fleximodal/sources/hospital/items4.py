"""The items of chartevents and labevents that the generated MIMIC-IV holds: figures only.

Item ids, labels and units are those of the dictionaries of MIMIC-IV.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """One item: id, quantity, label, unit, category, share of the rounds or draws that show it.

    `at`: "round" of vital signs, "draw" of blood, or "start" of the stay. The charted value is
    `factor * quantity + shift`. `in_stays` is the share of stays that chart the item at all.
    """

    itemid: int
    quantity: str
    label: str
    unit: str
    category: str
    at: str
    share: float
    in_stays: float = 1.0
    factor: float = 1.0
    shift: float = 0.0


_SIGNS, _BREATH, _LABS = "Routine Vital Signs", "Respiratory", "Labs"
_CUFF = "Non Invasive Blood Pressure"

CHART_ITEMS = (
    Item(220045, "Heart rate", "Heart Rate", "bpm", _SIGNS, "round", 0.98),
    Item(220179, "Systolic BP", f"{_CUFF} systolic", "mmHg", _SIGNS, "round", 0.7),
    Item(220180, "Diastolic BP", f"{_CUFF} diastolic", "mmHg", _SIGNS, "round", 0.7),
    Item(220181, "Mean BP", f"{_CUFF} mean", "mmHg", _SIGNS, "round", 0.7),
    Item(220210, "Respiratory rate", "Respiratory Rate", "insp/min", _BREATH, "round", 0.96),
    Item(220277, "Oxygen saturation", "O2 saturation pulseoxymetry", "%", _BREATH, "round", 0.95),
    Item(223900, "GCS verbal", "GCS - Verbal Response", "", "Neurological", "round", 0.25),
    Item(220739, "GCS eye", "GCS - Eye Opening", "", "Neurological", "round", 0.25),
    Item(223901, "GCS motor", "GCS - Motor Response", "", "Neurological", "round", 0.25),
    Item(223761, "Temperature", "Temperature Fahrenheit", "°F", _SIGNS, "round", 0.25,
         factor=1.8, shift=32.0),
    Item(223762, "Temperature", "Temperature Celsius", "°C", _SIGNS, "round", 0.25, 0.2),
    Item(223835, "Inspired O2 fraction", "Inspired O2 Fraction", "", _BREATH, "round", 0.15),
    Item(224639, "Weight", "Daily Weight", "kg", "General", "round", 0.03, 0.7),
    Item(226512, "Weight", "Admission Weight (Kg)", "kg", "General", "start", 0.95),
    Item(226730, "Height", "Height (cm)", "cm", "General", "start", 0.9),
    Item(220621, "Glucose", "Glucose (serum)", "mg/dL", _LABS, "draw", 0.8),
    Item(226537, "Glucose", "Glucose (whole blood)", "mg/dL", _LABS, "draw", 0.4, 0.35),
    Item(227442, "Potassium", "Potassium (serum)", "mEq/L", _LABS, "draw", 0.85),
    Item(227464, "Potassium", "Potassium (whole blood)", "mEq/L", _LABS, "draw", 0.4, 0.35),
    Item(220645, "Sodium", "Sodium (serum)", "mEq/L", _LABS, "draw", 0.85),
    Item(226534, "Sodium", "Sodium (whole blood)", "mEq/L", _LABS, "draw", 0.3, 0.25),
    Item(220602, "Chloride", "Chloride (serum)", "mEq/L", _LABS, "draw", 0.85),
    Item(226536, "Chloride", "Chloride (whole blood)", "mEq/L", _LABS, "draw", 0.3, 0.2),
    Item(220615, "Creatinine", "Creatinine (serum)", "mg/dL", _LABS, "draw", 0.8),
    Item(229761, "Creatinine", "Creatinine (whole blood)", "mg/dL", _LABS, "draw", 0.3, 0.05),
    Item(225624, "Urea nitrogen", "BUN", "mg/dL", _LABS, "draw", 0.8),
    Item(227443, "Bicarbonate", "HCO3 (serum)", "mEq/L", _LABS, "draw", 0.8),
    Item(227073, "Anion gap", "Anion gap", "mEq/L", _LABS, "draw", 0.8),
    Item(220228, "Hemoglobin", "Hemoglobin", "g/dl", _LABS, "draw", 0.8),
    Item(220545, "Hematocrit", "Hematocrit (serum)", "%", _LABS, "draw", 0.8),
    Item(226540, "Hematocrit", "Hematocrit (whole blood - calc)", "%", _LABS, "draw", 0.3, 0.25),
    Item(220635, "Magnesium", "Magnesium", "mg/dL", _LABS, "draw", 0.8),
    Item(227457, "Platelet count", "Platelet Count", "K/uL", _LABS, "draw", 0.75),
    Item(225612, "Alkaline phosphate", "Alkaline Phosphate", "IU/L", _LABS, "draw", 0.4),
    Item(220546, "White blood cells", "WBC", "K/uL", _LABS, "draw", 0.75),
    Item(225625, "Calcium, total", "Calcium non-ionized", "mg/dL", _LABS, "draw", 0.75),
    Item(225667, "Ionized calcium", "Ionized Calcium", "mmol/L", _LABS, "draw", 0.5),
    Item(229355, "Absolute neutrophil count", "Absolute Neutrophil Count", "K/uL", _LABS,
         "draw", 0.3),
    Item(227453, "Vancomycin", "Vancomycin (Peak)", "ug/mL", _LABS, "draw", 0.1, 0.2),
    Item(227454, "Vancomycin", "Vancomycin (Random)", "ug/mL", _LABS, "draw", 0.3, 0.8),
    Item(227455, "Vancomycin", "Vancomycin (Trough)", "ug/mL", _LABS, "draw", 0.3, 0.8),
    Item(223830, "pH", "PH (Arterial)", "units", _LABS, "draw", 0.6, 0.8),
    Item(220274, "pH", "PH (Venous)", "units", _LABS, "draw", 0.2, 0.5, 1.0, -0.03),
    Item(228243, "pH", "PH (SOFT)", "units", _LABS, "draw", 0.2, 0.1),
    Item(220734, "Urine pH", "PH (dipstick)", "units", _LABS, "draw", 0.3),
)  # fmt: skip

_CHEMISTRY, _BLOOD_COUNT, _GAS = "Chemistry", "Hematology", "Blood Gas"

LAB_ITEMS = (
    Item(50971, "Potassium", "Potassium", "mEq/L", _CHEMISTRY, "draw", 0.92),
    Item(50983, "Sodium", "Sodium", "mEq/L", _CHEMISTRY, "draw", 0.92),
    Item(50902, "Chloride", "Chloride", "mEq/L", _CHEMISTRY, "draw", 0.92),
    Item(50912, "Creatinine", "Creatinine", "mg/dL", _CHEMISTRY, "draw", 0.92),
    Item(51006, "Urea nitrogen", "Urea Nitrogen", "mg/dL", _CHEMISTRY, "draw", 0.9),
    Item(50882, "Bicarbonate", "Bicarbonate", "mEq/L", _CHEMISTRY, "draw", 0.9),
    Item(50868, "Anion gap", "Anion Gap", "mEq/L", _CHEMISTRY, "draw", 0.9),
    Item(50931, "Glucose", "Glucose", "mg/dL", _CHEMISTRY, "draw", 0.85),
    Item(50960, "Magnesium", "Magnesium", "mg/dL", _CHEMISTRY, "draw", 0.8),
    Item(50970, "Phosphate", "Phosphate", "mg/dL", _CHEMISTRY, "draw", 0.75),
    Item(50893, "Calcium, total", "Calcium, Total", "mg/dL", _CHEMISTRY, "draw", 0.75),
    Item(51009, "Vancomycin", "Vancomycin", "ug/mL", _CHEMISTRY, "draw", 0.3),
    Item(51222, "Hemoglobin", "Hemoglobin", "g/dL", _BLOOD_COUNT, "draw", 0.85),
    Item(51221, "Hematocrit", "Hematocrit", "%", _BLOOD_COUNT, "draw", 0.88),
    Item(51265, "Platelet count", "Platelet Count", "K/uL", _BLOOD_COUNT, "draw", 0.85),
    Item(51301, "White blood cells", "White Blood Cells", "K/uL", _BLOOD_COUNT, "draw", 0.85),
    Item(51248, "MCH", "MCH", "pg", _BLOOD_COUNT, "draw", 0.84),
    Item(51279, "Red blood cells", "Red Blood Cells", "m/uL", _BLOOD_COUNT, "draw", 0.84),
    Item(51249, "MCHC", "MCHC", "g/dL", _BLOOD_COUNT, "draw", 0.84),
    Item(51250, "MCV", "MCV", "fL", _BLOOD_COUNT, "draw", 0.84),
    Item(51277, "RDW", "RDW", "%", _BLOOD_COUNT, "draw", 0.84),
    Item(51256, "Neutrophils", "Neutrophils", "%", _BLOOD_COUNT, "draw", 0.35),
    # In no list of channels, but with labels that a careless look-up would take.
    Item(50811, "Hemoglobin", "Hemoglobin", "g/dL", _GAS, "draw", 0.1, 0.4),
    Item(50809, "Glucose", "Glucose", "mg/dL", _GAS, "draw", 0.15, 0.4),
    Item(52075, "Absolute neutrophil count", "Absolute Neutrophil Count", "K/uL", _BLOOD_COUNT,
         "draw", 0.3),
)  # fmt: skip

# In d_labitems with the same label as a channel, and without any row.
EMPTY_LAB_ITEMS = ((50833, "Potassium", "Other Body Fluid", _GAS),)


@dataclass(frozen=True)
class Nuisance:
    """An item that no channel reads: texts, or numbers around `mean`; its share of such rows."""

    itemid: int
    label: str
    category: str
    share: float
    words: tuple[str, ...] = ()
    mean: float = 0.0
    spread: float = 0.0
    unit: str = ""


NUISANCE_ITEMS = (
    Nuisance(227969, "Safety Measures", "Restraint/Support Systems", 0.24,
             ("Bed alarm activated", "Bed locked in low position", "Call light within reach")),
    Nuisance(220048, "Heart Rhythm", "Routine Vital Signs", 0.15,
             ("SR (Sinus Rhythm)", "ST (Sinus Tachycardia)", "AF (Atrial Fibrillation)")),
    Nuisance(224650, "Ectopy Type 1", "Routine Vital Signs", 0.13, ("None", "PVCs", "PACs")),
    Nuisance(227958, "Less Restrictive Measures", "Restraint/Support Systems", 0.09,
             ("Reorient", "Family at bedside", "Repositioning, comfort")),
    Nuisance(220050, "Arterial Blood Pressure systolic", "Routine Vital Signs", 0.07,
             (), 116, 20, "mmHg"),
    Nuisance(220051, "Arterial Blood Pressure diastolic", "Routine Vital Signs", 0.07,
             (), 58, 12, "mmHg"),
    Nuisance(220052, "Arterial Blood Pressure mean", "Routine Vital Signs", 0.07,
             (), 77, 14, "mmHg"),
    Nuisance(224080, "Head of Bed", "Treatments", 0.06, ("30 Degrees", "45 Degrees", "Flat")),
    Nuisance(224082, "Turn", "Treatments", 0.06, ("Left side", "Right side", "Back")),
    Nuisance(224641, "Alarms On", "Alarms", 0.04, (), 1, 0, ""),
    Nuisance(223951, "Capillary Refill R", "Cardiovascular (Pulses)", 0.01,
             ("Normal <3 Seconds", "Abnormal >3 Seconds")),
    Nuisance(224308, "Capillary Refill L", "Cardiovascular (Pulses)", 0.01,
             ("Normal <3 Seconds", "Abnormal >3 Seconds")),
)  # fmt: skip

GCS_WORDS = {
    223900: ("No Response", "Incomprehensible sounds", "Inappropriate Words", "Confused",
             "Oriented"),
    220739: ("None", "To Pain", "To Speech", "Spontaneously"),
    223901: ("No response", "Abnormal extension", "Abnormal Flexion", "Flex-withdraws",
             "Localizes Pain", "Obeys Commands"),
}  # fmt: skip
