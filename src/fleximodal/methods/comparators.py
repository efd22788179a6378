"""Methods that Flex-MoE is compared with, from their papers' descriptions."""

from fleximodal.methods.registry import Method

COMPARATORS: list[Method] = []
