"""The items of CHARTEVENTS and LABEVENTS that the generated MIMIC-III holds: figures only.

Item ids and labels are those of the dictionaries of MIMIC-III; `CAREVUE` and `METAVISION` are its
two charting systems.
"""

from dataclasses import dataclass

# What is charted, per row and system: by quantity the usual item, then the rarer ones.
RARE_SHARE = 0.12
ROUND_SHARES = {
    "Heart rate": 0.98,
    "Systolic BP": 0.7,
    "Diastolic BP": 0.7,
    "Mean BP": 0.7,
    "Respiratory rate": 0.95,
    "Oxygen saturation": 0.95,
    "GCS eye": 0.25,
    "GCS motor": 0.25,
    "GCS verbal": 0.25,
    "GCS total": 0.25,
    "Temperature": 0.25,
    "Inspired O2 fraction": 0.2,
    "Capillary refill": 0.1,
    "Weight": 0.08,
    "Height": 0.08,
    "Glucose": 0.15,
    "pH": 0.12,
}


@dataclass(frozen=True)
class Item3:
    """One item: id, quantity, label, unit, how the quantity becomes the charted value."""

    itemid: int
    quantity: str
    label: str
    unit: str = ""
    factor: float = 1.0
    shift: float = 0.0


_INCH, _POUND, _OUNCE = 1 / 2.54, 1 / 0.45359237, 16 / 0.45359237

CAREVUE = (
    Item3(211, "Heart rate", "Heart Rate", "BPM"),
    *(
        Item3(i, "Systolic BP", label, "mmHg")
        for i, label in {
            455: "NBP [Systolic]",
            51: "Arterial BP [Systolic]",
            6701: "Arterial BP #2 [Systolic]",
            442: "Manual BP [Systolic]",
            3313: "BP Cuff [Systolic]",
            3315: "BP Left Arm [Systolic]",
            3317: "BP Left Leg [Systolic]",
            3321: "BP Right Arm [Systolic]",
            3323: "BP Right Leg [Systolic]",
        }.items()
    ),
    *(
        Item3(i, "Diastolic BP", label, "mmHg")
        for i, label in {
            8441: "NBP [Diastolic]",
            8368: "Arterial BP [Diastolic]",
            8555: "Arterial BP #2 [Diastolic]",
            8440: "Manual BP [Diastolic]",
            8502: "BP Cuff [Diastolic]",
            8503: "BP Left Arm [Diastolic]",
            8504: "BP Left Leg [Diastolic]",
            8506: "BP Right Arm [Diastolic]",
            8507: "BP Right Leg [Diastolic]",
        }.items()
    ),
    *(
        Item3(i, "Mean BP", label, "mmHg")
        for i, label in {
            456: "NBP Mean",
            52: "Arterial BP Mean",
            224: "IABP Mean",
            6702: "Arterial BP Mean #2",
            3312: "BP Cuff [Mean]",
            3314: "BP Left Arm [Mean]",
            3316: "BP Left Leg [Mean]",
            3320: "BP Right Arm [Mean]",
            3322: "BP Right Leg [Mean]",
        }.items()
    ),
    *(
        Item3(i, "Respiratory rate", label, "BPM")
        for i, label in {
            618: "Respiratory Rate",
            3603: "Resp Rate",
            614: "Resp Rate (Spont)",
            615: "Resp Rate (Total)",
            651: "Spon RR (Mech.)",
        }.items()
    ),
    Item3(646, "Oxygen saturation", "SpO2", "%"),
    Item3(834, "Oxygen saturation", "SaO2", "%"),
    Item3(8498, "Oxygen saturation", "O2 sat [Post]", "%"),
    Item3(184, "GCS eye", "Eye Opening", "points"),
    Item3(454, "GCS motor", "Motor Response", "points"),
    Item3(723, "GCS verbal", "Verbal Response", "points"),
    Item3(198, "GCS total", "GCS Total", "points"),
    Item3(678, "Temperature", "Temperature F", "Deg. F", 1.8, 32),
    Item3(679, "Temperature", "Temperature F (calc)", "Deg. F", 1.8, 32),
    Item3(676, "Temperature", "Temperature C", "Deg. C"),
    Item3(677, "Temperature", "Temperature C (calc)", "Deg. C"),
    Item3(3654, "Temperature", "Temp Rectal [F]", "Deg. F", 1.8, 32),
    Item3(3655, "Temperature", "Temp Skin [C]", "Deg. C"),
    Item3(3420, "Inspired O2 fraction", "FIO2", "%"),
    Item3(3422, "Inspired O2 fraction", "FIO2 [Meas]", "%"),
    Item3(189, "Inspired O2 fraction", "FiO2 (Analyzed)", "", 0.01),
    Item3(727, "Inspired O2 fraction", "Vision FiO2", "%"),
    Item3(115, "Capillary refill", "Capillary Refill [Right]"),
    Item3(8377, "Capillary refill", "Capillary Refill [Left]"),
    Item3(3348, "Capillary refill", "Capillary Refill"),
    Item3(763, "Weight", "Daily Weight", "kg"),
    Item3(3580, "Weight", "Present Weight  (kg)", "kg"),
    Item3(3693, "Weight", "Weight Kg", "kg"),
    Item3(3581, "Weight", "Present Weight  (lb)", "lb", _POUND),
    Item3(3582, "Weight", "Present Weight  (oz)", "oz", _OUNCE),
    Item3(1394, "Height", "Height Inches", "", _INCH),
    Item3(811, "Glucose", "Glucose (70-105)", "mg/dL"),
    Item3(807, "Glucose", "Fingerstick Glucose"),
    Item3(1529, "Glucose", "Glucose"),
    Item3(3745, "Glucose", "BloodGlucose"),
    Item3(780, "pH", "Arterial pH", "units"),
    Item3(860, "pH", "Venous pH", "units"),
    Item3(1126, "pH", "Art.pH", "units"),
    Item3(1673, "pH", "PH"),
    Item3(3839, "pH", "ph (other)"),
    Item3(4202, "pH", "pH (cap)"),
    Item3(4753, "pH", "pH (Art)"),
)

