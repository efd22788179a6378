"""Texts whose words show the severity and the private state of the notes."""

from collections.abc import Callable

import numpy as np
import polars as pl

from fleximodal.sources.hospital.rows import pick

# From least to most; the first list speaks of the severity, the second of the private state.
_OF_X = ("no", "minimal", "slight", "mild", "moderate", "marked", "severe")
_OF_W = ("absent", "faint", "scattered", "patchy", "diffuse", "extensive", "confluent")
_EDGES = (-1.6, -0.95, -0.3, 0.3, 0.95, 1.6)
# Each sentence shows the truth with noise of its own.
_NOISE = 0.5

_SLOTS_OF_X = (
    "There is {} pulmonary vascular congestion.",
    "{} enlargement of the cardiac silhouette.",
    "{} perihilar haze is seen.",
    "Widening of the vascular pedicle: {}.",
    "There is {} interval worsening.",
    "Septal thickening is {}.",
)
_SLOTS_OF_W = (
    "Airspace opacities are {}.",
    "Basal atelectasis: {}.",
    "{} nodular densities.",
    "Pleural reaction is {}.",
    "Interstitial markings appear {}.",
    "Fibrotic bands: {}.",
)
_EXAMINATIONS = ("CHEST (PORTABLE AP)", "CHEST (PA AND LAT)", "CT HEAD W/O CONTRAST", "CT ABDOMEN")
_INDICATIONS = (
    "___ year old patient, evaluate for acute process",
    'line placement, "please page with results"',
    "fever; cough, and pain",
    "interval change",
)
_COMPARISONS = ("None.", 'Compared with the "prior" study of ___.', "___, at 05:12.")
# Between the others, whatever the patient: so two reports are seldom nearly the same.
_NEUTRAL = (
    "The tip of the right internal jugular line projects over the upper chest. ",
    "An enteric tube courses below the diaphragm and out of view. ",
    "Median sternotomy wires are aligned and the clips are where they were. ",
    "The bony thorax is intact as far as this study shows it. ",
    "Limited by rotation of the patient and by overlying hardware. ",
    "A left pectoral device has its leads in the usual places. ",
    "The upper abdomen holds a usual amount of gas. ",
    "Surgical clips are seen in the right upper quadrant again. ",
    "Old healed rib fractures are noted on the left side. ",
    "The tracheal tube ends four centimetres above the carina. ",
    "Degenerative changes of the thoracic spine are as before. ",
    "The arms were not raised, which hides part of the field. ",
    "Calcified lymph nodes point to an infection long past. ",
    "Several monitoring leads cross the chest and the neck. ",
)
_CLOSINGS = (
    "No other acute finding.",
    "Findings were discussed by telephone, 10 minutes after discovery.",
    'Dictated as "preliminary", reviewed by attending.',
)


def radiology_texts(rng: np.random.Generator, x: np.ndarray, w: np.ndarray) -> pl.Series:
    """Return a report for each item: sections, quotation marks, commas, line ends."""
    choice = _chooser(rng, len(x))
    return _join(
        [
            "                                 FINAL REPORT\n EXAMINATION:  ",
            choice(_EXAMINATIONS),
            "\n \n INDICATION:  ",
            choice(_INDICATIONS),
            "\n \n COMPARISON:  ",
            choice(_COMPARISONS),
            "\n \n FINDINGS: \n \n",
            *_sentences(rng, _SLOTS_OF_X[:4], _OF_X, x),
            choice(_NEUTRAL),
            *_sentences(rng, _SLOTS_OF_W[:4], _OF_W, w),
            choice(_NEUTRAL),
            choice(_NEUTRAL),
            "\n \n IMPRESSION: \n \n",
            *_sentences(rng, _SLOTS_OF_X[4:], _OF_X, x),
            *_sentences(rng, _SLOTS_OF_W[4:], _OF_W, w),
            choice(_CLOSINGS),
            "\n",
        ],
        len(x),
    )


def discharge_texts(rng: np.random.Generator, x: np.ndarray, w: np.ndarray) -> pl.Series:
    """Return a discharge summary for each admission."""
    choice = _chooser(rng, len(x))
    return _join(
        [
            " \nName:  ___                     Unit No:   ___\n \nChief Complaint:\n",
            choice(_INDICATIONS),
            "\n \nBrief Hospital Course:\n",
            *_sentences(rng, _SLOTS_OF_X, _OF_X, x),
            choice(_NEUTRAL),
            choice(_NEUTRAL),
            *_sentences(rng, _SLOTS_OF_W, _OF_W, w),
            choice(_NEUTRAL),
            '\n \nDischarge Instructions:\nTake "all" medicines, as told.\n',
            choice(_CLOSINGS),
            "\n",
        ],
        len(x),
    )


def _chooser(rng: np.random.Generator, count: int) -> Callable[[tuple[str, ...]], pl.Series]:
    return lambda texts: pick(texts, rng.integers(0, len(texts), count))


def _sentences(
    rng: np.random.Generator, slots: tuple[str, ...], words: tuple[str, ...], truth: np.ndarray
) -> list[pl.Series]:
    """Return one series of sentences per slot, each with the word for its level."""
    series = []
    for slot in slots:
        level = np.digitize(truth + _NOISE * rng.standard_normal(len(truth)), _EDGES)
        texts = [slot.format(word) for word in words]
        series.append(pick([text[0].upper() + text[1:] + " " for text in texts], level))
    return series


def _join(parts: list[str | pl.Series], count: int) -> pl.Series:
    columns = [
        (pl.lit(part) if isinstance(part, str) else pl.lit(part)).alias(f"part{i}")
        for i, part in enumerate(parts)
    ]
    return (
        pl.DataFrame({"row": np.arange(count)})
        .with_columns(columns)
        .select(pl.concat_str([f"part{i}" for i in range(len(parts))]))
        .to_series()
    )
