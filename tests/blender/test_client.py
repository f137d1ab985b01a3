# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's client against servers that are absent, old, new, foreign or broken."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any

import pytest

from shared.protocol import PROTOCOL_VERSION

Import = Callable[[str], ModuleType]
Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Stub:
    """A small web server that answers each request with the next of `answers` (the last one for ever)."""

    answers: list[Answer] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    address: str = ""

    def json(self, status: int, value: Any) -> None:
        """Answer with JSON from now on."""
        kind = "application/json" if status < 400 else "application/problem+json"
        self.answers.append((status, {"Content-Type": kind}, json.dumps(value).encode()))

    def next_answer(self) -> Answer:
        """The answer to the request at hand; one without a status drops the connection."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A stub, listening."""
    served = Stub()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            served.requests.append((self.command, self.path, dict(self.headers)))
            status, headers, body = served.next_answer()
            if status == 0:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = _answer

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


def _info(version: int) -> dict[str, Any]:
    limits = {"blob_bytes": 1, "image_pixels": 1, "drawings": 1}
    return {
        "server_version": "9.9",
        "protocol_version": version,
        "presets": [],
        "devices": [],
        "limits": limits,
        "queue_length": 3,
    }


def test_a_server_of_our_version_is_accepted(addon: Import, stub: Stub) -> None:
    stub.json(200, _info(PROTOCOL_VERSION))
    assert addon("shared.remote.client").Client(stub.address).info().queue_length == 3


@pytest.mark.parametrize(("ahead", "side"), [(1, "the extension in Blender"), (-1, "the server")])
def test_another_protocol_version_says_which_side_to_update(addon: Import, stub: Stub, ahead: int, side: str) -> None:
    # A far version may look quite different: only the number must still be there.
    stub.json(200, {"protocol_version": PROTOCOL_VERSION + ahead})
    with pytest.raises(addon("shared.errors").VersionError, match=f"update {side}"):
        addon("shared.remote.client").Client(stub.address).info()


def test_an_absent_server_is_reported_at_once(addon: Import) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(addon("shared.errors").ServerError, match="Nothing listens on port"):
        addon("shared.remote.client").Client(f"http://127.0.0.1:{port}").info()


@pytest.mark.parametrize(
    ("address", "whole"),
    [
        ("studio", "http://studio:7860"),
        ("studio:80/", "http://studio:80"),
        (" 10.0.0.5:7860", "http://10.0.0.5:7860"),
        ("[::1]", "http://[::1]:7860"),
        ("studio/color", "http://studio/color"),
        ("https://studio", "https://studio"),
    ],
)
def test_an_address_may_be_short(addon: Import, address: str, whole: str) -> None:
    assert addon("shared.remote.client").Client(address).server == whole


@pytest.mark.parametrize("address", ["", "studio:port", "ftp://studio", "http://", "http://:80"])
def test_what_is_no_address_is_refused(addon: Import, address: str) -> None:
    with pytest.raises(addon("shared.errors").ServerError, match="is not a server address"):
        addon("shared.remote.client").Client(address)


@pytest.mark.parametrize("body", [b"<html>Hello</html>", b"[]", b'{"name": "something else"}'])
def test_another_program_s_answer_is_recognized(addon: Import, stub: Stub, body: bytes) -> None:
    stub.answers.append((200, {}, body))
    with pytest.raises(addon("shared.errors").ServerError, match="not a LongAnimation Color server"):
        addon("shared.remote.client").Client(stub.address).info()


def test_a_redirect_is_not_followed_with_the_token(addon: Import, stub: Stub) -> None:
    stub.answers.append((301, {"Location": "https://elsewhere.example/"}, b""))
    with pytest.raises(addon("shared.errors").ServerError, match=r"redirects requests to https://elsewhere\.example/"):
        addon("shared.remote.client").Client(stub.address, "secret").info()
    assert len(stub.requests) == 1


