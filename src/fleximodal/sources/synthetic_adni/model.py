"""What is planted: how the class shows in each modality. Figures only, freely chosen.

No figure is estimated from, or meant to resemble, data of ADNI. Given the class, everything below
is independent but for two couplings: the APOE genotype shows in two modalities, and the hidden
switch (0 or 1, each with probability 1/2, whatever the class) shows in the genotypes and decides
the direction in which the class moves the ventricles, so that neither modality alone tells
anything from it.
"""

import numpy as np

CLASSES = ("CN", "MCI", "dementia")
MODALITIES = ("image", "genomic", "clinical", "biospecimen")
LETTERS = "IGCB"
# Subjects by exact set of observed modalities: figure 2 of Flex-MoE, arXiv 2410.08245.
COMBINATIONS = {"IGCB": 1474, "ICB": 127, "GCB": 122, "IC": 157, "CB": 21, "C": 479}
# The largest class of the published test set has 43.98 %.
PRIOR = np.array([0.36, 0.44, 0.20])

# Factors seen through measured columns: mean by class (CN, MCI, dementia), variance 1.
FACTORS = ("amyloid", "tau", "atrophy")
FACTOR_MEANS = np.array([[0.0, 1.2, 1.2], [0.0, 0.1, 0.3], [0.0, 0.1, 1.5]])
# The ventricles have mean VENTRICLES[class] or, if the switch is 0, its negative; variance 1.
VENTRICLES = np.array([0.58, -0.58, 0.58])

# Probabilities of the alleles 2, 3, 4 of APOE, by class.
ALLELES = (2, 3, 4)
ALLELE_PROBABILITY = np.array([[0.09, 0.77, 0.14], [0.08, 0.71, 0.21], [0.06, 0.65, 0.29]])

# Two hidden genetic states, type and switch (each 0 or 1), move the frequency of the counted allele
# of one variant on each autosome down or up from 1/2. The probability of type 1 is by class.
TYPE_PROBABILITY = np.array([0.30, 0.68, 0.38])
VARIANTS_PER_STATE = 22
FREQUENCY_SHIFT = 0.25

# Probability of the abnormal or affirmative answer, by class.
FLAGS = {
    "NXGAIT": (0.10, 0.16, 0.30),
    "NXFINGER": (0.06, 0.10, 0.20),
    "NXPLANTA": (0.05, 0.09, 0.14),
    "MHPSYCH": (0.24, 0.46, 0.42),
    "MH2NEURL": (0.20, 0.40, 0.36),
}
# Whole numbers: mean by class, standard deviation, lowest and highest value written.
NUMBERS = {
    "PTDOBYY": ((1938.0, 1935.5, 1933.0), 6.5, 1900, 1975),
    "PTEDUCAT": ((16.6, 15.6, 14.8), 2.5, 4, 20),
}


def dosage_frequencies() -> np.ndarray:
    """Return the frequency of the counted allele by variant and state (0, 1), (variants, 2)."""
    sign = np.where(np.arange(VARIANTS_PER_STATE) % 3 == 1, -1.0, 1.0)
    return 0.5 + sign[:, None] * np.array([-FREQUENCY_SHIFT, FREQUENCY_SHIFT])


def genotypes() -> np.ndarray:
    """Return the six pairs of APOE alleles, lower first, (6, 2)."""
    return np.array([(a, b) for a in ALLELES for b in ALLELES if a <= b])


def genotype_probability() -> np.ndarray:
    """Return the probability of each pair of `genotypes` given the class, (6, classes)."""
    first, second = (genotypes() - ALLELES[0]).T
    both = ALLELE_PROBABILITY.T[first] * ALLELE_PROBABILITY.T[second]
    return both * np.where(first == second, 1, 2)[:, None]
