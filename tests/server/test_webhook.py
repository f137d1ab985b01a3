# SPDX-License-Identifier: GPL-3.0-or-later
"""The ends of jobs reach a webhook of the studio, signed, also if it or the server was away. No job waits for it."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from server.config import BLOBS_VARIABLE, DATABASE_VARIABLE, WEBHOOK_SECRET_VARIABLE, Config, ConfigError, Webhook
from server.jobs import webhooks
from server.jobs.webhooks import Webhooks, headers_of
from server.storage.database import open_database

from .conftest import WAIT_SECONDS, Site, SmallShot
from .test_jobs import StartWorker

KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


class Receiver:
    """A studio's web server that records what is posted to it.

    statuses: of the next answers; afterward 204. holds: while it is set, no request is answered.
    """

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.paths: list[str] = []
        self.holds = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
                receiver.paths.append(self.path)
                while receiver.holds.is_set():
                    time.sleep(0.05)
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/colored"

    def wait(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many posts; return the messages."""
        end = time.monotonic() + WAIT_SECONDS
        while len(self.received) < count:
            assert time.monotonic() < end, f"only {self.received} arrived"
            time.sleep(0.05)
        return [json.loads(body) for _, body in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    thread = threading.Thread(target=found.server.serve_forever, daemon=True)
    thread.start()
    yield found
    found.holds.clear()
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    """SQLite and PostgreSQL in turn."""
    database = request.getfixturevalue("postgresql").new_database() if request.param == "postgresql" else ""
    return Config(tmp_path, database=database)


@pytest.fixture
def environment(storage: Config) -> dict[str, str]:
    own = {DATABASE_VARIABLE: storage.database, BLOBS_VARIABLE: storage.blobs, WEBHOOK_SECRET_VARIABLE: SECRET}
    return os.environ | own


def is_signed(headers: dict[str, str], body: bytes) -> bool:
    """Verify a message as the specification says."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    is_new = abs(time.time() - int(headers["webhook-timestamp"])) < 300
    return is_new and headers["webhook-signature"] == f"v1,{expected}"


def test_each_end_of_a_job_is_posted_once_and_signed(
    serve: Callable[..., Site], receiver: Receiver, shot: SmallShot, start_worker: StartWorker, tmp_path: Path
) -> None:
    (tmp_path / "fault").touch()
    sites = [serve("--workers", "0", "--webhook", receiver.url) for _ in range(2)]  # share the database
    canceled = sites[0].submit(shot, seed=1)
    sites[1].call("POST", f"/jobs/{canceled}/cancel", 200)
    start_worker()
    done, failed = sites[0].submit(shot), sites[1].submit(shot, prompt="fail")
    for job, state in ((done, "done"), (failed, "failed")):
        sites[0].wait_for_state(job, state)
    messages = receiver.wait(3)
    assert {(one["type"], one["data"]["id"]) for one in messages} == {
        ("job.done", done),
        ("job.failed", failed),
        ("job.cancelled", canceled),
    }
    (failure,) = (one["data"] for one in messages if one["type"] == "job.failed")
    assert "the fault that the test asked for" in failure["problem"]["title"] and failure["state"] == "failed"
    assert all(is_signed(headers, body) for headers, body in receiver.received)
    again = sites[0].submit(shot)  # is done at once
    assert [one["data"]["id"] for one in receiver.wait(4)][3] == again
    time.sleep(2.5)
    assert len(receiver.received) == 4 and len({headers["webhook-id"] for headers, _ in receiver.received}) == 4
    assert [queue["name"] for queue in sites[0].call("GET", "/queues", 200)] == ["cpu"]
    assert sites[0].session.get(f"{sites[0].root}/readyz", timeout=30).json() == {"status": "ready"}


def test_a_message_that_was_not_taken_comes_again_also_after_a_kill(
    serve: Callable[..., Site], receiver: Receiver, shot: SmallShot, processes: list[subprocess.Popen[Any]]
) -> None:
    receiver.statuses = [500]
    site = serve("--workers", "0", "--webhook", receiver.url)
    jobs = [site.submit(shot, seed=seed) for seed in range(3)]
    site.call("POST", f"/jobs/{jobs[0]}/cancel", 200)
    receiver.wait(1)  # is refused
    receiver.holds.set()
    site.call("POST", f"/jobs/{jobs[1]}/cancel", 200)
    receiver.wait(2)  # is being posted
    processes[0].kill()
    processes[0].wait()
    receiver.holds.clear()
    without = serve("--workers", "0")
    without.call("POST", f"/jobs/{jobs[2]}/cancel", 200)  # while nobody posts
    serve("--workers", "0", "--webhook", receiver.url)
    receiver.wait(5)
    ids = [json.loads(body)["data"]["id"] for _, body in receiver.received]
    assert ids[:2] == jobs[:2] and sorted(ids[2:]) == sorted(jobs)
    by_id = {headers["webhook-id"] for headers, _ in receiver.received}
    assert len(by_id) == 3, "each attempt has the id of its message"


def test_jobs_do_not_wait_for_a_webhook_that_hangs_redirects_or_is_away(
    serve: Callable[..., Site], receiver: Receiver, shot: SmallShot, start_worker: StartWorker
) -> None:
    site = serve("--workers", "0", "--webhook", receiver.url)
    receiver.holds.set()
    receiver.statuses = [302] * 8
    start_worker()
    for seed in range(8):
        site.wait_for_state(site.submit(shot, seed=seed), "done")
    receiver.wait(1)
    receiver.holds.clear()
    receiver.wait(8)
    assert set(receiver.paths) == {"/colored"}


def test_a_server_that_is_posting_stops_and_the_records_of_old_messages_go(
    serve: Callable[..., Site],
    receiver: Receiver,
    shot: SmallShot,
    processes: list[subprocess.Popen[Any]],
    storage: Config,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    site = serve("--workers", "0", "--webhook", receiver.url)
    jobs = [site.submit(shot, seed=seed) for seed in range(2)]
    site.call("POST", f"/jobs/{jobs[0]}/cancel", 200)
    receiver.wait(1)
    time.sleep(1)  # its workflow ends
    receiver.holds.set()
    site.call("POST", f"/jobs/{jobs[1]}/cancel", 200)
    receiver.wait(2)
    processes[0].terminate()
    assert processes[0].wait(30) == 0
    assert "Traceback" not in capfd.readouterr().err
    engine = open_database(storage)
    own = Webhooks(engine, Webhook(receiver.url, SECRET))
    for seconds, left in ((webhooks.LASTING_SECONDS, 3), (-webhooks.LASTING_SECONDS, 2)):
        monkeypatch.setattr(webhooks, "LASTING_SECONDS", seconds)
        own._forget()
        assert len(own._client.list_workflows(application_name=webhooks.APPLICATION)) == left
    (unfinished,) = own._client.list_workflows(application_name=webhooks.APPLICATION, status="PENDING")
    monkeypatch.setattr(webhooks, "TIDY_SECONDS", -60.0)
    own._take_over()
    assert own._client.retrieve_workflow(unfinished.workflow_id).get_status().status == "ENQUEUED"
    own._client.destroy()
    engine.dispose()


def test_a_message_that_fails_while_the_server_stops_is_not_forgotten(storage: Config, receiver: Receiver) -> None:
    receiver.statuses = [500]
    engine = open_database(storage)
    own = Webhooks(engine, Webhook(receiver.url, SECRET))
    own._stopping.set()
    own._deliver("message", "{}", 0)
    (next_attempt,) = own._client.list_workflows(application_name=webhooks.APPLICATION)
    assert (next_attempt.workflow_id, next_attempt.status) == ("message-1", "DELAYED")
    own._client.destroy()
    engine.dispose()


def test_jobs_that_ended_before_there_was_a_webhook_are_not_posted(
    serve: Callable[..., Site], receiver: Receiver, shot: SmallShot
) -> None:
    site = serve("--workers", "0")
    old, new = site.submit(shot), site.submit(shot, seed=1)
    site.call("POST", f"/jobs/{old}/cancel", 200)
    site = serve("--workers", "0", "--webhook", receiver.url)
    site.call("POST", f"/jobs/{new}/cancel", 200)
    assert [one["data"]["id"] for one in receiver.wait(1)] == [new]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not show environments")
def test_the_secret_is_neither_on_a_command_line_nor_given_to_workers(
    serve: Callable[..., Site], receiver: Receiver, processes: list[subprocess.Popen[Any]]
) -> None:
    serve("--workers", "1", "--webhook", receiver.url)
    server = psutil.Process(processes[0].pid)
    end = time.monotonic() + WAIT_SECONDS
    while not server.children() and time.monotonic() < end:
        time.sleep(0.05)
    (worker,) = server.children()
    for process in (server, worker):
        assert SECRET not in " ".join(process.cmdline())
    assert SECRET in server.environ().values() and SECRET not in worker.environ().values()


@pytest.mark.parametrize(
    ("url", "secret", "word"),
    [
        ("studio", SECRET, "address such as"),
        ("file:///etc/passwd", SECRET, "address such as"),
        ("http://studio:port/", SECRET, "address such as"),
        ("https://studio/", "", "openssl"),
        ("https://studio/", "s3cret-w0rd", "openssl"),
        ("https://studio/", "whsec_dG9vIHNob3J0", "openssl"),
    ],
)
def test_a_webhook_without_a_usable_address_or_secret_is_refused(url: str, secret: str, word: str) -> None:
    with pytest.raises(ConfigError, match=word) as refused:
        Webhook(url, secret)
    assert not secret or secret not in str(refused.value)
    assert "whsec" not in repr(Webhook("https://studio/", SECRET))


def test_messages_are_signed_as_the_specification_s_example() -> None:
    key = Webhook("https://studio/", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").key
    headers = headers_of("msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}', key, 1614265330.0)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
