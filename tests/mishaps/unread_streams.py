# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads and streams that nobody reads: other requests are answered all the same."""

import random
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import numpy as np

from shared.codec import to_json
from shared.digests import address_of
from shared.manifest import Keyframe
from tests.faults.shots import FaultShot
from tests.server.conftest import SmallShot, png

from .slow_clients import check_others
from .studio import Studio

ZIPS, FILMS, STREAMS = 40, 8, 30
HOLD_SECONDS = 12.0
END_SECONDS = 60.0
WIDTH, HEIGHT = 1280, 720
FRAMES = 240
BUFFER_BYTES = 4096


def draw_large_shot(seed: int) -> FaultShot:
    """Draw a shot whose zip is larger than what a server and the system hold for a client."""
    rng = np.random.default_rng(seed)
    drawings = [png(np.where(rng.random((HEIGHT, WIDTH)) < 0.3, np.uint8(0), np.uint8(255))) for _ in range(4)]
    keyframe = png(np.full((HEIGHT, WIDTH, 3), rng.integers(0, 255, 3), np.uint8))
    manifest = replace(
        SmallShot().manifest,
        width=WIDTH,
        height=HEIGHT,
        drawings=tuple(address_of(drawing) for drawing in drawings),
        timing=tuple(frame * 4 // FRAMES for frame in range(FRAMES)),
        keyframes=(Keyframe(105, address_of(keyframe)),),
        seed=seed,
    )
    return FaultShot(manifest, {address_of(image): image for image in (*drawings, keyframe)})


def strike(studio: Studio, rng: random.Random) -> Iterator[str]:
    """Ask for zips, films and streams of a large job, and read nothing of them."""
    shot = draw_large_shot(rng.randrange(2**31))
    client = studio.client([shot], rng)
    client.send(client.submissions[0])
    job = client.submissions[0].job
    if not studio.wait(lambda: studio.call("GET", f"/jobs/{job}").json()["state"] == "done", END_SECONDS):
        yield f"a large job is not done: {to_json(shot.manifest)['name']}"
        return
    house = studio.houses[1]
    film = f"/api/v1/jobs/{job}/video.mp4"
    if not studio.wait(lambda: studio.get(house, film).ok, END_SECONDS):
        yield "the film of a large job is not made"
        return
    paths = [f"/api/v1/jobs/{job}/frames.zip"] * ZIPS + [film] * FILMS + ["/stream"] * STREAMS
    rng.shuffle(paths)
    studio.counts["unread answers"] += len(paths)
    with ExitStack() as stack:
        for path in paths:
            plain = stack.enter_context(socket.socket())
            plain.settimeout(10)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            plain.connect(("127.0.0.1", int(house.url.rpartition(":")[2])))
            plain.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        time.sleep(1)
        yield from check_others(studio, house, HOLD_SECONDS, rng)
    if not studio.wait(lambda: studio.get(house, "/api/v1/info").ok, END_SECONDS):
        yield "a server does not answer after those have left who read nothing"
    studio.call("DELETE", f"/jobs/{job}")
