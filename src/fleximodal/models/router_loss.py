"""Which auxiliary loss the routers of a mixture get, and over which stays it is taken."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from fleximodal.models.balance import balance_loss
from fleximodal.models.entropy import EntropyForm, entropy_loss, pool_entropy_loss
from fleximodal.models.gates import Routing

RouterDesign = Literal["joint", "per_modality", "disjoint"]


@dataclass(frozen=True)
class RouterLoss:
    """Importance and load for the joint router, equation 4 of FuseMoE for routers of modalities.

    Equation 4 is identically zero for one router and identically ``-log M`` for disjoint pools,
    without gradient in both; `disjoint` says what disjoint routers get in its place.

    Attributes
    ----------
    balance_coef, entropy_coef
        Coefficients; with 0 the loss is left out.
    sparse
        Equation 4 of the weights of the experts kept. Otherwise of the softmax of all logits
        without noise, which gives experts that were not kept a gradient as well.
    form
        What equation 4 leaves open.
    disjoint
        off; within_pool: minus the mean entropy of each pool's use; balance: importance and load.
    stays
        The losses are taken over so many stays at a time and averaged, as accumulation of
        gradients over micro-batches does; None takes the batch as a whole.
    """

    balance_coef: float = 0.0
    entropy_coef: float = 0.0
    sparse: bool = False
    form: EntropyForm = EntropyForm()
    disjoint: Literal["off", "within_pool", "balance"] = "off"
    stays: int | None = None

    def __call__(
        self, design: RouterDesign, routing: Routing, present: Tensor | None, per_stay: int
    ) -> dict[str, Tensor]:
        """Return the weighted loss by name; empty where there is none.

        Parameters
        ----------
        design
            Router design.
        routing
            Decisions on N tokens, `per_stay` consecutive ones for each stay.
        present
            (M, N) bool, whether the token is of a modality that is there; None if all are.
        per_stay
            Tokens of a stay.
        """
        window = None if self.stays is None else self.stays * per_stay
        if design == "joint" or (design == "disjoint" and self.disjoint == "balance"):
            if self.balance_coef == 0:
                return {}
            return {"balance": self.balance_coef * balance_loss(routing, window)}
        if self.entropy_coef == 0 or (design == "disjoint" and self.disjoint == "off"):
            return {}
        use = routing.gates if self.sparse else routing.clean.softmax(-1)
        loss = entropy_loss if design == "per_modality" else pool_entropy_loss
        value = loss(use, present, form=self.form, window=window)
        return {"entropy": self.entropy_coef * value}
