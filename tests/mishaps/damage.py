# SPDX-License-Identifier: GPL-3.0-or-later
"""The store flips bits and loses files: nobody gets wrong bytes, nothing is colored from them, and all is mended."""

import random
from collections.abc import Iterator

import requests

from shared.codec import to_json
from tests.faults.shots import FaultShot

from .stores import name_of
from .studio import Studio

MEND_SECONDS = 60.0
KINDS = ("flip", "cut", "zeros", "loss")


def damage(studio: Studio, rng: random.Random, address: str) -> str:
    """Damage the file of a blob; return how."""
    kind, name = rng.choice(KINDS), name_of(address)
    content = bytearray(studio.store.read(name))
    studio.counts[f"blobs damaged: {kind}"] += 1
    if kind == "loss":
        studio.store.remove(name)
        return kind
    if kind == "flip":
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif kind == "cut":
        del content[rng.randrange(len(content)) :]
    else:
        content = bytearray(len(content))
    studio.store.write(name, bytes(content))
    return kind


def strike(studio: Studio, rng: random.Random) -> Iterator[str]:
    """Damage frames of a job that is done, an image that a job will need, and an image that nobody reads."""
    yield from _frames(studio, rng)
    yield from _drawing(studio, rng)
    yield from _unread(studio, rng)


def _frames(studio: Studio, rng: random.Random) -> Iterator[str]:
    shot = studio.new_shots()[0]
    client = studio.client([shot], rng)
    client.start()
    yield from studio.finish(client, keep=False)  # its count of segments will fall when frames are colored again
    job, exposure, expected = client.submissions[0].job, shot.manifest.exposure, shot.frames()
    rows = studio.database.run("SELECT drawing, blob FROM frames WHERE job = :job", job=job)
    blobs = {int(str(drawing)): str(blob) for drawing, blob in rows}
    for drawing in rng.sample(sorted(blobs), 2):
        kind = damage(studio, rng, blobs[drawing])
        frame = next(frame for frame in exposure.frames if exposure.drawing_at(frame) == drawing)
        path = f"/jobs/{job}/frames/{frame}.png"

        def is_right(path: str = path, frame: int = frame) -> bool:
            return studio.call("GET", path, rng.randrange(2)).content == expected[frame]

        for server in range(2):
            answer = studio.call("GET", path, server)
            if answer.status_code != 503 and answer.content != expected[frame]:
                yield f"wrong bytes: frame {frame} of {job} after {kind}: {answer.status_code}"
        if not studio.wait(is_right, MEND_SECONDS):
            yield f"frame {frame} of {job} was not colored again after {kind}: {studio.call('GET', path).text[:200]}"
    for frame, content in expected.items():
        found: list[requests.Response] = []

        def is_answered(frame: int = frame, found: list[requests.Response] = found) -> bool:
            found.append(studio.call("GET", f"/jobs/{job}/frames/{frame}.png", rng.randrange(2)))
            return found[-1].status_code not in (404, 503)  # while it is colored again

        if not studio.wait(is_answered, MEND_SECONDS) or found[-1].content != content:
            yield f"wrong bytes: frame {frame} of {job} after it was mended: {found[-1].status_code}"


def _drawing(studio: Studio, rng: random.Random) -> Iterator[str]:
    shot = studio.new_shots()[0]
    client = studio.client([shot], rng)
    _upload(studio, shot)
    victim = rng.choice(sorted(shot.blobs))
    kind = damage(studio, rng, victim)
    submission = client.submissions[0]
    studio.call("PUT", f"/jobs/{submission.job}", json=to_json(shot.manifest))
    path = f"/jobs/{submission.job}"
    if not studio.wait(lambda: studio.call("GET", path).json()["state"] in ("failed", "done"), MEND_SECONDS):
        yield f"a job with a damaged image ({kind}) does not end: {studio.call('GET', path).text[:300]}"
    status = studio.call("GET", path).json()
    if status["state"] == "failed":
        if status["problem"]["code"] != "missing_blobs" or victim not in status["problem"]["missing"]:
            yield f"a job with a damaged image ({kind}) failed: {status['problem']}"
        _upload(studio, shot)
        studio.call("POST", f"{path}/retry")
    client.start()
    yield from studio.finish(client)


def _unread(studio: Studio, rng: random.Random) -> Iterator[str]:
    shot = studio.new_shots()[0]
    _upload(studio, shot)
    victim = rng.choice(sorted(shot.blobs))
    kind = damage(studio, rng, victim)
    studio.database.run("UPDATE blobs SET checked = 0 WHERE address = :address", address=victim)
    warned = studio.wait(lambda: any("warnings" in studio.get(house, "/readyz").json() for house in studio.houses), 60)
    if not warned:
        yield f"an image that nobody reads was damaged ({kind}), and nobody noticed"
    answer = studio.call("PUT", f"/blobs/{victim}", rng.randrange(2), data=shot.blobs[victim])
    if answer.status_code != 201 or studio.store.read(name_of(victim)) != shot.blobs[victim]:
        yield f"an upload did not mend a damaged image ({kind}): {answer.status_code}"


def _upload(studio: Studio, shot: FaultShot) -> None:
    """Upload what the server lacks, as the add-on does."""
    for address in studio.call("POST", "/blobs/missing", json=list(shot.blobs)).json():
        studio.call("PUT", f"/blobs/{address}", data=shot.blobs[address])
