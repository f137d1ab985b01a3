# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs name the job and request that they are about, and never contain a secret."""

import base64
import io
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from server import logs
from server.config import BLOBS_VARIABLE, DATABASE_VARIABLE, Config
from server.http.app import create_app
from server.storage.database import open_database
from server.storage.tokens import Tokens
from shared.protocol import API_PREFIX

from .conftest import WAIT_SECONDS, Site, SmallShot

PASSWORD = "hunter2-of-the-studio"
KEY = "wJalrXUtnFEMI-K7MDENG-bPxRfiCY"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """The log lines in JSON during the block."""
    stream = io.StringIO()
    handler = logs.handler("json", stream)
    logger = logging.getLogger()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(before)


def lines(text: str) -> list[dict[str, Any]]:
    """The lines of a log, each of which must be a JSON object."""
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_is_one_object_with_the_ids_of_its_surroundings(written: io.StringIO) -> None:
    logger = logging.getLogger("somewhere")
    with logs.context(job="a-job"):
        with logs.context(segment=3):
            logger.warning("First line,\nand %s.", "second", extra={"frames": 12})
        logger.info("After it.")
    logger.info("Outside.")
    first, after, outside = lines(written.getvalue())
    assert first["time"].endswith("+00:00")
    del first["time"]
    assert first == {
        "level": "warning",
        "logger": "somewhere",
        "message": "First line,\nand second.",
        "job": "a-job",
        "segment": 3,
        "frames": 12,
    }
    assert (after["job"], "segment" in after, "job" in outside) == ("a-job", False, False)


def test_a_trace_is_part_of_its_line(written: io.StringIO) -> None:
    try:
        raise RuntimeError("the fault")
    except RuntimeError:
        logging.getLogger("somewhere").exception("It failed.")
    (line,) = lines(written.getvalue())
    assert line["message"] == "It failed." and "RuntimeError: the fault" in line["exception"]


def test_lines_for_people_end_with_the_ids() -> None:
    stream = io.StringIO()
    handler = logs.handler("text", stream)
    record = logging.makeLogRecord({"name": "server", "levelname": "INFO", "msg": "It is done."})
    with logs.context(job="a-job", segment=3):
        handler.handle(record)
    assert stream.getvalue().endswith("INFO server: It is done. [job=a-job segment=3]\n")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("cannot reach postgresql+psycopg://anna:pa:ss@word@host:5432/studio", "word"),
        ("{'Authorization': 'Bearer abcDEF-123_x'}", "abcDEF"),
        ("authorization: Basic dXNlcjpwYXNz, next", "dXNlcjpwYXNz"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI", "wJalr"),
        ("{'secret': 'wJalrXUtnFEMI', 'key': 'AKIA'}", "wJalr"),
        ("host=10.0.0.1 password=hunter2 dbname=studio", "hunter2"),
        ("Cookie: longanimation_session=abcdef", "abcdef"),
        ("GET /?token=abcdef", "abcdef"),
    ],
)
def test_what_looks_like_a_secret_is_left_out(text: str, secret: str, written: io.StringIO) -> None:
    logging.getLogger("somewhere").info("%s", text)
    assert secret not in written.getvalue() and "***" in written.getvalue()


def test_what_is_no_secret_is_left_in() -> None:
    text = "http://127.0.0.1:7860/jobs: no token exists yet, make one; s3://bucket/a@b; 12:30@noon"
    assert logs.redact(text) == text


def test_every_request_has_an_id_that_its_answer_and_its_line_carry(tmp_path: Path, written: io.StringIO) -> None:
    token = Tokens(open_database(Config(tmp_path))).create("anna")
    client = create_app(Config(tmp_path, host="0.0.0.0")).test_client()
    client.get(f"{API_PREFIX}/info?private=query", headers={"Authorization": f"Bearer {token}"})
    refused = client.get(f"{API_PREFIX}/info", headers={"Authorization": "Bearer wrong-token"})
    accepted_line, refused_line = (one for one in lines(written.getvalue()) if one["logger"] == logs.ACCESS)
    assert refused_line["request"] == refused.headers["X-Request-ID"] != accepted_line["request"]
    expected = {"method": "GET", "path": f"{API_PREFIX}/info", "status": 401, "user": ""}
    assert refused_line.items() >= expected.items()
    assert refused_line["bytes"] == len(refused.data) and refused_line["milliseconds"] >= 0
    assert (accepted_line["user"], accepted_line["status"]) == ("anna", 200)
    for unwanted in (token, "wrong-token", "private", "query"):
        assert unwanted not in written.getvalue()


def test_a_fault_is_logged_with_the_id_that_its_answer_has(tmp_path: Path, written: io.StringIO) -> None:
    app = create_app(Config(tmp_path))

    @app.get("/broken")
    def _broken() -> str:
        raise RuntimeError("the fault")

    answer = app.test_client().get("/broken")
    assert answer.status_code == 500
    (line,) = (one for one in lines(written.getvalue()) if "exception" in one)
    assert line["request"] == answer.headers["X-Request-ID"] and "the fault" in line["exception"]
    logging.getLogger("somewhere").info("Later.")
    assert "request" not in lines(written.getvalue())[-1]


