"""An HTTP server on loopback with byte ranges and faults to order."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Behaviour:
    """What the server does, and what it was asked."""

    folder: Path
    ranges: bool = True
    cut_after: dict[str, int] = field(default_factory=dict)  # bytes of the first answer, by name
    failures: Counter[str] = field(default_factory=Counter)  # answers 503 still to give, by name
    requests: list[tuple[str, str | None]] = field(default_factory=list)  # name, Range header

    def asked_for(self, name: str) -> list[str | None]:
        return [header for asked, header in self.requests if asked == name]


@contextmanager
def serve(behaviour: Behaviour) -> Iterator[str]:
    """Serve `behaviour.folder` below `/mirror/1.0.0/`; yield that address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/mirror/1.0.0/")
            header = self.headers["Range"]
            behaviour.requests.append((name, header))
            path = behaviour.folder / name
            if behaviour.failures[name] > 0:
                behaviour.failures[name] -= 1
                self._empty(503)
            elif not path.is_file():
                self._empty(404)
            else:
                self._send(name, path.read_bytes(), header)

        def _send(self, name: str, data: bytes, header: str | None) -> None:
            start = 0
            if header and behaviour.ranges:
                start = int(header.removeprefix("bytes=").removesuffix("-"))
                if start >= len(data):
                    self._empty(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            end = behaviour.cut_after.pop(name, len(data))
            self.wfile.write(data[start:end])
            self.close_connection = True

        def _empty(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/mirror/1.0.0/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
