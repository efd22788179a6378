"""Logging of a script: to its log file and to the terminal; errors as one sentence."""

import logging
import sys
from pathlib import Path
from types import TracebackType

from fleximodal.errors import FleximodalError

LOGGER = logging.getLogger("fleximodal")


def log_to(path: Path | str) -> logging.Logger:
    """Send the package's messages to `path` and to the terminal; return the logger.

    An error meant for the user ends the script as one sentence; any other error leaves its
    traceback in the log as well.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    LOGGER.setLevel(logging.INFO)
    file = logging.FileHandler(path, mode="w", encoding="utf-8")
    terminal = logging.StreamHandler(sys.stderr)
    for handler in (file, terminal):
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
        LOGGER.addHandler(handler)

    def report(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if isinstance(error, FleximodalError):
            LOGGER.error("ERROR: %s", error)
        else:
            LOGGER.error("ERROR: unexpected", exc_info=(kind, error, trace))

    sys.excepthook = report
    return LOGGER
