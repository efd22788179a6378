"""Gaussian mixtures of experts: how fast maximum likelihood finds their parameters."""
