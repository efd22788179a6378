"""How far a fit is from the truth: Voronoi cells and the losses D1 and D2 (FuseMoE, section 4)."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fleximodal.errors import FleximodalError
from fleximodal.theory.gates import SHIFTING
from fleximodal.theory.mixture import Mixture

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
# r-bar (and r-tilde, which is the same there) by number of fitted components in a cell.
ORDER = {2: 4, 3: 6}
ROUNDS = 10  # of shifting W and finding cells anew; two are the rule
ALL = ("centre", "slope", "intercept", "variance")


@dataclass(frozen=True)
class Measures:
    """Fitted mixtures as mixing measures in the coordinates in which they are compared.

    Attributes
    ----------
    mass
        exp(beta), (F, k).
    centre, slope
        W and a, (F, k, d). W of a Gaussian gate is that of the softmax gate it equals.
    intercept, variance
        b and nu, (F, k).
    """

    mass: Floats
    centre: Floats
    slope: Floats
    intercept: Floats
    variance: Floats


@dataclass(frozen=True)
class Comparison:
    """Fits held against the truth; cells are numbered by the true component they belong to.

    Attributes
    ----------
    cell
        Cell of every fitted component, (F, k).
    loss
        D1 for as many fitted as true components, else D2, (F,).
    errors
        Per parameter the largest error within a cell, (F, k*); nan where a cell is empty or its
        error is 0 by convention. "exp(beta)" is the error of the cell's mass when that of all
        others together is right.
    weighted
        The same for W, a, b and nu as the mean over the cell's components, weighted by mass.
    lightest
        Smallest share of a component in the mass of its cell, (F,); 1 if every cell has one.
    """

    cell: Integers
    loss: Floats
    errors: dict[str, Floats]
    weighted: dict[str, Floats]
    lightest: Floats


def measures(mixture: Mixture, gate: str) -> Measures:
    """Return mixtures as mixing measures."""
    centre, bias, slope, intercept, log_variance = (part.numpy() for part in vars(mixture).values())
    if gate == "gaussian":
        bias = bias - (centre**2).sum(2)
        centre = 2 * centre
    return Measures(np.exp(bias), centre, slope, intercept, np.exp(log_variance))


def compare(fitted: Mixture, truth: Mixture, gate: str, top_k: int | None = None) -> Comparison:
    """Hold F fits against one truth.

    Parameters
    ----------
    fitted, truth
        F mixtures, and one.
    gate
        Under the softmax and the Gaussian gate W is known only up to a common shift. The fit is
        shifted so that W is right in the last cell with a single component (in the mean, in the
        last cell, if there is none).
    top_k
        For a top-K gate the loss is the greatest over sets of K true components.

    Raises
    ------
    FleximodalError
        If a cell holds more components than the order r-bar is known for.
    """
    fit, true = measures(fitted, gate), measures(truth, gate)
    anchor = np.full(len(fit.mass), -1)
    if gate in SHIFTING:
        fit, anchor = _shifted(fit, true)
    cell = _nearest(fit, true, ALL)
    member = cell[:, :, None] == np.arange(true.mass.shape[1])  # (F, k, k*)
    size = member.sum(1)
    same = fit.mass.shape[1] == true.mass.shape[1]
    if not same and size.max() > max(ORDER):
        raise FleximodalError(
            f"a Voronoi cell holds {size.max()} fitted components and the order of the loss is "
            f"known up to {max(ORDER)}; fit fewer components"
        )
    distance = _distances(fit, true)
    powers = _powers(size, gate, same)
    scaled = fit.mass * _scale(fit, true, member)[:, None]
    held = np.where(member, scaled[:, :, None], 0.0)
    bulk = sum(distance[name] ** powers[name][:, None, :] for name in distance)
    counted = (size == 1) | ((size > 1) & (not same))
    terms = np.abs(held.sum(1) - true.mass) + np.where(counted, (held * bulk).sum(1), 0.0)
    loss = np.sort(terms, axis=1)[:, -top_k:] if top_k else terms
    known = dict.fromkeys(distance, size > 0)
    # Where the shift made W right, its error says nothing.
    known["W"] = known["W"] & ((np.arange(size.shape[1]) != anchor[:, None]) | (size > 1))
    share = held / np.where(size > 0, held.sum(1), 1.0)[:, None]
    errors, weighted = {}, {}
    for name, value in distance.items():
        worst = np.where(member, value, -np.inf).max(1)
        errors[name] = np.where(known[name], worst, np.nan)
        weighted[name] = np.where(known[name], (share * value).sum(1), np.nan)
    errors["exp(beta)"] = _mass_errors(fit, true, member)
    lightest = np.where(member, share, np.inf).min((1, 2))
    return Comparison(cell, loss.sum(1), errors, weighted, lightest)


def _shifted(fit: Measures, true: Measures) -> tuple[Measures, Integers]:
    """Shift W of every fit to agree with the truth in one cell; return also that cell, (F,).

    The cells depend on the shift in turn; the first are those of the experts alone.
    """
    cell = _nearest(fit, true, ("slope", "intercept", "variance"))
    for _ in range(ROUNDS):
        member = cell[:, :, None] == np.arange(true.mass.shape[1])
        size = member.sum(1)
        # The last single cell; else the last cell that is not empty.
        rank = np.where(size == 1, 2, np.where(size > 1, 1, 0))
        anchor = rank.shape[1] - 1 - np.argmax(rank[:, ::-1], axis=1)
        weight = fit.mass * np.take_along_axis(member, anchor[:, None, None], axis=2)[:, :, 0]
        mean = (weight[:, :, None] * fit.centre).sum(1) / weight.sum(1)[:, None]
        moved = replace(fit, centre=fit.centre + (true.centre[0][anchor] - mean)[:, None, :])
        before, cell = cell, _nearest(moved, true, ALL)
        if np.array_equal(before, cell):
            break
    return moved, anchor


def _distances(fit: Measures, true: Measures) -> dict[str, Floats]:
    """Return the distance of every fitted from every true component, (F, k, k*) each."""
    return {
        "W": np.linalg.norm(fit.centre[:, :, None] - true.centre[:, None], axis=-1),
        "a": np.linalg.norm(fit.slope[:, :, None] - true.slope[:, None], axis=-1),
        "b": np.abs(fit.intercept[:, :, None] - true.intercept[:, None]),
        "nu": np.abs(fit.variance[:, :, None] - true.variance[:, None]),
    }


def _nearest(fit: Measures, true: Measures, names: tuple[str, ...]) -> Integers:
    """Return the true component nearest to every fitted one, ties to the lower, (F, k)."""
    squares = np.zeros((*fit.mass.shape, true.mass.shape[1]))
    for name in names:
        ours, theirs = getattr(fit, name), getattr(true, name)
        if ours.ndim == 2:
            ours, theirs = ours[..., None], theirs[..., None]
        squares += ((ours[:, :, None] - theirs[:, None]) ** 2).sum(-1)
    return squares.argmin(-1)


def _powers(size: Integers, gate: str, same: bool) -> dict[str, Floats]:
    """Return the power of each distance by cell, (F, k*): 1 for a single component."""
    order = np.select([size == m for m in ORDER], list(ORDER.values()), default=0).astype(float)
    many = (size > 1) & (not same)
    over = {"W": 2.0 + 0 * order, "a": 2.0 + 0 * order, "b": order, "nu": order / 2}
    if gate in SHIFTING:
        over |= {"W": order, "a": order / 2}
    return {name: np.where(many, power, 1.0) for name, power in over.items()}


def _scale(fit: Measures, true: Measures, member: NDArray[np.bool_]) -> Floats:
    """Return the factor that makes the mass of the last cell right, or of all if it is empty."""
    last = (fit.mass * member[:, :, -1]).sum(1)
    empty = last == 0
    last_true = np.where(empty, true.mass.sum(), true.mass[0, -1])
    return last_true / np.where(empty, fit.mass.sum(1), last)


def _mass_errors(fit: Measures, true: Measures, member: NDArray[np.bool_]) -> Floats:
    own = (fit.mass[:, :, None] * member).sum(1)
    others = (fit.mass[:, :, None] * ~member).sum(1)
    others_true = true.mass.sum() - true.mass
    known = member.any(1) & (others > 0)
    right = own / np.where(known, others, 1.0) * others_true
    return np.where(known, np.abs(right - true.mass), np.nan)
