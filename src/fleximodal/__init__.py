"""Every number of FuseMoE and Flex-MoE out of one declarative graph."""

__version__ = "0.1.0"
