"""How the latent truth shows in each measured quantity: figures only.

The figures are rough readings of an adult intensive care population, not fitted to any data set.
"""

from dataclasses import dataclass

# What a stay's own level of a quantity deviates by, in scales.
LEVEL_NOISE = 0.6
# The private state drives the variability of these, the severity that of those.
VARIES_BY_STATE = ("Systolic BP", "Glucose")
VARIES_BY_SEVERITY = ("Respiratory rate", "Oxygen saturation")


@dataclass(frozen=True)
class Quantity:
    """One quantity: base, scale of all effects, effects of what the vitals show (x) and of w.

    A `log` quantity is base * exp(scale * effects), any other base + scale * effects. `trend` says
    whose effect grows over the first 48 hours: "x", "w" or "". `in_stays` is the share of stays in
    which the quantity is ever measured.
    """

    name: str
    base: float
    scale: float
    x: float
    w: float
    low: float
    high: float
    decimals: int
    trend: str = ""
    log: bool = False
    in_stays: float = 1.0
    row_noise: float = 0.6


QUANTITIES = (
    Quantity("Heart rate", 86, 14, 0.6, 0.5, 25, 220, 0, "w"),
    Quantity("Systolic BP", 118, 17, -0.5, -0.6, 40, 240, 0),
    Quantity("Diastolic BP", 62, 11, -0.3, -0.5, 15, 150, 0),
    Quantity("Mean BP", 77, 12, -0.4, -0.5, 25, 180, 0),
    Quantity("Respiratory rate", 19.5, 4.2, 0.6, 0.3, 4, 60, 0),
    Quantity("Oxygen saturation", 97, 1.8, -0.5, -0.3, 60, 100, 0),
    Quantity("GCS verbal", 4.0, 1.2, -0.7, -0.2, 1, 5, 0, "x"),
    Quantity("GCS eye", 3.3, 0.8, -0.7, -0.2, 1, 4, 0, "x"),
    Quantity("GCS motor", 5.3, 0.9, -0.7, -0.2, 1, 6, 0, "x"),
    Quantity("Potassium", 4.15, 0.5, 0.2, 0.5, 2, 9, 1),
    Quantity("Sodium", 138.5, 4.2, 0.2, -0.6, 110, 175, 0),
    Quantity("Chloride", 103, 5.0, 0.1, -0.5, 75, 135, 0),
    Quantity("Creatinine", 1.15, 0.4, 0.6, 0.5, 0.2, 18, 1, "w", log=True),
    Quantity("Urea nitrogen", 22, 0.5, 0.7, 0.4, 2, 200, 0, "x", log=True),
    Quantity("Bicarbonate", 24, 3.6, -0.7, -0.4, 6, 48, 0, "w"),
    Quantity("Anion gap", 14.5, 3.2, 0.7, 0.3, 6, 45, 0),
    Quantity("Hemoglobin", 10.2, 1.6, -0.2, -0.6, 4, 19, 1),
    Quantity("Hematocrit", 31, 4.6, -0.2, -0.6, 12, 58, 1),
    Quantity("Magnesium", 2.05, 0.28, 0.1, 0.3, 0.8, 6, 1),
    Quantity("Platelet count", 190, 0.45, -0.4, -0.5, 5, 1500, 0, log=True),
    Quantity("Phosphate", 3.6, 1.0, 0.5, 0.3, 0.7, 14, 1),
    Quantity("White blood cells", 11, 0.4, 0.4, 0.5, 0.2, 150, 1, log=True),
    Quantity("Calcium, total", 8.4, 0.65, -0.3, -0.4, 5, 14, 1),
    Quantity("MCH", 30, 2.0, 0.1, 0.2, 18, 42, 1),
    Quantity("Red blood cells", 3.4, 0.55, -0.2, -0.5, 1.2, 7, 2),
    Quantity("MCHC", 32.7, 1.3, -0.1, -0.2, 26, 38, 1),
    Quantity("MCV", 91, 6.0, 0.1, 0.2, 60, 125, 0),
    Quantity("RDW", 15.3, 1.8, 0.5, 0.5, 11, 30, 1),
    Quantity("Neutrophils", 75, 10.0, 0.4, 0.4, 1, 99, 1, in_stays=0.6),
    Quantity("Vancomycin", 16, 6.0, 0.2, 0.3, 1, 60, 1, in_stays=0.2),
    Quantity("Glucose", 135, 0.28, 0.2, 0.4, 30, 900, 0, log=True),
    Quantity("Absolute neutrophil count", 8, 0.4, 0.4, 0.4, 0.1, 90, 2, log=True, in_stays=0.25),
    Quantity("Alkaline phosphate", 95, 0.45, 0.4, 0.4, 20, 1500, 0, log=True, in_stays=0.6),
    Quantity("Ionized calcium", 1.12, 0.08, -0.3, -0.3, 0.6, 1.9, 2, in_stays=0.55),
    Quantity("pH", 7.37, 0.065, -0.6, -0.3, 6.8, 7.7, 2, in_stays=0.6),
    Quantity("Urine pH", 6.0, 0.6, 0.0, 0.0, 5, 9, 1, in_stays=0.4),
    Quantity("Inspired O2 fraction", 48, 13.0, 0.6, 0.4, 21, 100, 0, in_stays=0.55),
    Quantity("Temperature", 37, 0.55, 0.1, 0.6, 32, 42, 1),
    Quantity("Weight", 81, 18.0, 0.0, 0.0, 35, 240, 1, row_noise=0.03),
    Quantity("Height", 169, 9.0, 0.0, 0.0, 140, 205, 0, in_stays=0.5, row_noise=0.03),
    Quantity("Capillary refill", 0.15, 0.35, 0.6, 0.3, 0, 1, 0, in_stays=0.3),
)
BY_NAME = {quantity.name: quantity for quantity in QUANTITIES}
