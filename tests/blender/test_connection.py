# SPDX-License-Identifier: GPL-3.0-or-later
"""Test Connection says why a server cannot be used, and what helps. A server on this computer can be started."""

from __future__ import annotations

import http.server
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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
def _answering(body: bytes, context: ssl.SSLContext | None = None, status: int = 200) -> Iterator[int]:
    """A web server that answers everything with `body`; its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
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
    assert "No computer named studio.invalid is known" in found.sentence
    assert found.remedy == "address"


def test_a_server_of_this_computer_that_is_not_running(addon: Import) -> None:
    port = free_port()
    found = _look(addon, f"http://127.0.0.1:{port}")
    assert found.sentence.startswith(f"Nothing listens on port {port} of this computer")
    assert found.remedy == "start_server"


def test_what_listens_and_never_answers(addon: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addon("shared.remote.transport"), "_TIMEOUT", (1, 1))
    monkeypatch.setattr(addon("shared.remote.reachability"), "_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = _look(addon, f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert "does not answer as a LongAnimation Color server: check the port" in found.sentence
    assert found.remedy == "address"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_program_that_speaks_neither_http_nor_https(addon: Import, scheme: str) -> None:
    def greet(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                with caller:
                    caller.sendall(b"220 mail.studio.example\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=greet, args=(listener,), daemon=True).start()
        found = _look(addon, f"{scheme}://127.0.0.1:{listener.getsockname()[1]}")
        listener.shutdown(socket.SHUT_RDWR)
    assert found.remedy == "address"
    wanted = {"http": "does not answer as a LongAnimation Color server", "https": "write http://"}
    assert wanted[scheme] in found.sentence


@pytest.mark.parametrize("status", [200, 404, 405])
def test_another_program(addon: Import, status: int) -> None:
    with _answering(b"<html>Hello</html>", status=status) as port:
        found = _look(addon, f"http://127.0.0.1:{port}")
    assert "not a LongAnimation Color server" in found.sentence
    assert found.remedy == "address"


@pytest.mark.parametrize(("ahead", "remedy"), [(1, "update_addon"), (-1, "update_server")])
def test_another_version(addon: Import, ahead: int, remedy: str) -> None:
    theirs = PROTOCOL_VERSION + ahead
    with _answering(json.dumps({"protocol_version": theirs}).encode()) as port:
        found = _look(addon, f"http://127.0.0.1:{port}")
    assert f"version {theirs}, this side version {PROTOCOL_VERSION}" in found.sentence
    assert found.remedy == remedy


def test_https_where_http_is_spoken_and_the_reverse(addon: Import) -> None:
    with _answering(b"{}") as port:
        found = _look(addon, f"https://127.0.0.1:{port}")
    assert "does not use https there: write http://" in found.sentence
    with _answering(b"{}", _certified("localhost")) as port:
        found = _look(addon, f"http://localhost:{port}")
    assert "uses https there: write https://" in found.sentence


def test_a_certificate_that_nobody_vouches_for(addon: Import) -> None:
    with _answering(b"{}", _certified("localhost")) as port:
        found = _look(addon, f"https://localhost:{port}")
    assert "certificate of localhost is not trusted" in found.sentence
    assert found.remedy == "certificate"


def test_a_token_that_is_missing_wrong_or_right(addon: Import, tmp_path: Path) -> None:
    token = Tokens(open_database(Config(tmp_path / "data"))).create("studio", "submit")
    arguments = (tmp_path / "data", tmp_path / "server.log", "--workers", "0", "--proxied")
    with running_server(*arguments) as server:
        missing = _look(addon, server.address)
        wrong = _look(addon, server.address, token + "x")
        right = _look(addon, server.address, token)
    assert "requires a token" in missing.sentence
    assert "does not know this token" in wrong.sentence
    assert missing.remedy == wrong.remedy == "token"
    assert "has no worker" in right.sentence
    assert (right.remedy, right.is_good) == ("worker", False), "shots would wait"


@pytest.mark.parametrize(
    ("address", "token", "remedy"),
    [
        ("ftp://studio", "", "address"),
        ("http://stu dio:7860", "", "address"),
        ("http://studio..example:7860", "", "address"),
        ("http://studio:78600", "", "address"),
        ("http://127.0.0.1:9", "tökén", "token"),
        ("http://127.0.0.1:9", "  ", "start_server"),
    ],
)
def test_what_is_typed_wrong_gets_a_remedy(addon: Import, address: str, token: str, remedy: str) -> None:
    found = _look(addon, address, token)
    assert (found.remedy, found.is_good) == (remedy, False), found.sentence


def test_a_path_that_is_not_the_servers(addon: Import, tmp_path: Path) -> None:
    with running_server(tmp_path / "data", tmp_path / "server.log", "--workers", "0") as server:
        found = _look(addon, f"{server.address}/extensions/index.json")
    assert "is not a LongAnimation Color server: check the address" in found.sentence
    assert found.remedy == "address"


def test_the_first_call_says_why_a_server_cannot_be_reached(addon: Import) -> None:
    client = addon("shared.remote.client").Client(f"http://localhost:{free_port()}")
    with pytest.raises(addon("shared.errors").UnreachableError, match="Nothing listens on port") as raised:
        client.info()
    assert raised.value.remedy == "start_server"
    with _answering(b"{}") as port, pytest.raises(addon("shared.errors").UnreachableError, match="write http://"):
        addon("shared.remote.client").Client(f"https://localhost:{port}").info()


@pytest.mark.parametrize(
    ("repository", "server"),
    [
        ("http://127.0.0.1:7921", "http://127.0.0.1:7921"),
        ("http://studio:7860/", "http://studio:7860"),
        ("http://studio:7860/extensions/index.json", "http://studio:7860"),
        ("https://tools.studio.example/color/", "https://tools.studio.example/color"),
        (
            "https://tools.studio.example/color/extensions/index.json?platform=linux-x64",
            "https://tools.studio.example/color",
        ),
        ("https://extensions.blender.org/api/v1/extensions/", ""),
        ("https://studio.example/blender/index.json", ""),
        ("file:///srv/extensions/index.json", ""),
        ("http://[::1", ""),
        ("", ""),
    ],
)
def test_a_repository_is_on_its_server(addon: Import, repository: str, server: str) -> None:
    assert addon("remote.repository").server_of_repository(repository) == server


def test_a_notice_replaces_what_was_said_before_about_the_same(addon: Import) -> None:
    notices, errors = addon("notices"), addon("shared.errors")
    notices.notices.clear()
    notices.show_error(errors.UnreachableError("Nothing listens.", "start_server"))
    notices.show_error(errors.ShotError("No keyframe."))
    notices.show_error(errors.UnreachableError("Nothing listens.", "address"))
    assert [(one.sentence, one.remedy) for one in notices.notices] == [
        ("No keyframe.", ""),
        ("Nothing listens.", "address"),
    ]
    notices.show("Server 1 answers.", good=True, subject=notices.CONNECTION)
    assert [one.sentence for one in notices.notices] == ["No keyframe.", "Server 1 answers."]
    notices.settle(notices.CONNECTION)
    assert notices.shows("Server 1 answers."), "a good one stays"
    notices.show_error(errors.UnreachableError("Nothing listens."))
    notices.settle(notices.CONNECTION)
    notices.settle(notices.EXPORT)
    assert notices.notices == []


def test_a_server_that_can_be_used_answers_with_its_presets_and_their_licenses(addon: Import, tmp_path: Path) -> None:
    with coloring_server(tmp_path) as server:
        found = _look(addon, server.address)
        deadline = time.monotonic() + 60
        while not found.is_good and time.monotonic() < deadline:
            found = _look(addon, server.address)
    assert found.is_good and found.remedy == ""
    (preset,) = found.info.presets
    assert f"Server {server.version} answers" in found.sentence
    assert preset.name == "tiny" and preset.license


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
        with pytest.raises(addon("shared.errors").ServerError, match=r"did not start\. Its last output"):
            server.wait()


def test_a_folder_without_a_server_is_refused(addon: Import, tmp_path: Path) -> None:
    start = addon("remote.launcher").LocalServer
    with pytest.raises(
        addon("shared.errors").ServerError, match=r"set Local Server to the folder that contains install\.py"
    ):
        start(tmp_path, "http://127.0.0.1:7860", tmp_path / "log").start()
    (tmp_path / "install.py").touch()
    with pytest.raises(addon("shared.errors").ServerError, match="not installed yet"):
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


def test_each_trouble_is_said_once_with_its_remedy_and_goes_when_it_is_over(scenario: Scenario, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    with coloring_server(tmp_path) as server:
        answer = scenario("connection.troubles", str(folder), server.address, free_port())
    for way in ("open take", "open a relative folder"):
        assert f"{folder} contains no take: choose the folder of one take, which contains take.json" in answer[way]
    ((sentence, remedy, _),) = answer["no folder"]
    assert "in Connection Settings, set Local Server to the folder that contains install.py" in sentence
    assert remedy == "home"
    assert f"{folder} does not contain LongAnimation Color" in answer["start from another folder"]
    ((sentence, remedy, good),) = answer["wrong port"]
    assert "Nothing listens on port" in sentence and (remedy, good) == ("start_server", False)
    ((sentence, remedy, good),) = answer["right port"]
    assert f"Server {server.version} answers" in sentence and (remedy, good) == ("", True)
    assert answer["presets"]["tiny"].startswith("GPL-3.0-or-later"), "the license, which the field Preset shows"
    assert answer["two takes without a server"] == [["Nothing listens.", "start_server", False]]
    assert answer["the server is back"] == []
    assert answer["another server of the shot"] == "http://127.0.0.1:9"
    assert answer["remedies without an operator"] == []
    assert {"address", "certificate", "start_server", "token", "online"} <= set(answer["can be set and tested"])
