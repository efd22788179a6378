"""What the publishers of the releases say of them: where, when, on which terms."""

from dataclasses import dataclass

from fleximodal.evaluation.names import SYNTHETIC, is_synthetic


@dataclass(frozen=True)
class Release:
    """A release of clinical data.

    `name` and `reference` identify it, `setting` and `dates` say where and when its patients were
    seen, `access` on which terms it is had.
    """

    name: str
    reference: str
    setting: str
    dates: str
    access: str


RELEASES = {
    "mimic4": Release(
        "MIMIC-IV",
        "https://physionet.org/content/mimiciv/",
        "one centre, Beth Israel Deaconess Medical Center in Boston: intensive care and hospital",
        "admissions from 2008 on; dates are shifted per patient, so that none can be told here",
        "credentialed; a data use agreement forbids passing rows on",
    ),
    "mimic3": Release(
        "MIMIC-III",
        "https://physionet.org/content/mimiciii/",
        "one centre, Beth Israel Deaconess Medical Center in Boston: intensive care",
        "admissions from 2001 to 2012; dates are shifted per patient, so that none can be told",
        "credentialed; a data use agreement forbids passing rows on",
    ),
    "physionet2012": Release(
        "PhysioNet/CinC Challenge 2012",
        "https://physionet.org/content/challenge-2012/",
        "intensive-care units of one hospital",
        "the release holds no dates, only times since admission",
        "open",
    ),
    "adni": Release(
        "Alzheimer's Disease Neuroimaging Initiative",
        "https://adni.loni.usc.edu/",
        "a study at many centres in the United States and Canada",
        "recruitment from 2004 on, in several phases",
        "on application; a data use agreement forbids passing rows on",
    ),
}


def release_of(source: str) -> Release:
    """Return the release that a source is, or that a generated source has the layout of."""
    return RELEASES[source.removeprefix(SYNTHETIC)]


def named(source: str, release: str = "") -> str:
    """Return what a source is in words, with the release that was read where it is known."""
    name = release_of(source).name
    if is_synthetic(source):
        return f"{source}, generated in the layout of {name}"
    return f"{name} ({release})" if release else name
