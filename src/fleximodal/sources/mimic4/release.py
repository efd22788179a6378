"""Which release of MIMIC-IV this is, told by its number of ICU stays, and whether it is whole."""

import logging
from collections.abc import Mapping

from fleximodal.sources.mimic.check import check_rows

LOGGER = logging.getLogger("fleximodal.sources")

UNKNOWN = "unknown"
GENERATED = "generated"

#: Published numbers of rows; see the landing pages of the releases on PhysioNet.
PUBLISHED_ROWS: Mapping[str, Mapping[str, int]] = {
    "MIMIC-IV 2.2": {
        "hosp/patients": 299_712,
        "hosp/admissions": 431_231,
        "hosp/diagnoses_icd": 4_756_326,
        "hosp/labevents": 118_171_367,
        "icu/icustays": 73_181,
        "icu/chartevents": 313_645_063,
    },
    "MIMIC-IV 3.1": {
        "hosp/patients": 364_627,
        "hosp/admissions": 546_028,
        "hosp/diagnoses_icd": 6_364_488,
        "hosp/labevents": 158_374_764,
        "icu/icustays": 94_458,
        "icu/chartevents": 432_997_491,
    },
    "MIMIC-IV demo 2.2": {
        "hosp/patients": 100,
        "hosp/admissions": 275,
        "hosp/diagnoses_icd": 4_506,
        "hosp/labevents": 107_727,
        "icu/icustays": 140,
        "icu/chartevents": 668_862,
    },
}

# These modules have versions of their own, so that other numbers are no errors.
_MODULE_ROWS: Mapping[str, tuple[int, ...]] = {
    "note/radiology": (2_321_355,),
    "note/discharge": (331_793, 331_794),
    "cxr/metadata": (377_110,),
    "ecg/record_list": (800_035,),
}


def detect_release(stays: int) -> str:
    """Return the release that has this number of ICU stays, or "unknown"."""
    return next(
        (name for name, rows in PUBLISHED_ROWS.items() if rows["icu/icustays"] == stays), UNKNOWN
    )


def check_release(release: str, read: Mapping[str, int]) -> None:
    """Raise a FleximodalError if a table of a known release has other rows than published.

    The modules of notes, radiographs and ECGs are only compared with the versions the papers used,
    and a difference is logged.
    """
    check_rows(release, PUBLISHED_ROWS.get(release, {}), read)
    if release in (GENERATED, UNKNOWN):
        return
    for name, published in _MODULE_ROWS.items():
        if name in read and read[name] not in published:
            LOGGER.warning(
                "%s has %s rows, its version used by the papers has %s",
                name,
                f"{read[name]:,}",
                f"{published[0]:,}",
            )
