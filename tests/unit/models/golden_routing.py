"""Gate noise put into routers, and their decisions compared."""

from collections.abc import Callable

import torch
from torch import Tensor

from fleximodal.models.balance import balance_loss, importance, load
from fleximodal.models.gates import NoisyTopKRouter, Routing
from tests.unit.models.golden_case import Case


class Recorder:
    """Gives a router the stored noise and keeps what it decided.

    Parameters
    ----------
    noise
        Names of the stored draws, one per router.
    """

    def __init__(self, case: Case, router: NoisyTopKRouter, noise: list[str]) -> None:
        self.case = case
        self.routing: Routing | None = None
        self.tokens: Tensor | None = None
        self.gate = router.gate
        router.draw = self._draw(noise)
        router.register_forward_hook(self._keep)

    def _draw(self, names: list[str]) -> Callable[[Tensor], Tensor]:
        def draw(like: Tensor) -> Tensor:
            found = [self.case.arrays.get("noise/" + name) for name in names]
            return torch.stack([like.new_zeros(like.shape[1:]) if x is None else x for x in found])

        return draw

    def _keep(self, module: NoisyTopKRouter, inputs: tuple[Tensor], output: Routing) -> None:
        self.routing, self.tokens = output, inputs[0]

    @property
    def balance(self) -> Tensor:
        return 0.01 * balance_loss(self.routing)

    def compare(self, prefix: str) -> None:
        """Compare all stored decisions of these routers, named `prefix` + quantity + `_m`."""
        routing = self.routing
        found = {
            "clean_logits": routing.clean - self._left_out(),
            "noisy_logits": routing.noisy - self._left_out(),
            "noise_scale": torch.zeros_like(routing.clean)
            if routing.scale is None
            else routing.scale,
            "gates": routing.gates,
            "load": load(routing),
            "importance": importance(routing),
        }
        for quantity, values in found.items():
            for m, value in enumerate(values):
                for name in (f"{prefix}{quantity}_{m}", f"{prefix}{quantity}"):
                    if self.case.has("output/" + name) and (m == 0 or name[-1].isdigit()):
                        self.case.forward(name, value)
        if self.case.has(f"output/{prefix}aux_loss"):
            self.case.forward(f"{prefix}aux_loss", self.balance)

    def _left_out(self) -> Tensor:
        """Return the constant per token that our logits leave out."""
        if self.gate == "softmax":
            return torch.zeros(())
        square = self.tokens.square().sum(-1, keepdim=True)
        return square if self.gate == "gaussian" else square.sqrt()
