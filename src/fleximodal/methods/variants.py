"""Variants of a method: `paper` or `released`, and modifiers such as `paper+K-3`."""

import re
from dataclasses import dataclass

from fleximodal.errors import FleximodalError
from fleximodal.methods.differences import DIFFERENCES, differences_of, find_difference
from fleximodal.methods.registry import nearest
from fleximodal.methods.settings import MethodSettings

BASES = ("paper", "released")
SHUFFLED_LABELS = "shuffled-labels"
NOISE = "noise-"

_CONTROL = re.compile(rf"{SHUFFLED_LABELS}|{NOISE}\w+")


@dataclass(frozen=True)
class Variant:
    """A base, the differences that take the value of the other side, and negative controls.

    `controls` are `shuffled-labels` and `noise-MODALITY`; they change what a run is given and
    leave settings alone.
    """

    base: str
    switches: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()


def parse_variant(text: str) -> Variant:
    """Return the variant that `text` names: a base, then modifiers, joined by "+".

    Raises
    ------
    FleximodalError
        For an unknown base or modifier, with the nearest that is known, and for one named twice.
    """
    base, *modifiers = text.split("+")
    if base not in BASES:
        raise FleximodalError(
            f"variant {text!r} begins with {base!r}; it must begin with {' or '.join(BASES)}"
            f"{nearest(base, BASES)}"
        )
    switches, controls = [], []
    for modifier in modifiers:
        if modifiers.count(modifier) > 1:
            raise FleximodalError(f"variant {text!r} names {modifier!r} twice; once is enough")
        if find_difference(modifier) is not None:
            switches.append(modifier)
        elif _CONTROL.fullmatch(modifier):
            controls.append(modifier)
        else:
            raise FleximodalError(f"variant {text!r}: {_unknown(modifier)}")
    return Variant(base, tuple(switches), tuple(controls))


def with_variant(settings: MethodSettings, variant: Variant) -> MethodSettings:
    """Return the settings of a variant; differences that the method does not have are passed over.

    Parameters
    ----------
    settings
        Those of variant `paper`.
    variant
        Base `paper` takes the released values of its switches; base `released` takes those of
        all differences but its switches. Switches of literal differences take the text's values
        on both.

    Raises
    ------
    pydantic.ValidationError
        If a value does not fit the others.
    """
    changes: dict[str, object] = {}
    for difference in differences_of(type(settings)):
        released = variant.base == "released" and not difference.literal
        if released != (difference.id in variant.switches):
            changes |= difference.fields
    return type(settings).model_validate(settings.model_dump() | changes)


def _unknown(modifier: str) -> str:
    same = [difference.id for difference in DIFFERENCES if modifier in difference.same_as]
    if same:
        return f"{modifier!r} is switched by {' and '.join(same)}; write that instead"
    known = [difference.id for difference in DIFFERENCES]
    found = nearest(modifier, [*known, SHUFFLED_LABELS, NOISE + "MODALITY"])
    return (
        f"unknown modifier {modifier!r}{found}; known are {', '.join(known)}, {SHUFFLED_LABELS} "
        f"and {NOISE}MODALITY (docs/discrepancies.md says which differences have no switch)"
    )
