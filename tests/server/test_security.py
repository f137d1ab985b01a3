# SPDX-License-Identifier: GPL-3.0-or-later
"""Access control of the server."""

import re
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import requests

from server.cli import main
from server.config import Config, ConfigError, parse_address
from server.http.app import create_app
from server.storage.database import open_database
from server.storage.tokens import Tokens
from shared.codec import to_json
from shared.protocol import API_PREFIX

from .conftest import SmallShot

INFO = "/api/v1/info"


def test_beyond_this_machine_no_server_starts_without_a_token(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="python -m server token"):
        create_app(Config(tmp_path, host="0.0.0.0"))


@pytest.mark.slow
def test_the_command_line_says_so_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "server", "serve", "--listen", "0.0.0.0:0", "--workers", "0", "--device", "cpu"]
    done = subprocess.run([*command, "--data", str(tmp_path)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "python -m server token" in done.stderr and "Traceback" not in done.stderr


def test_a_name_of_several_addresses_is_listened_to_at_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "server", "serve", "--listen", "localhost:0", "--workers", "0", "--device", "cpu"]
    with subprocess.Popen([*command, "--data", str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            assert requests.get(f"{url}/healthz", timeout=60).json() == {"status": "ok"}
        finally:
            process.terminate()
    assert process.returncode == 0


def test_beyond_this_machine_every_request_needs_a_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--data", str(tmp_path), "--name", "studio"]) == 0
    token = capsys.readouterr().out.strip()
    client = create_app(Config(tmp_path, host="0.0.0.0")).test_client()
    for path in ("/", INFO, "/nowhere", "/extensions/index.json"):
        response = client.get(path)
        assert (response.status_code, response.mimetype) == (401, "application/problem+json")
    assert client.get(INFO, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get(INFO, headers={"Authorization": f"Basic {token}"}).status_code == 401
    assert client.get(f"{INFO}?token={token}").status_code == 401
    assert client.get(INFO, headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_a_token_is_not_kept_in_the_clear(tmp_path: Path) -> None:
    token = Tokens(open_database(Config(tmp_path))).create("studio")
    for file in tmp_path.iterdir():
        if file.is_file():
            assert token.encode() not in file.read_bytes()


def test_on_this_machine_no_token_is_needed_but_the_name_must_be_its_own(tmp_path: Path) -> None:
    client = create_app(Config(tmp_path)).test_client()
    for host in ("localhost:7860", "127.0.0.1:7860", "[::1]:7860"):
        assert client.get(INFO, headers={"Host": host}).status_code == 200
    response = client.get(INFO, headers={"Host": "elsewhere.example"})
    assert (response.status_code, response.mimetype) == (403, "application/problem+json")


@pytest.mark.parametrize(
    ("text", "address"), [("127.0.0.1:7860", ("127.0.0.1", 7860)), ("[::1]:80", ("::1", 80)), ("box:0", ("box", 0))]
)
def test_addresses_are_host_and_port(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["7860", "localhost", ":80", "host:port", "host:70000"])
def test_other_texts_are_no_addresses(text: str) -> None:
    with pytest.raises(ConfigError, match="HOST:PORT"):
        parse_address(text)


def test_an_animator_neither_sees_nor_touches_the_jobs_of_others_and_an_admin_does(tmp_path: Path) -> None:
    tokens, shot = Tokens(open_database(Config(tmp_path))), SmallShot()
    alice, bob, admin = (
        {"Authorization": f"Bearer {tokens.create(name, role)}"}
        for name, role in (("alice", "submit"), ("bob", "submit"), ("boss", "admin"))
    )
    client = create_app(Config(tmp_path, host="0.0.0.0")).test_client()
    for address, content in shot.blobs.items():
        client.put(f"{API_PREFIX}/blobs/{address}", data=content, headers=alice)
    job = f"{API_PREFIX}/jobs/{uuid.uuid4()}"
    assert client.put(job, json=to_json(shot.manifest), headers=alice).status_code == 201
    for method, path in (
        ("GET", ""),
        ("GET", "/events"),
        ("GET", "/segments"),
        ("GET", "/frames/101.png"),
        ("GET", "/frames.zip"),
        ("GET", "/video.mp4"),
        ("POST", "/cancel"),
        ("POST", "/retry"),
        ("DELETE", ""),
    ):
        assert client.open(job + path, method=method, headers=bob).status_code == 404, path
    assert client.post(f"{job}/priority", json={"priority": "low"}, headers=bob).status_code == 404
    assert client.put(job, json=to_json(shot.manifest), headers=bob).status_code == 409
    for headers, count in ((alice, 1), (bob, 0), (admin, 1)):
        assert len(client.get(f"{API_PREFIX}/jobs", headers=headers).json or []) == count
        assert ("walk" in client.get("/", headers=headers).text) == bool(count)
    assert client.post(f"{API_PREFIX}/queues/cpu/pause", headers=alice).status_code == 403
    assert client.post(f"{job}/priority", json={"priority": "high"}, headers=alice).status_code == 403
    assert client.post(f"{job}/priority", json={"priority": "high"}, headers=admin).status_code == 200
    assert client.post(f"{job}/cancel", headers=admin).status_code == 200


def test_a_page_of_another_site_can_send_nothing_here(tmp_path: Path) -> None:
    client = create_app(Config(tmp_path)).test_client()
    url = f"{API_PREFIX}/queues/cpu/pause"
    assert client.post(url, headers={"Origin": "https://elsewhere.example"}).status_code == 403
    assert client.post(url, headers={"Origin": "http://localhost"}).status_code == 200


@pytest.mark.parametrize(("scheme", "is_secure"), [("https", True), ("http", False)])
def test_a_browser_that_came_over_tls_sends_its_session_over_nothing_else(
    tmp_path: Path, scheme: str, is_secure: bool
) -> None:
    token = Tokens(open_database(Config(tmp_path))).create("alice")
    client = create_app(Config(tmp_path, proxied=True)).test_client()
    answer = client.post("/login", data={"token": token}, headers={"Origin": f"{scheme}://localhost"})
    assert answer.status_code == 303
    assert ("Secure" in answer.headers["Set-Cookie"]) == is_secure
    assert client.post("/login", data={"token": token}, headers={"Origin": "https://elsewhere"}).status_code == 403


@pytest.mark.parametrize("path", ["/", f"/jobs/{uuid.UUID(int=1)}", "/stream", "/login", "/nowhere", INFO])
@pytest.mark.parametrize("accept", ["text/html", "text/html,application/xhtml+xml,*/*;q=0.8", "*/*"])
def test_who_is_refused_before_being_known_is_told_so_in_a_browser_too(tmp_path: Path, path: str, accept: str) -> None:
    Tokens(open_database(Config(tmp_path))).create("alice")
    for config in (Config(tmp_path), Config(tmp_path, proxied=True)):
        client = create_app(config).test_client()
        for headers in ({"Host": "elsewhere.example"}, {"Origin": "https://elsewhere.example"}, {"Cookie": "a=b"}):
            for method in ("GET", "POST", "DELETE"):
                answer = client.open(path, method=method, headers={"Accept": accept, **headers})
                assert answer.status_code < 500, answer.text


def test_over_tls_a_session_is_secure_also_where_a_browser_names_no_origin(tmp_path: Path) -> None:
    token = Tokens(open_database(Config(tmp_path))).create("alice")
    client = create_app(Config(tmp_path, host="0.0.0.0")).test_client()
    answer = client.post("/login", data={"token": token}, base_url="https://localhost")
    assert answer.status_code == 303 and "Secure" in answer.headers["Set-Cookie"]


def test_tls_on_this_port_asks_nothing_of_the_other_ports_of_the_host(tmp_path: Path) -> None:
    Tokens(open_database(Config(tmp_path))).create("alice")
    pem = tmp_path / "pem"
    client = create_app(Config(tmp_path, host="0.0.0.0", certificate=pem, key=pem)).test_client()
    assert "Strict-Transport-Security" not in client.get("/login", base_url="https://localhost").headers


@pytest.mark.parametrize(
    ("referrer", "back"),
    [
        ("http://localhost/?state=done", "/?state=done"),
        ("http://localhost//elsewhere.example", "/elsewhere.example"),
        ("https://elsewhere.example/page", "/"),
        ("http://[", "/"),
    ],
)
def test_after_an_action_the_browser_stays_on_this_site(tmp_path: Path, referrer: str, back: str) -> None:
    client = create_app(Config(tmp_path)).test_client()
    answer = client.post("/queues/cpu/pause", headers={"Referer": referrer})
    assert (answer.status_code, answer.headers["Location"]) == (303, back)


def test_the_page_brings_nothing_that_its_own_policy_forbids(tmp_path: Path) -> None:
    client = create_app(Config(tmp_path)).test_client()
    page = client.get("/")
    assert "style-src 'self'" in page.headers["Content-Security-Policy"]
    assert not re.search(r"<style|<script>| style=| on\w+=", page.text)
    links = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.text)
    assert links and all(client.get(link).mimetype == "text/css" for link in links)