METAVISION = (
    Item3(220045, "Heart rate", "Heart Rate", "bpm"),
    Item3(220179, "Systolic BP", "Non Invasive Blood Pressure systolic", "mmHg"),
    Item3(220050, "Systolic BP", "Arterial Blood Pressure systolic", "mmHg"),
    Item3(225309, "Systolic BP", "ART BP Systolic", "mmHg"),
    Item3(224167, "Systolic BP", "Manual Blood Pressure Systolic Left", "mmHg"),
    Item3(227243, "Systolic BP", "Manual Blood Pressure Systolic Right", "mmHg"),
    Item3(220180, "Diastolic BP", "Non Invasive Blood Pressure diastolic", "mmHg"),
    Item3(220051, "Diastolic BP", "Arterial Blood Pressure diastolic", "mmHg"),
    Item3(225310, "Diastolic BP", "ART BP Diastolic", "mmHg"),
    Item3(224643, "Diastolic BP", "Manual Blood Pressure Diastolic Left", "mmHg"),
    Item3(220181, "Mean BP", "Non Invasive Blood Pressure mean", "mmHg"),
    Item3(220052, "Mean BP", "Arterial Blood Pressure mean", "mmHg"),
    Item3(225312, "Mean BP", "ART BP mean", "mmHg"),
    Item3(224322, "Mean BP", "IABP Mean", "mmHg"),
    Item3(220210, "Respiratory rate", "Respiratory Rate", "insp/min"),
    Item3(224690, "Respiratory rate", "Respiratory Rate (Total)", "insp/min"),
    Item3(224689, "Respiratory rate", "Respiratory Rate (spontaneous)", "insp/min"),
    Item3(224422, "Respiratory rate", "Spont RR", "bpm"),
    Item3(220277, "Oxygen saturation", "O2 saturation pulseoxymetry", "%"),
    Item3(220227, "Oxygen saturation", "Arterial O2 Saturation", "%"),
    Item3(220739, "GCS eye", "GCS - Eye Opening"),
    Item3(223901, "GCS motor", "GCS - Motor Response"),
    Item3(223900, "GCS verbal", "GCS - Verbal Response"),
    Item3(223761, "Temperature", "Temperature Fahrenheit", "?F", 1.8, 32),
    Item3(223762, "Temperature", "Temperature Celsius", "?C"),
    Item3(223835, "Inspired O2 fraction", "Inspired O2 Fraction"),
    Item3(224639, "Weight", "Daily Weight", "kg"),
    Item3(226512, "Weight", "Admission Weight (Kg)", "kg"),
    Item3(226531, "Weight", "Admission Weight (lbs.)", "", _POUND),
    Item3(226730, "Height", "Height (cm)", "cm"),
    Item3(226707, "Height", "Height", "Inch", _INCH),
    Item3(220621, "Glucose", "Glucose (serum)", "mg/dL"),
    Item3(225664, "Glucose", "Glucose finger stick"),
    Item3(226537, "Glucose", "Glucose (whole blood)", "mg/dL"),
    Item3(223830, "pH", "PH (Arterial)", "units"),
    Item3(220274, "pH", "PH (Venous)", "units"),
)

