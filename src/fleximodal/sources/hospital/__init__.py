"""A generated hospital in the layouts of MIMIC-IV and MIMIC-III: no patients, known truth.

One latent severity and one latent state of each modality decide on death; the severity shows, with
noise, in every modality, and each state in its own. What the best possible score reaches is
therefore known for every task and set of modalities; see `model` and `optimum`.
"""

from fleximodal.sources.hospital.release import write_hospital

__all__ = ["write_hospital"]
