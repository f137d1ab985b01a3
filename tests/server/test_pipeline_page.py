# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of docs/pipeline.md work unchanged with a real server."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from server.client.fetch import MARKER
from server.config import BLOBS_VARIABLE, DATABASE_VARIABLE, DEFAULT_PORT, REPOSITORY, WEBHOOK_SECRET_VARIABLE, Config
from server.jobs.webhooks import PAUSES
from shared.codec import from_json, to_json
from shared.status import JobSummary

from .conftest import Site, SmallShot
from .test_jobs import StartWorker
from .test_webhook import SECRET

PAGE = (REPOSITORY / "docs" / "pipeline.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    """Return the one block of code in a language."""
    (code,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return str(code)


@pytest.fixture
def environment(storage: Config) -> dict[str, str]:
    own = {DATABASE_VARIABLE: storage.database, BLOBS_VARIABLE: storage.blobs, WEBHOOK_SECRET_VARIABLE: SECRET}
    return os.environ | own


@pytest.mark.skipif(shutil.which("sh") is None, reason="no shell")
def test_the_commands_color_a_folder(
    site: Site, shot: SmallShot, start_worker: StartWorker, tmp_path: Path, environment: dict[str, str]
) -> None:
    start_worker()
    folder = tmp_path / "script"
    (folder / "lineart").mkdir(parents=True)
    for index, address in enumerate(shot.manifest.drawings):
        (folder / "lineart" / f"{index + 1:04}.png").write_bytes(shot.blobs[address])
    (folder / "painted_0001.png").write_bytes(shot.blobs[shot.manifest.keyframes[0].blob])
    address = f"http://127.0.0.1:{DEFAULT_PORT}"
    assert address in example("sh")
    env = environment | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"}
    env |= {"PYTHONPATH": str(REPOSITORY)}
    code = example("sh").replace(address, site.root)
    done = subprocess.run(
        ["sh", "-e", "-s"], input=code, cwd=folder, env=env, text=True, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (job,) = site.call("GET", "/jobs", 200)
    assert (job["state"], job["name"], job["frame_end"]) == ("done", "Walk", 8)
    written = {path.name: path.read_bytes() for path in (folder / "colored").iterdir() if path.name != MARKER}
    assert written == {f"{frame:04}.png": content for frame, content in site.frames(job["id"]).items()}


def test_the_receiver_takes_the_server_s_messages_and_refuses_others(
    serve: Callable[..., Site],
    shot: SmallShot,
    processes: list[subprocess.Popen[Any]],
    environment: dict[str, str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code = example("python")
    assert "8000" in code
    receiver = subprocess.Popen(
        [sys.executable, "-c", code.replace("8000", str(port))],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    )
    processes.append(receiver)
    site = serve("--workers", "0", "--webhook", f"http://127.0.0.1:{port}/")
    job = site.submit(shot)
    site.call("POST", f"/jobs/{job}/cancel", 200)
    assert receiver.stdout is not None
    assert receiver.stdout.readline() == f"job.cancelled {job} {shot.manifest.name}\n"
    forged = {"webhook-id": "1", "webhook-timestamp": "1614265330", "webhook-signature": "v1,Zm9yZ2Vk"}
    assert requests.post(f"http://127.0.0.1:{port}/", json={}, headers=forged, timeout=10).status_code == 401


def test_the_message_that_is_shown_has_the_shape_of_one() -> None:
    shown = json.loads(example("json"))
    assert shown["type"] == f"job.{shown['data']['state']}" and set(shown) == {"type", "timestamp", "data"}
    assert to_json(from_json(JobSummary, shown["data"])) == shown["data"]


def test_the_pauses_that_are_told_are_those_of_the_server() -> None:
    assert PAUSES == (5, 60, 600, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600)
    assert "after 5 seconds, 1 and 10 minutes, and 1, 3, 6, 12 and 24 hours" in PAGE.replace("\n", " ")
