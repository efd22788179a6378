"""Fetch a file of weights, checked and written as a whole."""

import time
from pathlib import Path

import requests

from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import atomic_path
from fleximodal.io.manifest import sha256_of

_TIMEOUT = 60.0
_BLOCK = 2**16


def download_weights(
    address: str,
    target: Path,
    *,
    sha256: str | None = None,
    attempts: int = 4,
    backoff: float = 1.0,
) -> None:
    """Fetch `address` to `target`; a file that is there already is not fetched again.

    Parameters
    ----------
    address
        HTTP(S) address of the file.
    target
        Where it is kept.
    sha256
        Digest that the fetched file must have; None takes any.
    attempts, backoff
        Tries, and the seconds before the second one (doubled before each further one).

    Raises
    ------
    FleximodalError
        If the server refuses the file, cannot be reached, or sends something else.
    """
    if target.is_file():
        return
    problem = ""
    for attempt in range(attempts):
        if attempt:
            time.sleep(backoff * 2 ** (attempt - 1))
        try:
            with atomic_path(target) as part:
                _fetch(address, part)
                check_digest(part, sha256, where=address)
            return
        except _TryAgainError as error:
            problem = str(error)
        except requests.RequestException as error:
            problem = type(error).__name__
    raise FleximodalError(
        f"{address} could not be fetched in {attempts} attempts ({problem}); check the network, or "
        f"put the file at {target} by hand."
    )


def check_digest(path: Path, sha256: str | None, *, where: str) -> None:
    """Refuse a file that does not have the digest, if one is asked for."""
    if sha256 is not None and (found := sha256_of(path)) != sha256:
        raise FleximodalError(
            f"{where} has SHA-256 {found}, expected {sha256}; fetch the right file or correct the "
            "expected digest."
        )


class _TryAgainError(Exception):
    """The server could not answer now."""


def _fetch(address: str, part: Path) -> None:
    headers = {"Accept-Encoding": "identity"}
    with requests.get(address, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        if answer.status_code >= 500 or answer.status_code == requests.codes.too_many_requests:
            raise _TryAgainError(f"the server answered {answer.status_code}")
        if answer.status_code != requests.codes.ok:
            raise FleximodalError(
                f"The server answered {answer.status_code} to {address}; correct the address of "
                "the weights."
            )
        with part.open("wb") as file:
            for block in answer.iter_content(_BLOCK):
                file.write(block)
