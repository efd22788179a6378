"""Weights of the radiographs' encoder from a file and from a server on this machine."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from fleximodal.encoders.densenet import random_densenet
from fleximodal.encoders.download import download_weights
from fleximodal.encoders.run import encode
from fleximodal.encoders.settings import CHEXPERT_WEIGHTS, CXREncoder
from fleximodal.errors import FleximodalError
from fleximodal.io.manifest import sha256_of
from tests.unit.encoders.small_items import write_items, write_jpeg


@contextmanager
def serve(content: bytes, failures: int = 0, cut: int = 0) -> Iterator[tuple[str, list[str]]]:
    """Serve `content` at /weights.pt after `failures` answers 503 and `cut` broken transfers."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            found = self.path == "/weights.pt"
            status = 404 if not found else 503 if len(asked) <= failures else 200
            self.send_response(status)
            self.send_header("Content-Length", str(len(content) if status == 200 else 0))
            self.end_headers()
            if status == 200:
                broken = len(asked) - failures <= cut
                self.wfile.write(content[: len(content) // 2] if broken else content)

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_download_survives_refusals_and_cut_transfers(tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    target = tmp_path / "deep" / "weights.pt"
    with serve(content, failures=1, cut=1) as (address, asked):
        download_weights(f"{address}/weights.pt", target, backoff=0.0)
        assert target.read_bytes() == content
        assert len(asked) == 3
        download_weights(f"{address}/weights.pt", target)
        assert len(asked) == 3
    assert list(target.parent.iterdir()) == [target]


def test_what_cannot_be_fetched_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "weights.pt"
    with serve(b"content", failures=99) as (address, asked):
        with pytest.raises(FleximodalError, match=r"in 2 attempts \(the server answered 503\)"):
            download_weights(f"{address}/weights.pt", target, attempts=2, backoff=0.0)
        with pytest.raises(FleximodalError, match=r"answered 404 to http.*/other; correct"):
            download_weights(f"{address}/other", target)
    with pytest.raises(FleximodalError, match=r"in 1 attempts \(ConnectionError\)"):
        download_weights(f"{address}/weights.pt", target, attempts=1)
    with serve(b"content") as (address, _), pytest.raises(FleximodalError, match="has SHA-256"):
        download_weights(f"{address}/weights.pt", target, sha256="0" * 64)
    assert not list(tmp_path.iterdir())


def test_published_weights_are_fetched_named_by_digest_and_used(tmp_path: Path) -> None:
    model = random_densenet(5)
    published = tmp_path / "published.pt"
    torch.save({**model.state_dict(), "classifier.weight": torch.ones(18, 1024)}, published)
    write_jpeg(tmp_path / "cxr" / "a.jpg", 0)
    write_items(tmp_path / "canonical" / "images.parquet", path=["a.jpg"], view=["AP"])

    def run(output: Path, **settings: object) -> np.ndarray:
        encode(
            "cxr",
            tmp_path / "canonical",
            output,
            settings={"kind": "densenet", "device": "cpu", **settings},
            root=tmp_path / "cxr",
            state=tmp_path / "state",
        )
        vectors: np.ndarray = load_file(output / "vectors.safetensors")["vectors"]
        return vectors

    digest = sha256_of(published)
    kept = tmp_path / "kept.pt"
    with serve(published.read_bytes()) as (address, _):
        fetched = run(
            tmp_path / "fetched",
            weights="download",
            address=f"{address}/weights.pt",
            file=str(kept),
            sha256=digest,
        )
    assert sha256_of(kept) == digest
    manifest = json.loads((tmp_path / "fetched" / "manifest.json").read_text())
    assert manifest["settings"]["weights"] == f"kept.pt, sha256 {digest}"
    np.testing.assert_array_equal(
        fetched, run(tmp_path / "file", weights="file", file=str(published))
    )
    assert not np.allclose(fetched, run(tmp_path / "random", weights="random"))
    with pytest.raises(FleximodalError, match="expected 1111"):
        run(tmp_path / "x", weights="file", file=str(kept), sha256="1" * 64)
    with pytest.raises(FleximodalError, match="does not exist"):
        run(tmp_path / "x", weights="file", file=str(tmp_path / "absent.pt"))


def test_settings() -> None:
    assert CXREncoder().address == CHEXPERT_WEIGHTS
    assert CHEXPERT_WEIGHTS.endswith(
        "/chex-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best.pt"
    )
    with pytest.raises(ValueError, match="`file` must be given"):
        CXREncoder(weights="download")
