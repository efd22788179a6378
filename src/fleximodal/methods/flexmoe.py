"""Flex-MoE and its ablations (arXiv 2410.08245)."""

from fleximodal.methods.registry import Method

FLEXMOE: list[Method] = []
