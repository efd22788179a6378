"""One golden case: its arrays, its description, and the comparison that the README asks for."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

# The arrays were computed in float64 and rounded once to float32.
ROUNDING = {"forward": 2e-7, "backward": 2e-6}


@dataclass
class Case:
    """Arrays as tensors of `dtype` (integers stay integers), and mismatches found so far."""

    name: str
    arrays: dict[str, Tensor]
    config: dict
    unused: set[str]
    tolerance: dict[str, float]
    mismatches: list[str] = field(default_factory=list)
    compared: set[str] = field(default_factory=set)

    @classmethod
    def load(cls, path: Path, dtype: torch.dtype) -> "Case":
        description = json.loads(path.read_text())
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as stored:
            arrays = {name: torch.from_numpy(stored[name]) for name in stored.files}
        arrays = {k: v.to(dtype) if v.is_floating_point() else v for k, v in arrays.items()}
        for name in arrays:
            if name.startswith("grad_input/"):
                arrays["input/" + name.removeprefix("grad_input/")].requires_grad_()
        exact = dtype == torch.float64
        return cls(
            name=path.stem,
            arrays=arrays,
            config=description["config"],
            unused=set(description["parameters_held_but_never_used"]),
            tolerance=ROUNDING if exact else description["tolerance"],
        )

    def has(self, name: str) -> bool:
        return name in self.arrays

    def parameter(self, name: str) -> Tensor:
        return self.arrays["param/" + name]

    def input(self, name: str) -> Tensor:
        return self.arrays["input/" + name]

    def names(self, prefix: str) -> list[str]:
        return sorted(name.removeprefix(prefix) for name in self.arrays if name.startswith(prefix))

    def forward(self, name: str, found: Tensor) -> None:
        """Compare `found` with `output/name`."""
        reference = self.arrays["output/" + name]
        floor = 10.0 if name == "scalar" else 0.0
        self._compare("output/" + name, found, reference, self.tolerance["forward"], floor)

    def untouched(self) -> list[str]:
        """Return the stored results that nothing was compared with."""
        stored = ["output/" + name for name in self.names("output/")]
        return sorted(set(stored) - self.compared)

    def backward(self, prefix: str, found: dict[str, Tensor]) -> None:
        """Compare gradients with all stored ones under `prefix`."""
        stored = {
            name: self.arrays[prefix + name]
            for name in self.names(prefix)
            if name not in self.unused or self.arrays[prefix + name].abs().max() > 0
        }
        largest = max(float(value.abs().max()) for value in stored.values())
        absent = sorted(set(stored) - set(found))
        if absent:
            self.mismatches.append(f"no gradient for {absent}")
        for name in sorted(set(stored) & set(found)):
            tolerance = self.tolerance["backward"]
            self._compare(prefix + name, found[name], stored[name], tolerance, 0.01 * largest)

    def _compare(
        self, name: str, found: Tensor, reference: Tensor, tolerance: float, floor: float
    ) -> None:
        self.compared.add(name)
        found = found.detach()
        if found.shape != reference.shape:
            self.mismatches.append(f"{name}: shape {found.shape}, not {reference.shape}")
            return
        scale = max(float(reference.abs().max()) if reference.numel() else 0.0, floor)
        error = float((found - reference).abs().max()) if reference.numel() else 0.0
        if not error <= tolerance * scale:
            self.mismatches.append(f"{name}: error {error:.2e}, allowed {tolerance * scale:.2e}")
