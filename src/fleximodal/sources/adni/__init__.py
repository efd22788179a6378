"""ADNI: diagnosis, clinical and biospecimen tables, genotypes and brain images of one subject each.

Alzheimer's Disease Neuroimaging Initiative, https://adni.loni.usc.edu. The rules of preparation
are those of Yun S, Choi I, Peng J, et al. Flex-MoE: modeling arbitrary modality combination via
the flexible mixture-of-experts. NeurIPS 2024, arXiv 2410.08245.
"""
