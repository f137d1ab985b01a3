# SPDX-License-Identifier: GPL-3.0-or-later
"""A model hub on this machine. It answers the requests with which huggingface_hub lists and downloads files."""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """Repositories of models and spaces by name, as folders. Files of at least `large` bytes have a SHA-256, as with
    Git LFS.

    requests: the requested paths, with their ranges. cut: names of files of which only half is sent, once. changed:
    names of files whose content does not match the listing's checksum. watch: called before each answer.
    """

    repositories: dict[str, Path]
    address: str = ""
    large: int = 1000
    requests: list[str] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    watch: Callable[[str], None] = lambda request: None

    def files(self, repository: str) -> dict[str, Path]:
        folder = self.repositories[repository]
        return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}

    def describe(self, name: str, path: Path, digest: str) -> dict:
        size = path.stat().st_size
        entry = {"rfilename": name, "path": name, "type": "file", "size": size, "oid": "0" * 40, "blobId": "0" * 40}
        if size >= self.large:
            checksum = "f" * 64 if name in self.changed else hashlib.sha256(path.read_bytes()).hexdigest()
            entry["lfs"] = {digest: checksum, "size": size, "pointerSize": 100}
        return entry


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.requests.append(" ".join(filter(None, (self.command, path, self.headers.get("Range")))))
            hub.watch(hub.requests[-1])
            listing = re.fullmatch(r"/api/(?:models|spaces)/([^/]+/[^/]+)/(revision|tree)/[^/]+", path)
            file = re.fullmatch(r"/(?:spaces/)?([^/]+/[^/]+)/resolve/[^/]+/(.+)", path)
            if listing and listing[1] in hub.repositories:
                self._list(listing[1], listing[2])
            elif file and file[2] in hub.files(file[1]):
                self._send_file(file[2], hub.files(file[1])[file[2]])
            else:
                self._send(404, b"", {"X-Error-Code": "RepoNotFound"})

        def _list(self, repository: str, kind: str) -> None:
            digest = "sha256" if kind == "revision" else "oid"
            files = [hub.describe(name, path, digest) for name, path in hub.files(repository).items()]
            content = {"id": repository, "sha": COMMIT, "siblings": files} if kind == "revision" else files
            self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

        def _send_file(self, name: str, path: Path) -> None:
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            tags = {"ETag": f'"{digest}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
            start = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if start and int(start[1]):
                tags["Content-Range"] = f"bytes {start[1]}-{len(content) - 1}/{len(content)}"
                self._send(206, content[int(start[1]) :], tags)
            elif name in hub.cut and self.command == "GET":
                hub.cut.remove(name)
                self._send(200, content, tags, len(content) // 2)
                self.close_connection = True
            else:
                self._send(200, content, tags)

        def _send(self, status: int, content: bytes, headers: dict[str, str], only: int | None = None) -> None:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content[:only])

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    return Handler


@contextmanager
def running(repositories: dict[str, Path]) -> Iterator[Hub]:
    """Run a hub as long as the context lasts."""
    hub = Hub(repositories)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
