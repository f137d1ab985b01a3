# SPDX-License-Identifier: GPL-3.0-or-later
"""Test Connection says why a server cannot be used, and what helps. A server on this computer can be started."""

from __future__ import annotations

import http.server
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import trustme

from server.config import Config
from server.demo.blender_process import ROOT
from server.demo.server_process import free_port, running_server
from server.storage.database import open_database
from server.storage.tokens import Tokens
from shared.protocol import PROTOCOL_VERSION

from .conftest import Scenario
from .servers import coloring_server

pytestmark = pytest.mark.slow

Import = Callable[[str], ModuleType]


def _look(addon: Import, address: str, token: str = "") -> Any:
    return addon("remote.connection").diagnose(address, token)


@contextmanager
def _answering(body: bytes, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A web server that answers everything with `body`; its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _certified(name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(name).configure_cert(context)
    return context


def test_a_name_that_nobody_knows(addon: Import) -> None:
    found = _look(addon, "http://studio.invalid:7860")
    assert "No computer named studio.invalid is known" in found.sentences[0]
    assert found.remedy == "address"


def test_a_server_of_this_computer_that_is_not_running(addon: Import) -> None:
    port = free_port()
    found = _look(addon, f"http://127.0.0.1:{port}")
    assert found.sentences[0].startswith(f"Nothing listens on port {port} of this computer")
    assert found.remedy == "start_server"


def test_what_listens_and_never_answers(addon: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addon("remote.transport"), "_TIMEOUT", (1, 1))
    monkeypatch.setattr(addon("remote.connection"), "_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = _look(addon, f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert "No server answers" in found.sentences[0]


def test_another_program(addon: Import) -> None:
    with _answering(b"<html>Hello</html>") as port:
        found = _look(addon, f"http://127.0.0.1:{port}")
    assert "not a LongAnimation Color server" in found.sentences[0]
    assert found.remedy == "address"


@pytest.mark.parametrize(("ahead", "remedy"), [(1, "update_addon"), (-1, "update_server")])
def test_another_version(addon: Import, ahead: int, remedy: str) -> None:
    theirs = PROTOCOL_VERSION + ahead
    with _answering(json.dumps({"protocol_version": theirs}).encode()) as port:
        found = _look(addon, f"http://127.0.0.1:{port}")
    assert f"version {theirs}, this extension version {PROTOCOL_VERSION}" in found.sentences[0]
    assert found.remedy == remedy


def test_https_where_http_is_spoken_and_the_reverse(addon: Import) -> None:
    with _answering(b"{}") as port:
        found = _look(addon, f"https://127.0.0.1:{port}")
    assert "does not use https there: write http://" in found.sentences[0]
    with _answering(b"{}", _certified("localhost")) as port:
        found = _look(addon, f"http://localhost:{port}")
    assert "uses https there: write https://" in found.sentences[0]


def test_a_certificate_that_nobody_vouches_for(addon: Import) -> None:
    with _answering(b"{}", _certified("localhost")) as port:
        found = _look(addon, f"https://localhost:{port}")
    assert "certificate of localhost is not trusted" in found.sentences[0]
    assert found.remedy == "certificate"


def test_a_token_that_is_missing_wrong_or_right(addon: Import, tmp_path: Path) -> None:
    token = Tokens(open_database(Config(tmp_path / "data"))).create("studio", "submit")
    arguments = (tmp_path / "data", tmp_path / "server.log", "--workers", "0", "--proxied")
    with running_server(*arguments) as server:
        missing = _look(addon, server.address)
        wrong = _look(addon, server.address, token + "x")
        right = _look(addon, server.address, token)
    assert "requires a token" in missing.sentences[0]
    assert "does not know this token" in wrong.sentences[0]
    assert missing.remedy == wrong.remedy == "token"
    assert right.is_good
    assert "has no worker" in right.sentences[0]


def test_a_server_that_can_be_used_tells_its_presets_and_their_licenses(addon: Import, tmp_path: Path) -> None:
    with coloring_server(tmp_path) as server:
        found = _look(addon, server.address)
    assert found.is_good and found.remedy == ""
    assert any(f"Server {server.version} answers" in sentence for sentence in found.sentences)
    (preset,) = found.info.presets
    assert f"Presets: {preset.name} ({preset.license})." in found.sentences


@pytest.fixture
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where servers that are told nothing else keep their files."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("data_home")
def test_a_server_is_started_from_its_folder_and_stopped(addon: Import, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    server = addon("remote.launcher").LocalServer(ROOT, address, tmp_path / "server.log")
    server.start()
    try:
        server.wait()
        assert _look(addon, address).is_good
    finally:
        server.stop()
        server._process.wait(60)
    assert not server.is_running


@pytest.mark.usefixtures("data_home")
def test_a_server_that_ends_at_once_tells_its_last_words(addon: Import, tmp_path: Path) -> None:
    with _answering(b"another program") as taken:
        address = f"http://127.0.0.1:{taken}"
        server = addon("remote.launcher").LocalServer(ROOT, address, tmp_path / "server.log")
        server.start()
        with pytest.raises(addon("errors").ServerError, match=r"did not start\. Its last output"):
            server.wait()


def test_a_folder_without_a_server_is_refused(addon: Import, tmp_path: Path) -> None:
    start = addon("remote.launcher").LocalServer
    with pytest.raises(addon("errors").ServerError, match=r"choose the folder that contains install\.py"):
        start(tmp_path, "http://127.0.0.1:7860", tmp_path / "log").start()
    (tmp_path / "install.py").touch()
    with pytest.raises(addon("errors").ServerError, match="not installed yet"):
        start(tmp_path, "http://127.0.0.1:7860", tmp_path / "log").start()


def test_shots_and_takes_find_their_server_and_its_token(scenario: Scenario, tmp_path: Path) -> None:
    answer = scenario("preferences.servers")
    assert answer["first"] == ["This Computer", "http://127.0.0.1:7860"]
    assert answer["active"] == "http://127.0.0.1:9"
    assert answer["chosen"] == "http://127.0.0.1:8"
    assert answer["unknown name"] == "http://127.0.0.1:9"
    assert answer["tokens"] == ["", "eight", "nine"]
    assert answer["environment"] == ["", "eight", "from outside"]
    assert answer["removed"] == ["This Computer", "Eight"]
    assert answer["refused"], "the last server was removed"
    assert "Enable online access in System preferences" in answer["offline"]