# No channel reads these.
NUISANCE = (
    Item3(5820, "SpO2 Alarm [Low]", "SpO2 Alarm [Low]", "%"),
    Item3(220048, "Heart Rhythm", "Heart Rhythm"),
)

LABS = (
    Item3(50931, "Glucose", "Glucose", "mg/dL"),
    Item3(50809, "Glucose", "Glucose", "mg/dL"),
    Item3(51478, "Urine glucose", "Glucose", "mg/dL"),
    Item3(50820, "pH", "pH", "units"),
    Item3(50831, "pH", "pH", "units"),
    Item3(51491, "Urine pH", "pH", "units"),
    Item3(51094, "Urine pH", "pH", "units"),
    Item3(50817, "Oxygen saturation", "Oxygen Saturation", "%"),
    Item3(50912, "Creatinine", "Creatinine", "mg/dL"),
    Item3(51006, "Urea nitrogen", "Urea Nitrogen", "mg/dL"),
)
LAB_SHARES = (0.85, 0.2, 0.1, 0.4, 0.03, 0.1, 0.03, 0.2, 0.9, 0.9)
LAB_FLUIDS = {51478: "Urine", 51491: "Urine", 51094: "Urine", 50831: "Other Body Fluid"}

# Words by points (from 1; capillary refill from 0), first as CareVue, then as MetaVision has them.
WORDS = {
    "GCS eye": (
        ("1 No Response", "2 To pain", "3 To speech", "4 Spontaneously"),
        ("None", "To Pain", "To Speech", "Spontaneously"),
    ),
    "GCS motor": (
        ("1 No Response", "2 Abnorm extensn", "3 Abnorm flexion", "4 Flex-withdraws",
         "5 Localizes Pain", "6 Obeys Commands"),
        ("No response", "Abnormal extension", "Abnormal Flexion", "Flex-withdraws",
         "Localizes Pain", "Obeys Commands"),
    ),
    "GCS verbal": (
        ("1.0 ET/Trach", "2 Incomp sounds", "3 Inapprop words", "4 Confused", "5 Oriented"),
        ("No Response-ETT", "Incomprehensible sounds", "Inappropriate Words", "Confused",
         "Oriented"),
    ),
    "Capillary refill": (("Normal <3 secs", "Abnormal >3 secs"),) * 2,
}  # fmt: skip
