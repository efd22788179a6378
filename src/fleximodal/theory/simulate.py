"""One configuration under one gate: all sizes, both settings, to files that others read."""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from fleximodal.io.atomic import atomic_folder, write_json
from fleximodal.io.manifest import write_manifest
from fleximodal.theory.fit import SizeFits, fit_size
from fleximodal.theory.settings import Theory
from fleximodal.theory.summary import summarise
from fleximodal.theory.truth import draw_samples, make_truth

LOGGER = logging.getLogger("fleximodal.theory")
SETTINGS = {"exact": 0, "over": 1}  # components more than the truth has


def simulate(
    settings: Mapping[str, Any],
    output: Path | str,
    *,
    configuration: str,
    gate: str,
    threads: int = 1,
) -> None:
    """Write fits.parquet, cells.parquet, slopes.json and manifest.json into the folder `output`.

    fits.parquet has one row per size, replicate and setting ("exact": as many components as the
    truth has; "over": one more); cells.parquet one per true component of each fit; slopes.json is
    what tables and figures read. Equal settings give equal bytes, whatever the number of threads.

    Parameters
    ----------
    settings
        The section `theory` of the configuration.
    output
        Folder that is replaced as a whole.
    configuration, gate
        "identifiable" or "published"; "laplace", "softmax" or "gaussian".
    threads
        Processor threads.
    """
    theory = Theory.model_validate(dict(settings))
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # blocks are spread over threads, operations are not
    try:
        fits, cells = _fit_all(theory, configuration, gate, threads)
    finally:
        torch.set_num_threads(before)
    summary = summarise(fits, cells, theory, configuration=configuration, gate=gate)
    with atomic_folder(output) as folder:
        fits.write_parquet(folder / "fits.parquet")
        cells.write_parquet(folder / "cells.parquet")
        write_json(folder / "slopes.json", summary)
        write_manifest(
            folder,
            "fit_theory",
            rows={"fits.parquet": len(fits), "cells.parquet": len(cells)},
            settings={
                **theory.model_dump(mode="json", exclude={"configurations", "gates"}),
                "configuration": configuration,
                "gate": gate,
            },
        )


def _fit_all(
    theory: Theory, configuration: str, gate: str, threads: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    truth = make_truth(configuration, gate, seed=theory.seed, dimension=theory.dimension)
    fits, cells = [], []
    for size in theory.grid():
        samples = draw_samples(
            truth,
            gate,
            size=size,
            replicates=theory.replicates,
            seed=theory.seed,
            top_k=theory.top_k,
        )
        for setting, more in SETTINGS.items():
            began = time.perf_counter()
            components = truth.mixture.components + more
            found = fit_size(truth, gate, samples, components, theory, threads)
            head = {"n": size, "setting": setting, "components": components}
            fits.append(_fit_rows(found, head))
            cells.append(_cell_rows(found, head))
            LOGGER.info(
                "%s %s %s n = %d: %d fits, %d not converged, median loss %.4f, %.1f s",
                *(configuration, gate, setting, size, theory.replicates),
                (~found.numbers["converged"].astype(bool)).sum(),
                np.median(found.comparison.loss),
                time.perf_counter() - began,
            )
    return pl.concat(fits), pl.concat(cells)


def _fit_rows(found: SizeFits, head: Mapping[str, Any]) -> pl.DataFrame:
    replicates = len(found.comparison.loss)
    columns = {
        "replicate": np.arange(replicates),
        "loss": found.comparison.loss,
        "loss_at_em": found.loss_at_em,
        "lightest": found.comparison.lightest,
        **found.numbers,
    }
    parameters = {
        name: pl.Series(part.flatten(1).tolist(), dtype=pl.List(pl.Float64))
        for name, part in vars(found.mixture).items()
    }
    frame = pl.DataFrame({**columns, **parameters})
    return frame.select([pl.lit(value).alias(name) for name, value in head.items()] + [pl.all()])


def _cell_rows(found: SizeFits, head: Mapping[str, Any]) -> pl.DataFrame:
    weighted = {f"{name} weighted": value for name, value in found.comparison.weighted.items()}
    errors = found.comparison.errors | weighted
    replicates, true = errors["W"].shape
    counted = (found.comparison.cell[:, :, None] == np.arange(true)).sum(1)
    columns = {
        "replicate": np.repeat(np.arange(replicates), true),
        "cell": np.tile(np.arange(true), replicates),
        "fitted": counted.ravel(),
        **{name: value.ravel() for name, value in errors.items()},
    }
    frame = pl.DataFrame(columns).with_columns(pl.col(list(errors)).fill_nan(None))
    return frame.select([pl.lit(value).alias(name) for name, value in head.items()] + [pl.all()])
