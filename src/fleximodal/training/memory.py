"""The largest memory that was in use so far."""

import resource
import sys

import torch


def peak_process_mb() -> float:
    """Return the largest resident memory of the process, in MB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def peak_memory_mb(device: torch.device) -> float:
    """Return the largest memory of the GPU if it is used, else of the process, in MB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return peak_process_mb()
