"""One entry for all encoders: which one, on which table, with which settings."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import polars as pl
from pydantic import ValidationError

from fleximodal.encoders.clinicalbert import ClinicalBERTNotes
from fleximodal.encoders.codes import code_items
from fleximodal.encoders.compute import computing
from fleximodal.encoders.densenet import DenseNet121, densenet_of, random_densenet
from fleximodal.encoders.download import check_digest, download_weights
from fleximodal.encoders.ecgs import WEIGHTS, ECGRecords
from fleximodal.encoders.images import FRONTAL, CXRImages, PooledPixels
from fleximodal.encoders.items import TableItems
from fleximodal.encoders.notes import HashingNotes
from fleximodal.encoders.settings import (
    CodesEncoder,
    CXREncoder,
    ECGEncoder,
    EncoderSettings,
    NotesEncoder,
)
from fleximodal.encoders.store import encode_items
from fleximodal.encoders.train_autoencoder import train_autoencoder
from fleximodal.encoders.weights import read_weights
from fleximodal.errors import FleximodalError
from fleximodal.io.manifest import sha256_of

EncodedName = Literal["notes", "cxr", "ecg", "discharge", "codes"]

TABLES: dict[str, str] = {
    "notes": "notes.parquet",
    "discharge": "discharge_notes.parquet",
    "cxr": "images.parquet",
    "ecg": "ecgs.parquet",
    "codes": "diagnoses.parquet",
}
_SETTINGS: dict[str, type[EncoderSettings]] = {
    "notes": NotesEncoder,
    "discharge": NotesEncoder,
    "cxr": CXREncoder,
    "ecg": ECGEncoder,
    "codes": CodesEncoder,
}
_Given = TypeVar("_Given")
_Settings = TypeVar("_Settings", bound=EncoderSettings)


@dataclass(frozen=True)
class _Job:
    """What all encoders are given."""

    encoded: str
    canonical: Path
    output: Path
    state: Path
    threads: int

    @property
    def table(self) -> Path:
        return self.canonical / TABLES[self.encoded]


def encode(
    encoded: EncodedName,
    canonical: Path,
    output: Path,
    *,
    settings: Mapping[str, Any] | EncoderSettings,
    state: Path,
    root: Path | None = None,
    autoencoder: Path | None = None,
    fit_patients: Collection[int] | None = None,
    threads: int = 1,
) -> None:
    """Encode one kind of item of a source and write its folder; see `store.encode_items`.

    Parameters
    ----------
    encoded
        "notes", "discharge", "cxr", "ecg" or "codes".
    canonical
        Folder of canonical tables.
    output
        Folder to write.
    settings
        Those of `NotesEncoder` (notes, discharge), `CXREncoder`, `ECGEncoder`, `CodesEncoder`.
    state
        Folder for finished batches of an unfinished run.
    root
        cxr, ecg: folder that the paths of the table are relative to.
    autoencoder
        ecg: folder that `train` wrote.
    fit_patients
        codes: patients on whom the vocabulary is fitted.
    threads
        Processor threads.

    Raises
    ------
    FleximodalError
        For an unknown setting, an input that is not given or cannot be read, or an item that
        cannot be encoded; see the encoders.
    """
    if encoded not in TABLES:
        raise FleximodalError(
            f"Nothing called {encoded!r} can be encoded; choose from {', '.join(TABLES)}."
        )
    job = _Job(encoded, canonical, output, state, threads)
    if encoded == "codes":
        _encode_codes(
            job, _checked(CodesEncoder, settings), _given(fit_patients, "fit_patients", encoded)
        )
    elif encoded == "cxr":
        _encode_cxr(job, _checked(CXREncoder, settings), _given(root, "root", encoded))
    elif encoded == "ecg":
        _encode_ecg(
            job,
            _checked(ECGEncoder, settings),
            _given(root, "root", encoded),
            _given(autoencoder, "autoencoder", encoded),
        )
    else:
        _encode_notes(job, _checked(NotesEncoder, settings))


def train(
    canonical: Path,
    output: Path,
    *,
    settings: Mapping[str, Any] | ECGEncoder,
    state: Path,
    root: Path,
    fit_patients: Collection[int] | None = None,
    threads: int = 1,
) -> None:
    """Train the ECG autoencoder on `ecg_records.parquet`; see `train_autoencoder`.

    `fit_patients` is required unless the setting `patients` is "all".
    """
    checked = _checked(ECGEncoder, settings)
    patients = None
    if checked.patients == "fit":
        patients = _given(fit_patients, "fit_patients", "ecg")
    train_autoencoder(
        canonical / "ecg_records.parquet", root, patients, checked, output, state, threads=threads
    )


def _encode_notes(job: _Job, settings: NotesEncoder) -> None:
    with computing(job.threads, settings.device) as device:
        encode_items(
            TableItems(job.table, ["text"]),
            HashingNotes(settings)
            if settings.kind == "hashing"
            else ClinicalBERTNotes(settings, device),
            job.output,
            state=job.state,
            encoded=job.encoded,
            inputs=[job.table],
        )


def _encode_cxr(job: _Job, settings: CXREncoder, root: Path) -> None:
    frontal = pl.col("view").is_in(FRONTAL).fill_null(False)
    with computing(job.threads, settings.device) as device:
        pooled = settings.kind == "pooling"
        model, weights = (PooledPixels(), "none") if pooled else _densenet(settings)
        encode_items(
            TableItems(job.table, ["path", "view"], frontal if settings.views != "all" else None),
            CXRImages(
                model,
                root,
                encoder="pooling" if pooled else "densenet121",
                weights=weights,
                batch_size=settings.batch_size,
                device=device,
                threads=job.threads,
            ),
            job.output,
            state=job.state,
            encoded=job.encoded,
            inputs=[job.table],
            settings={"views": settings.views},
        )


def _encode_ecg(job: _Job, settings: ECGEncoder, root: Path, autoencoder: Path) -> None:
    with computing(job.threads, settings.device) as device:
        encode_items(
            TableItems(job.table, ["path"]),
            ECGRecords(autoencoder, root, batch_size=settings.encode_batch_size, device=device),
            job.output,
            state=job.state,
            encoded=job.encoded,
            inputs=[job.table, autoencoder / WEIGHTS],
        )


def _encode_codes(job: _Job, settings: CodesEncoder, fit_patients: Collection[int]) -> None:
    """Encode the admissions of the unit "admission" where there are such, otherwise all."""
    unit = job.canonical / "admission_labs.parquet"
    admissions = None
    if unit.is_file():
        admissions = pl.read_parquet(unit, columns=["stay_id"])["stay_id"].to_list()
    items = code_items(job.table, admissions, fit_patients, settings.floor)
    encode_items(
        items.source,
        items.encoder,
        job.output,
        state=job.state,
        encoded=job.encoded,
        inputs=[job.table, *([unit] if unit.is_file() else [])],
        settings={
            "admissions": "all" if admissions is None else f"those of {unit.name}",
            "codes": dict(items.counts),
            "fitted_patients": items.fitted.height,
        },
        extra=lambda folder: items.fitted.write_parquet(folder / "fitted_patients.parquet"),
    )


def _densenet(settings: CXREncoder) -> tuple[DenseNet121, str]:
    """Return the network and a sentence on its weights."""
    if settings.weights == "random" or settings.file is None:
        return random_densenet(settings.seed), f"random, seed {settings.seed}, not trained"
    path = Path(settings.file)
    if settings.weights == "download":
        download_weights(settings.address, path, sha256=settings.sha256)
    if not path.is_file():
        raise FleximodalError(f"{path} does not exist; put the weights there or download them.")
    check_digest(path, settings.sha256, where=str(path))
    return densenet_of(read_weights(path), str(path)), f"{path.name}, sha256 {sha256_of(path)}"


def _checked(kind: type[_Settings], settings: Mapping[str, Any] | EncoderSettings) -> _Settings:
    """Return settings of the right kind, or say in one sentence which key is wrong."""
    if isinstance(settings, kind):
        return settings
    values = settings.model_dump() if isinstance(settings, EncoderSettings) else dict(settings)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"])) or "(all)"
        raise FleximodalError(
            f"{kind.__name__}: key '{key}': {problem['msg']}; correct it."
        ) from None


def _given(value: _Given | None, name: str, encoded: str) -> _Given:
    if value is None:
        raise FleximodalError(f"`{name}` is needed to encode {encoded!r}; give it.")
    return value