def test_the_token_travels_in_the_header_only(addon: Import, stub: Stub) -> None:
    stub.json(200, _info(PROTOCOL_VERSION))
    addon("shared.remote.client").Client(stub.address, "secret").info()
    ((_, path, headers),) = stub.requests
    assert headers["Authorization"] == "Bearer secret"
    assert "secret" not in path


def test_a_problem_is_told_in_the_server_s_words(addon: Import, stub: Stub) -> None:
    stub.json(409, {"status": 409, "code": "blobs_missing", "title": "Two images are absent.", "missing": ["a", "b"]})
    with pytest.raises(addon("shared.errors").RefusedError, match=r"Two images are absent\.") as caught:
        addon("shared.remote.client").Client(stub.address).status("job")
    assert (caught.value.status, caught.value.code, caught.value.missing) == (409, "blobs_missing", ("a", "b"))


def test_a_missing_token_says_where_to_get_one(addon: Import, stub: Stub) -> None:
    stub.json(401, {"status": 401, "code": "unauthorized", "title": "No."})
    with pytest.raises(addon("shared.errors").RefusedError, match="python -m server token"):
        addon("shared.remote.client").Client(stub.address).info()


def test_an_error_without_an_explanation_points_at_the_log(addon: Import, stub: Stub) -> None:
    stub.answers.append((500, {}, b"Traceback"))
    with pytest.raises(addon("shared.errors").ServerError, match="look at the server's log"):
        addon("shared.remote.client").Client(stub.address).status("job")


def test_dropped_connections_and_busy_gateways_are_tried_again(addon: Import, stub: Stub) -> None:
    stub.answers += [(0, {}, b""), (503, {}, b"busy")]
    stub.json(200, [])
    assert addon("shared.remote.client").Client(stub.address).missing(()) == ()
    assert len(stub.requests) == 3


def test_a_frame_that_is_no_png_or_is_cut_short_is_refused(addon: Import, stub: Stub) -> None:
    client = addon("shared.remote.client").Client(stub.address, retries=0)
    stub.answers.append((200, {}, b"not an image"))
    with pytest.raises(addon("shared.errors").ServerError, match="Frame 7 of the server's answer is not a PNG"):
        client.frame("job", 7)
    stub.answers[0] = (200, {"Content-Length": "1000"}, b"\x89PNG\r\n\x1a\n")
    with pytest.raises(addon("shared.errors").ServerError):
        client.frame("job", 7)


def test_a_frame_is_verified_and_not_sent_again_to_whom_has_it(addon: Import, stub: Stub) -> None:
    client = addon("shared.remote.client").Client(stub.address, retries=0)
    content = b"\x89PNG\r\n\x1a\nframe"
    address = hashlib.sha256(content).hexdigest()
    etag = {"ETag": f'"{address}-colored"'}
    stub.answers.append((200, etag, content))
    assert client.frame("job", 7) == addon("shared.remote.client").Frame(address, content)
    stub.answers[0] = (200, etag, content[:-1] + b"E")
    with pytest.raises(addon("shared.errors").UnreachableError, match="Frame 7 arrived damaged"):
        client.frame("job", 7)
    stub.answers[0] = (304, etag, b"")
    assert client.frame("job", 7, known=["0" * 64, address]) == addon("shared.remote.client").Frame(address, b"")
    assert stub.requests[-1][2]["If-None-Match"] == f'"{"0" * 64}-colored", "{address}-colored"'


@pytest.mark.parametrize(
    ("server", "loopback"),
    [
        ("http://127.0.0.1:7860", True),
        ("http://localhost:7860", True),
        ("http://[::1]:7860", True),
        ("http://studio:7860", False),
        ("http://127.0.0.1.example:7860", False),
        ("http://10.0.0.4:7860", False),
    ],
)
def test_only_this_machine_is_reached_without_online_access(addon: Import, server: str, loopback: bool) -> None:
    assert addon("shared.remote.transport").is_loopback(server) is loopback