class Logged:
    """A server process whose log is kept."""

    def __init__(self, folder: Path, processes: list[subprocess.Popen[Any]], *arguments: str, **variables: str) -> None:
        command = [sys.executable, "-m", "server", "serve", "--listen", "127.0.0.1:0", "--device", "cpu"]
        command += ["--data", str(folder), *arguments]
        self._file = folder / "log"
        with self._file.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | variables
            )
        processes.append(self.process)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("LongAnimation Color is listening on http://127.0.0.1:"), self.text
        self.site = Site(line[line.index("http://") :].strip(), folder)

    @property
    def text(self) -> str:
        """All that it and its workers logged so far."""
        return self._file.read_text(encoding="utf-8")

    def wait_for(self, part: str) -> None:
        """Wait until something was logged."""
        end = time.monotonic() + WAIT_SECONDS
        while part not in self.text:
            assert time.monotonic() < end, f"{part!r} was not logged: {self.text}"
            time.sleep(0.1)


@pytest.mark.slow
def test_the_log_of_a_server_and_its_workers_holds_every_job_and_no_secret(
    tmp_path: Path, shot: SmallShot, processes: list[subprocess.Popen[Any]], postgresql: Any
) -> None:
    database = postgresql.new_database()
    known = database.replace("postgres@", f"postgres:{PASSWORD}@")  # this server trusts everybody, whatever they say
    token = Tokens(open_database(Config(tmp_path, database=known))).create("anna", "admin")
    variables = {DATABASE_VARIABLE: known, BLOBS_VARIABLE: str(tmp_path / "blobs")}
    variables |= {"AWS_SECRET_ACCESS_KEY": KEY, "FSSPEC_S3_SECRET": KEY}
    arguments = ("--proxied", "--workers", "1", "--log-format", "json", "--log-level", "debug")
    logged = Logged(tmp_path, processes, *arguments, **variables)
    site = logged.site
    site.session.headers["Authorization"] = f"Bearer {token}"
    job = site.submit(shot)
    count = site.wait_for_state(job, "done")["segments_total"]
    basic = base64.b64encode(f"anna:{token}".encode()).decode()
    for headers in ({"Authorization": f"Bearer {token[:-1]}"}, {"Authorization": f"Basic {basic}"}, {"Cookie": token}):
        assert requests.get(f"{site.url}/jobs?token={token}", headers=headers, timeout=30).status_code == 401
    server, _, name = database.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        assert site.session.get(f"{site.url}/jobs", timeout=30).status_code == 503
        logged.wait_for("The database does not answer")  # says the worker
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    logged.process.terminate()
    assert logged.process.wait(60) == 0

    found = lines(logged.text)  # each is a JSON object, whichever library wrote it
    own = [one for one in found if one.get("job") == job]
    assert [one["segment"] for one in own if "segment" in one and "finished" in one["message"]] == list(range(count))
    assert own[-1]["message"] == "The job is done." and own[-1]["worker"].startswith("worker-0-")
    assert {one["status"] for one in found if one["logger"] == logs.ACCESS} >= {200, 201, 401, 503}
    for secret in (token, token[:-1], basic, PASSWORD, KEY):
        assert secret not in logged.text


@pytest.mark.slow
@pytest.mark.parametrize("command", ["serve", "worker", "token"])
def test_a_database_that_does_not_answer_ends_a_command_with_a_sentence_without_its_password(
    tmp_path: Path, command: str
) -> None:
    address = f"postgresql://anna:{PASSWORD}@127.0.0.1:1/studio"
    arguments = [sys.executable, "-m", "server", command, "--data", str(tmp_path)]
    arguments += [] if command == "token" else ["--device", "cpu", "--log-level", "debug"]
    environment = os.environ | {DATABASE_VARIABLE: address}
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert done.returncode == 2
    assert "The database does not answer" in done.stderr and "Traceback" not in done.stderr
    assert PASSWORD not in done.stderr + done.stdout


@pytest.mark.skipif(os.name != "posix", reason="needs a terminal that is made up")
@pytest.mark.parametrize(("level", "expected"), [("debug", True), ("info", False)])
def test_at_a_terminal_lines_are_for_people_and_requests_are_only_told_to_who_looks_for_faults(
    tmp_path: Path, processes: list[subprocess.Popen[Any]], level: str, expected: bool
) -> None:
    import pty

    terminal, stderr = pty.openpty()
    command = [sys.executable, "-m", "server", "serve", "--listen", "127.0.0.1:0", "--device", "cpu", "--workers", "0"]
    command += ["--data", str(tmp_path), "--log-level", level]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
    processes.append(process)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert requests.get(line[line.index("http://") :].strip() + "/healthz", timeout=30).status_code == 200
    process.terminate()
    assert process.wait(30) == 0
    os.write(stderr, b"end\n")
    text = os.read(terminal, 100_000).decode()
    os.close(terminal)
    os.close(stderr)
    assert ("INFO server.access: GET /healthz was answered with 200" in text) == expected
    assert "{" not in text


def test_the_workers_log_as_their_server_does(tmp_path: Path) -> None:
    from server.http.server_process import worker_command

    command = worker_command(Config(tmp_path, log_format="json", log_level="debug"), 0, "worker")
    assert command[command.index("--log-format") + 1] == "json"
    assert command[command.index("--log-level") + 1] == "debug"
