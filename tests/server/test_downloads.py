# SPDX-License-Identifier: GPL-3.0-or-later
"""Zips and films: nobody who leaves them unread keeps others out, and none is incomplete without a word."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import requests
import sqlalchemy as sa
from playwright.sync_api import Browser

from server.http.api import MOST_DOWNLOADS
from server.jobs.films import WORKFLOW, Films
from server.storage.blobs import Blobs
from server.storage.frames import Frames
from shared.digests import address_of
from shared.protocol import API_PREFIX

from .conftest import Site, SmallShot, png
from .test_dashboard import browser  # noqa: F401 - a fixture

MANY = 32
SIDE = 512


@pytest.fixture
def films(engine: sa.Engine, tmp_path: Path) -> Iterator[Films]:
    """The films of the test's servers."""
    films = Films(engine, Blobs(engine, str(tmp_path / "blobs")))
    yield films
    films.close()


def long_shot(frames: int = 1000) -> SmallShot:
    """Return a shot whose drawings are noise, and whose zip is larger than what a connection buffers."""
    shot = SmallShot()
    noise = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE), dtype=np.uint8)
    drawings = [png(drawing) for drawing in noise]
    keyframe = png(np.full((SIDE, SIDE, 3), (200, 60, 30), np.uint8))
    shot.blobs = {address_of(content): content for content in (*drawings, keyframe)}
    shot.manifest = replace(
        shot.manifest,
        width=SIDE,
        height=SIDE,
        accept_errors=True,
        drawings=tuple(map(address_of, drawings)),
        timing=tuple(frame % 2 for frame in range(frames)),
        keyframes=(replace(shot.manifest.keyframes[0], blob=address_of(keyframe)),),
    )
    return shot


def color(site: Site, shot: SmallShot, **changes: Any) -> str:
    """Let a worker color a shot; return the job."""
    job = site.submit(shot, **changes)
    site.wait_for_state(job, "done")
    return job


def ask(site: Site, stack: ExitStack, path: str, version: str = "1.1") -> socket.socket:
    """Ask for something, and read nothing of it."""
    host, _, port = site.root.removeprefix("http://").partition(":")
    connection = stack.enter_context(socket.socket())
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(30)
    connection.connect((host, int(port)))
    connection.sendall(
        f"GET {API_PREFIX}{path} HTTP/{version}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    )
    return connection


def test_zips_that_nobody_reads_leave_the_rest_of_the_server_alone(
    site: Site, start_worker: Callable[[], Any], processes: list[subprocess.Popen[Any]]
) -> None:
    start_worker()
    job = color(site, long_shot())
    with ExitStack() as stack:
        asked = [ask(site, stack, f"/jobs/{job}/frames.zip") for _ in range(MANY)]
        statuses = [one.recv(12)[-3:] for one in asked]
        assert statuses.count(b"200") == MOST_DOWNLOADS
        assert statuses.count(b"503") == MANY - MOST_DOWNLOADS
        for _ in range(3):
            begun = time.monotonic()
            site.call("GET", "/info", 200)
            site.call("GET", f"/jobs/{job}/frames/101.png", 200)
            assert time.monotonic() - begun < 3
        refused = site.call("GET", f"/jobs/{job}/frames.zip", 503)
        assert refused["code"] == "too_many_downloads"
        assert requests.get(f"{site.root}/stream", stream=True, timeout=30).status_code == 200
    # All have left. Their places are free again.
    end = time.monotonic() + 30
    while requests.head(f"{site.url}/jobs/{job}/frames.zip", timeout=30).status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.1)
    with requests.get(f"{site.url}/jobs/{job}/frames.zip", timeout=60) as whole:
        assert len(whole.content) == int(whole.headers["Content-Length"]) > 40_000_000
    assert psutil.Process(processes[0].pid).num_threads() < 80


def test_a_film_is_made_once_by_a_worker_and_kept(
    site: Site, start_worker: Callable[[], Any], shot: SmallShot, engine: sa.Engine, films: Films
) -> None:
    start_worker()
    job = color(site, shot)
    film = site.film(job)
    assert film[4:8] == b"ftyp"
    made = films._client.list_workflows(name=WORKFLOW)
    assert [(one.status, one.output) for one in made] == [("SUCCESS", address_of(film))]
    again = requests.get(f"{site.url}/jobs/{job}/video.mp4", timeout=30)
    assert (again.status_code, again.content) == (200, film)
    twin = color(site, shot, name="twin")
    assert requests.get(f"{site.url}/jobs/{twin}/video.mp4", timeout=30).content == film, "it has the same frames"
    other = color(site, shot, name="slower", fps=12.0)
    assert site.film(other) != film
    assert [queue["name"] for queue in site.call("GET", "/queues", 200)] == ["cpu"]


