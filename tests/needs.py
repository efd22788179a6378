"""Needs of a test that not every machine meets: root, Slurm, a browser."""

import os

import pytest


def need(condition: bool, reason: str) -> None:
    """Skip the test where `condition` is false; fail it instead under CI.

    A machine that is meant to run everything sets the environment variable ``CI`` to ``true``:
    there, a missing program must not quietly remove a test.

    Parameters
    ----------
    condition
        Whether the machine has what the test needs.
    reason
        What is missing, as one sentence; shown by pytest.
    """
    if condition:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} (CI=true: this machine has to run every test)", pytrace=False)
    pytest.skip(reason)
