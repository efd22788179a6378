"""How the latent truth shows in each parameter: figures only.

The figures are rough readings of an adult intensive care population, not fitted to any data set.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Signal:
    """One parameter: base value, effects of severity and state, noise, how often it is seen.

    `log` signals are base * exp(effects), all others base + effects. `in_stays` is the share of
    stays (that have the modality) with the parameter at all, `in_rows` the share of their time
    rows that show it.
    """

    name: str
    base: float
    severity: float
    state: float
    noise: float
    decimals: int
    in_stays: float
    in_rows: float
    log: bool = False


SIGNALS: dict[str, tuple[Signal, ...]] = {
    "vitals": (
        Signal("HR", 86, 5, 7, 7, 0, 0.99, 0.9),
        Signal("SysABP", 118, -5, -8, 11, 0, 0.7, 0.8),
        Signal("DiasABP", 59, -3, -4, 7, 0, 0.7, 0.8),
        Signal("MAP", 78, -4, -6, 8, 0, 0.7, 0.8),
        Signal("NISysABP", 118, -5, -8, 12, 0, 0.87, 0.4),
        Signal("NIDiasABP", 58, -3, -4, 8, 0, 0.87, 0.4),
        Signal("NIMAP", 77, -4, -6, 9, 2, 0.87, 0.4),
        Signal("Temp", 37, 0.05, 0.3, 0.4, 1, 0.98, 0.35),
        Signal("GCS", 12.5, -1.8, -0.8, 1.2, 0, 0.98, 0.25),
        Signal("RespRate", 19, 1.2, 1.5, 3, 0, 0.27, 0.8),
        Signal("Urine", 80, -0.25, -0.3, 0.7, 0, 0.97, 0.5, log=True),
        Signal("Weight", 80, 0, 0, 16, 1, 0.67, 0.4),
    ),
    "labs": (
        Signal("Albumin", 3, -0.15, -0.2, 0.4, 1, 0.4, 0.3),
        Signal("ALP", 85, 0.1, 0.15, 0.4, 0, 0.42, 0.3, log=True),
        Signal("ALT", 42, 0.2, 0.3, 0.7, 0, 0.43, 0.3, log=True),
        Signal("AST", 60, 0.25, 0.3, 0.7, 0, 0.43, 0.3, log=True),
        Signal("Bilirubin", 0.9, 0.2, 0.3, 0.5, 1, 0.43, 0.3, log=True),
        Signal("BUN", 21, 0.2, 0.3, 0.3, 0, 0.98, 0.85, log=True),
        Signal("Cholesterol", 155, -6, -6, 35, 0, 0.08, 0.2),
        Signal("Creatinine", 1.1, 0.2, 0.3, 0.25, 1, 0.98, 0.85, log=True),
        Signal("Glucose", 130, 0.06, 0.05, 0.22, 0, 0.97, 0.8, log=True),
        Signal("HCO3", 23.5, -1.1, -1, 2.5, 0, 0.98, 0.85),
        Signal("HCT", 30.5, -0.5, -0.8, 3.5, 1, 0.98, 0.95),
        Signal("K", 4.1, 0.08, 0.1, 0.45, 1, 0.97, 0.85),
        Signal("Lactate", 2, 0.25, 0.15, 0.35, 1, 0.55, 0.6, log=True),
        Signal("Mg", 2, 0.03, 0.03, 0.25, 1, 0.97, 0.8),
        Signal("Na", 139, 0.3, -0.4, 3.5, 0, 0.98, 0.85),
        Signal("Platelets", 180, -0.1, -0.15, 0.35, 0, 0.98, 0.85, log=True),
        Signal("TroponinI", 3, 0.15, 0.2, 1.1, 1, 0.05, 0.4, log=True),
        Signal("TroponinT", 0.2, 0.15, 0.2, 1.1, 2, 0.2, 0.4, log=True),
        Signal("WBC", 11.5, 0.06, 0.1, 0.3, 1, 0.98, 0.8, log=True),
    ),
    "ventilation": (
        Signal("FiO2", 0.5, 0.04, 0.08, 0.09, 2, 0.95, 0.7),
        Signal("MechVent", 1, 0, 0, 0, 0, 0.9, 0.7),
        Signal("PaCO2", 40, 0.5, 2.5, 5.5, 0, 0.97, 0.55),
        Signal("PaO2", 130, -0.08, -0.18, 0.35, 0, 0.97, 0.55, log=True),
        Signal("pH", 7.38, -0.02, -0.02, 0.05, 2, 0.97, 0.55),
        Signal("SaO2", 97, -0.5, -0.8, 1.8, 0, 0.6, 0.3),
    ),
}

# Time rows of a stay that has the modality: 1 + Poisson(rate * exp(0.15 * severity)).
ROW_RATES = {"vitals": 24.0, "labs": 3.0, "ventilation": 8.0}

# Log-odds that a stay has the modality at all: constant, effect of severity, effect of state.
PRESENCE = {"vitals": (4.5, 0.0, 0.0), "labs": (2.7, 0.6, 0.2), "ventilation": (0.4, 0.9, 0.6)}
