"""A bar on the terminal, and nothing where there is none."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from fleximodal.io.log import LOGGER


@contextmanager
def progress_bar(name: str, *, total: int, done: int) -> Iterator["tqdm[Any]"]:
    """Yield a bar of `total` steps, `done` of them past; shown if stderr is a terminal.

    Messages logged meanwhile are printed above the bar.
    """
    shown = sys.stderr.isatty()
    with (
        logging_redirect_tqdm([LOGGER]) if shown else nullcontext(),
        tqdm(
            total=total, initial=done, desc=name, unit="step", leave=False, disable=not shown
        ) as bar,
    ):
        yield bar
