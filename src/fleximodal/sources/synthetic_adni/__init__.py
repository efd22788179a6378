"""A generated study in the raw layout of ADNI: no participants, known truth.

What each modality tells of the three classes is a small probabilistic model (`model`), so the best
possible accuracy and AUROC are known for every set of modalities (`optimum`).
"""

from fleximodal.sources.synthetic_adni.release import write_release

__all__ = ["write_release"]
