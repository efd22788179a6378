"""What may be chosen about a cohort; the defaults stand here alone."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any

from fleximodal.cohorts.phenotypes import GEM_RULES
from fleximodal.errors import FleximodalError

AXES = ("hours", "stay")


@dataclass(frozen=True)
class CohortSettings:
    """Settings of task `25-PHE`; other tasks have nothing to choose.

    Parameters
    ----------
    gem_rule
        Which rows of the ICD-10 to ICD-9 mapping count; see `phenotypes.code_maps`.
    parent_fallback
        Whether an unknown ICD-10 code counts as its longest known beginning.
    axis
        Unit of the models' time axis: `hours`, or `stay` for the length of each stay.
    window_hours
        Hours that are observed; None is the whole stay.
    """

    gem_rule: str = "any_fix_i10"
    parent_fallback: bool = False
    axis: str = "hours"
    window_hours: float | None = None


# Zhang et al. (ICML 2023), whom FuseMoE follows on MIMIC-III, observe the first 24 hours.
BY_READER = {"mimic3": CohortSettings(window_hours=24.0)}


def read_settings(given: Mapping[str, Any], reader: str) -> CohortSettings:
    """Return the settings of a source's reader, where `given` is silent its defaults.

    Raises
    ------
    FleximodalError
        If a key is unknown or a value impossible.
    """
    known = [field.name for field in fields(CohortSettings)]
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}."
            raise FleximodalError(f"Unknown cohort setting {key!r}; {hint}")
    settings = replace(BY_READER.get(reader, CohortSettings()), **given)
    window = settings.window_hours
    possible = {
        "gem_rule": settings.gem_rule in GEM_RULES,
        "parent_fallback": isinstance(settings.parent_fallback, bool),
        "axis": settings.axis in AXES,
        "window_hours": window is None or (isinstance(window, (int, float)) and window > 0),
    }
    for key, good in possible.items():
        if not good:
            raise FleximodalError(
                f"Cohort setting {key} = {getattr(settings, key)!r} is impossible; gem_rule is one "
                f"of {', '.join(GEM_RULES)}, parent_fallback true or false, axis one of "
                f"{', '.join(AXES)}, window_hours a positive number or null."
            )
    return settings
