"""Adam without torch's compiler."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """PyTorch's fused Adam with its default betas, epsilon and no weight decay.

    `torch.optim.Adam` imports torch's compiler when it is made, which takes longer than a small
    training; this calls the functional form of the same step, with the same bits as result.

    Parameters
    ----------
    parameters
        What is trained; those without a gradient in a step are left alone, as torch does.
    learning_rate
        Learning rate.

    Attributes
    ----------
    state
        Per parameter that was ever changed, by its number: `step`, `exp_avg`, `exp_avg_sq`.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], learning_rate: float) -> None:
        self._parameters = list(parameters)
        self._learning_rate = learning_rate
        self.state: dict[int, dict[str, Tensor]] = {}

    def zero_grad(self) -> None:
        """Drop all gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Change every parameter that has a gradient."""
        used = [n for n, parameter in enumerate(self._parameters) if parameter.grad is not None]
        for number in used:
            if number not in self.state:
                parameter = self._parameters[number]
                self.state[number] = {
                    "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }
        adam(
            [self._parameters[number] for number in used],
            [grad for number in used if (grad := self._parameters[number].grad) is not None],
            [self.state[number]["exp_avg"] for number in used],
            [self.state[number]["exp_avg_sq"] for number in used],
            [],
            [self.state[number]["step"] for number in used],
            fused=True,
            amsgrad=False,
            beta1=BETA1,
            beta2=BETA2,
            lr=self._learning_rate,
            weight_decay=0.0,
            eps=EPSILON,
            maximize=False,
        )

    def restore(self, state: Mapping[int, dict[str, Tensor]]) -> None:
        """Go on from a stored `state`."""
        self.state = dict(state)
