"""A generated cohort in the layout of PhysioNet/CinC Challenge 2012: no patients, known truth.

One latent severity and one latent state of each pseudo-modality decide on death, and each shows,
with noise, in the measurements of its modality; the severity shows in all of them. So every
modality tells something that the others do not, and something that they do.
"""

from fleximodal.sources.synthetic2012.release import write_synthetic_release

__all__ = ["write_synthetic_release"]