def test_a_film_that_was_removed_or_lost_is_made_again(
    site: Site, start_worker: Callable[[], Any], shot: SmallShot, tmp_path: Path, engine: sa.Engine, films: Films
) -> None:
    start_worker()
    job = color(site, shot)
    film = site.film(job)
    address = address_of(film)
    (tmp_path / "blobs" / address[:2] / address).unlink()
    assert site.film(job) == film
    films.forget()
    assert len(films._client.list_workflows(name=WORKFLOW)) == 1, "what is in the store is not forgotten"
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM blobs WHERE address = :address"), {"address": address})
    films.forget()
    assert not films._client.list_workflows(name=WORKFLOW)
    assert site.film(job) == film


def test_a_film_waits_for_a_worker_and_one_that_fails_is_tried_again(
    site: Site, start_worker: Callable[[], Any], shot: SmallShot, tmp_path: Path, engine: sa.Engine, films: Films
) -> None:
    worker = start_worker()
    job = color(site, shot)
    worker.terminate()
    worker.wait(30)
    answer = site.call("GET", f"/jobs/{job}/video.mp4", 503)
    assert answer["code"] == "film_in_progress" and "No worker is running" in answer["title"]
    blob = Frames(engine).blobs(job)[3]
    path = tmp_path / "blobs" / blob[:2] / blob
    content = path.read_bytes()
    path.write_bytes(b"damaged")
    start_worker()
    problem = site.wait_for_problem(f"/jobs/{job}/video.mp4", "frame_lost")
    assert problem["status"] == 503
    path.write_bytes(content)
    Blobs(engine, str(tmp_path / "blobs")).verify(blob)
    assert site.call("GET", f"/jobs/{job}/video.mp4", 500)["code"] == "film_failed"
    assert site.film(job)[4:8] == b"ftyp"


def test_a_film_whose_worker_dies_is_not_waited_for_in_vain(site: Site, start_worker: Callable[[], Any]) -> None:
    worker = start_worker()
    job = color(site, long_shot(4000))
    site.call("GET", f"/jobs/{job}/video.mp4", 503)
    time.sleep(2)
    worker.kill()
    worker.wait()
    start_worker()
    assert site.wait_for_problem(f"/jobs/{job}/video.mp4", "film_failed")["status"] == 500
    assert site.call("GET", f"/jobs/{job}/video.mp4", 503)["code"] == "film_in_progress"


def test_films_that_many_ask_for_leave_the_rest_of_the_server_alone(
    site: Site, start_worker: Callable[[], Any]
) -> None:
    start_worker()
    job = color(site, long_shot(4000))
    with ExitStack() as stack:
        asked = [ask(site, stack, f"/jobs/{job}/video.mp4") for _ in range(MANY)]
        begun = time.monotonic()
        assert {one.recv(12)[-3:] for one in asked} <= {b"503"}
        site.call("GET", "/info", 200)
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize("fault", ["known", "unknown"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_zip_with_a_lost_frame_does_not_look_complete(
    site: Site, start_worker: Callable[[], Any], tmp_path: Path, engine: sa.Engine, version: str, fault: str
) -> None:
    worker = start_worker()
    job = color(site, long_shot(40))
    worker.kill()
    blob = Frames(engine).blobs(job)[1]
    (tmp_path / "blobs" / blob[:2] / blob).unlink()
    if fault == "known":
        Blobs(engine, str(tmp_path / "blobs")).verify(blob)
    with ExitStack() as stack:
        answer = ask(site, stack, f"/jobs/{job}/frames.zip", version).makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    if fault == "known":
        assert head.startswith(f"HTTP/{version} 503".encode()) and b"frame_lost" in body
    else:  # a proxy that speaks HTTP/1.0 to the server knows only by the length
        length = re.search(rb"Content-Length: (\d+)", head)
        assert length and len(body) < int(length[1])


def test_a_browser_says_that_a_zip_with_a_lost_frame_failed(
    site: Site,
    start_worker: Callable[[], Any],
    tmp_path: Path,
    engine: sa.Engine,
    browser: Browser,  # noqa: F811
) -> None:
    worker = start_worker()
    job = color(site, long_shot(40))
    page = browser.new_page()
    page.goto(f"{site.root}/jobs/{job}")
    worker.kill()
    blob = Frames(engine).blobs(job)[1]
    os.unlink(tmp_path / "blobs" / blob[:2] / blob)
    with page.expect_download() as download:
        page.get_by_role("link", name="ZIP").click()
    assert download.value.failure()
    page.close()
