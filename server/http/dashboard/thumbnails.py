# SPDX-License-Identifier: GPL-3.0-or-later
"""Small copies of a job's images: its drawings, keyframes and results."""

import threading
from functools import lru_cache
from typing import Literal, get_args
from uuid import UUID

from flask import Blueprint, Response, request

from server.http.api import services
from server.http.api.jobs import find_job
from server.http.problems import ProblemError
from server.images.codec import ImageError, encode_thumbnail
from server.storage.blobs import Blobs
from server.storage.job import Job

Kind = Literal["drawing", "keyframe", "result", "poster"]
"""The line drawing of a frame, the nearest keyframe, the frame's result, and the image that represents the whole job:
the result of its first keyframe, or that keyframe."""

WIDTHS = (160, 960)
"""Widths of the thumbnails in the film strip and of the large ones, in pixels."""
CACHE_SIZE = 1000
"""How many thumbnails stay in memory; each takes a few kilobytes."""

_ENCODING = threading.Semaphore(1)  # an 8K image briefly needs a third of a gigabyte


def thumbnail(job_id: UUID, kind: str, frame: int) -> Response:
    """Return a thumbnail as WebP; `?width=` is one of WIDTHS."""
    job = find_job(job_id)
    width = request.args.get("width", str(WIDTHS[-1]))
    if kind not in get_args(Kind) or frame not in job.manifest.exposure.frames or width not in map(str, WIDTHS):
        raise ProblemError(404, "unknown_picture", f"Job {job.id} has no such picture.")
    blob = _blob(job, kind, frame)
    if blob is None:
        raise ProblemError(404, "frame_not_ready", f"Frame {frame} is not colored yet.")
    response = Response(mimetype="image/webp")
    response.set_etag(f"{blob}-{width}")
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    if response.status_code == 200:
        try:
            response.set_data(_encode(services().blobs, blob, int(width)))
        except ImageError as error:
            raise ProblemError(404, "unknown_picture", str(error)) from error
    return response


def register(blueprint: Blueprint) -> None:
    """Add these addresses."""
    blueprint.add_url_rule("/jobs/<uuid:job_id>/<kind>/<int(signed=True):frame>.webp", view_func=thumbnail)


@lru_cache(maxsize=CACHE_SIZE)
def _encode(blobs: Blobs, blob: str, width: int) -> bytes:
    with _ENCODING:
        return encode_thumbnail(blobs.read(blob), width)


def _blob(job: Job, kind: str, frame: int) -> str | None:
    manifest = job.manifest
    if kind == "drawing":
        return manifest.drawings[manifest.exposure.drawing_at(frame)]
    if kind == "keyframe":
        return min(manifest.keyframes, key=lambda keyframe: abs(keyframe.frame - frame)).blob
    first = manifest.keyframes[0]
    shown = first.frame if kind == "poster" else frame
    result = services().frames.blob(job.id, manifest.exposure.drawing_at(shown))
    return result or (first.blob if kind == "poster" else None)
