"""Validation of a crate against its profile without a network: contexts from installed files."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import requests
from rocrate_validator import services
from rocrate_validator.utils.http import HttpRequester

# What version 1.1 of the context says otherwise than the later one that comes with `rocrate`.
_OF_1_1 = {
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "FormalParameter": "https://bioschemas.org/FormalParameter",
    "input": "https://bioschemas.org/ComputationalWorkflow#input",
    "output": "https://bioschemas.org/ComputationalWorkflow#output",
}
_WORKFLOW_RUN = "https://w3id.org/ro/terms/workflow-run"


def _get(self: HttpRequester, url: str, **settings: Any) -> requests.Response:
    if url == f"{_WORKFLOW_RUN}/context":
        terms = {"sha256": f"{_WORKFLOW_RUN}#sha256"}
    else:
        assert url == "https://w3id.org/ro/crate/1.1/context", f"a test would fetch {url}"
        text = files("rocrate").joinpath("data/ro-crate.jsonld").read_text(encoding="utf-8")
        terms = json.loads(text)["@context"] | _OF_1_1
    response = requests.Response()
    response.status_code = 200
    response.headers["Content-Type"] = "application/ld+json"
    response._content = json.dumps({"@context": terms}).encode()
    return response


def issues(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, severity: str = "REQUIRED"
) -> list[str]:
    """Return what a crate lacks of the profile Provenance Run Crate, down to `severity`."""
    monkeypatch.setattr(HttpRequester, "get", _get, raising=False)
    result = services.validate(
        services.ValidationSettings(
            rocrate_uri=str(folder),
            profile_identifier="provenance-run-crate",
            requirement_severity=severity,
            offline=True,
            cache_path=cache / "http",
        )
    )
    return [f"{issue.check.identifier}: {issue.message}" for issue in result.get_issues()]
