"""Write a generated study as a folder that the reader of the real one reads."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fleximodal.io.atomic import atomic_folder, write_json, write_text
from fleximodal.sources.synthetic_adni import latents as hidden
from fleximodal.sources.synthetic_adni.biospecimen import write_biospecimen
from fleximodal.sources.synthetic_adni.chain import write_chain
from fleximodal.sources.synthetic_adni.clinical import (
    write_histories_and_examinations,
    write_vitals,
)
from fleximodal.sources.synthetic_adni.demography import write_demography
from fleximodal.sources.synthetic_adni.diagnosis import write_diagnoses
from fleximodal.sources.synthetic_adni.evidence import Evidence, Measured
from fleximodal.sources.synthetic_adni.freesurfer import write_freesurfer
from fleximodal.sources.synthetic_adni.genotypes import draw_dosages
from fleximodal.sources.synthetic_adni.medication import write_medication
from fleximodal.sources.synthetic_adni.model import LETTERS
from fleximodal.sources.synthetic_adni.people import People, draw_people
from fleximodal.sources.synthetic_adni.plink import Called, write_sets
from fleximodal.sources.synthetic_adni.ravens import write_ravens
from fleximodal.sources.synthetic_adni.scans import draw_scans
from fleximodal.sources.synthetic_adni.settings import Settings
from fleximodal.sources.synthetic_adni.streams import stream
from fleximodal.sources.synthetic_adni.truth import describe, table
from fleximodal.sources.synthetic_adni.variants import Variants, draw_variants
from fleximodal.sources.synthetic_adni.visits import Visits, draw_visits

LOGGER = logging.getLogger("fleximodal.sources")

_README = """\
GENERATED DATA: NO PARTICIPANTS
===============================
Every row, genotype and image here was drawn by a random generator (fleximodal, synthetic_adni).
None is of, or derived from, a person. The files have the layouts of ADNI, so that the same
programs read them. Roster ids begin at 90001 and numbers of variants at rs9000000001 (but for the
two of APOE), above every real one. Results obtained from these files say something of programs and
nothing of medicine.

truth.json holds the settings of the generator, what it planted, and the best accuracy and AUROC
that any classifier can reach; truth.parquet the class probabilities of each labelled subject.
"""


def write_release(output: Path, *, settings: Mapping[str, Any]) -> None:
    """Write `diagnosis`, `clinical`, `biospecimen`, `genomic`, `image`, the truth and a README.

    Equal settings give equal bytes. An existing folder is replaced as a whole. Layout: the data
    dictionary of ADNI and table 5 of Flex-MoE (arXiv 2410.08245).

    Parameters
    ----------
    output
        Folder to write.
    settings
        Keys of `settings.Settings`; those left out have their defaults.

    Raises
    ------
    FleximodalError
        If a key is unknown or a value out of its range.
    """
    chosen = Settings.of(settings)
    people = draw_people(stream(chosen.seed, "people"), chosen.subjects)
    visits = draw_visits(stream(chosen.seed, "visits"), people)
    latents = hidden.draw_latents(stream(chosen.seed, "latents"), people.classes)
    with atomic_folder(output) as target:
        rows = write_diagnoses(target, stream(chosen.seed, "diagnosis"), people, visits)
        known = people.kind != "diagnosis_only"
        seen = visits.of(known[visits.person])
        flags, numbers = _write_clinical(target, chosen, people, seen, latents, rows)
        counted, biospecimen = write_biospecimen(
            target,
            stream(chosen.seed, "biospecimen"),
            people,
            seen,
            latents,
            chosen.apoe_layout,
        )
        rows |= counted
        variants, called = _write_genomic(target, chosen, people, latents, rows)
        image = _write_images(target, chosen, people, seen, latents, rows)
        evidence = Evidence(
            present=people.has,
            flags=flags,
            numbers=numbers,
            biospecimen=biospecimen,
            image=image,
            apoe=latents.apoe,
            apoe_dosage=called.apoe,
            type_dosage=called.of_type,
            switch_dosage=called.of_switch,
        )
        truth = table(people, evidence)
        truth.write_parquet(target / "truth.parquet")
        write_json(target / "truth.json", describe(chosen, people, truth, variants, rows))
        write_text(target / "README.txt", _README)
    LOGGER.info("synthetic-adni: wrote %d labelled generated subjects", chosen.subjects)


def _write_clinical(
    target: Path,
    settings: Settings,
    people: People,
    visits: Visits,
    latents: hidden.Latents,
    rows: dict[str, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Write the five clinical tables; return the planted flags and numbers as written."""
    rng = stream(settings.seed, "clinical")
    counted, flags = write_histories_and_examinations(target, rng, people, visits, latents)
    rows |= counted
    counted, numbers = write_demography(target, rng, people, visits, latents)
    rows |= counted
    rows |= write_medication(target, rng, people, visits)
    rows |= write_vitals(target, rng, people, visits)
    return flags, numbers


def _write_genomic(
    target: Path,
    settings: Settings,
    people: People,
    latents: hidden.Latents,
    rows: dict[str, int],
) -> tuple[Variants, Called]:
    """Write the five sets and the chain; return the variants and everybody's planted calls."""
    genotyped = np.flatnonzero(people.has[:, LETTERS.index("G")])
    variants = draw_variants(
        stream(settings.seed, "variants"), settings.variants, settings.ld_block
    )
    dosage = draw_dosages(
        stream(settings.seed, "genotypes"),
        variants,
        latents.of(genotyped),
        people.female[genotyped],
    )
    counted, called = write_sets(
        target, stream(settings.seed, "arrays"), people, genotyped, variants, dosage
    )
    rows |= counted
    write_chain(target)
    return variants, called.spread(genotyped, len(people.rid))


def _write_images(
    target: Path,
    settings: Settings,
    people: People,
    visits: Visits,
    latents: hidden.Latents,
    rows: dict[str, int],
) -> Measured:
    """Write the image files asked for; return what they show together."""
    scans = draw_scans(stream(settings.seed, "scans"), people, visits)
    factors = latents.factors[:, 2:]
    shown: list[Measured] = []
    if settings.image_source != "ravens":
        rng = stream(settings.seed, "freesurfer")
        counted, measured = write_freesurfer(target, rng, people, scans, factors)
        rows |= counted
        shown.append(measured)
    if settings.image_source != "freesurfer":
        rng = stream(settings.seed, "ravens")
        counted, measured = write_ravens(target, rng, people, scans, factors, settings.ravens_shape)
        rows |= counted
        shown.append(measured)
    return shown[0] if len(shown) == 1 else shown[0].joined(shown[1])
