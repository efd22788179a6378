"""Logging of a script: to its log file and to the terminal; errors as one sentence."""

import logging
import sys
from pathlib import Path
from types import TracebackType

from fleximodal.errors import FleximodalError
from fleximodal.io.disk_full import says_full

LOGGER = logging.getLogger("fleximodal")


def log_to(path: Path | str) -> logging.Logger:
    """Send the package's messages to `path` and to the terminal; return the logger.

    An error meant for the user ends the script as one sentence; any other error leaves its
    traceback in the log as well.
    """
    LOGGER.setLevel(logging.INFO)
    sys.excepthook = _report
    # First the terminal, which also hears of a log that cannot be opened.
    _add(logging.StreamHandler(sys.stderr))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    _add(_LogFile(path, mode="w", encoding="utf-8"))
    return LOGGER


class _LogFile(logging.FileHandler):
    """A log on a full disk loses what does not fit; the terminal has it."""

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if error is None or not says_full(error):
            super().handleError(record)


def _add(handler: logging.Handler) -> None:
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    LOGGER.addHandler(handler)


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, FleximodalError):
        LOGGER.error("ERROR: %s", error)
    else:
        LOGGER.error("ERROR: unexpected", exc_info=(kind, error, trace))
