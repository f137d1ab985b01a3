# SPDX-License-Identifier: GPL-3.0-or-later
"""Small copies of a job's pictures, and what can be downloaded of it."""

import threading
from functools import lru_cache
from typing import Literal, get_args
from uuid import UUID

from flask import Blueprint, Response, request

from server.http.api import frames, services
from server.http.api.jobs import find_job
from server.http.problems import ProblemError
from server.images import ImageError, encode_thumbnail
from server.storage.blobs import Blobs
from server.storage.catalogue import Job

Kind = Literal["drawing", "keyframe", "result", "poster"]
"""The line drawing of a frame, the keyframe that lies nearest to it, its result; and what stands for the whole job: the
result of its first keyframe, or that keyframe."""

WIDTHS = (160, 960)
"""Of a film strip's pictures and of the large ones, in pixels."""
KEPT = 1000
"""How many small pictures stay in memory; they are some kilobytes each."""

_ENCODING = threading.Semaphore(1)  # an 8K picture takes a third of a gigabyte for a moment


def picture(job_id: UUID, kind: str, frame: int) -> Response:
    """Answer with a small copy of a picture, as WebP; `?width=` is one of WIDTHS."""
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
            response.set_data(_small(services().blobs, blob, int(width)))
        except ImageError as error:
            raise ProblemError(404, "unknown_picture", str(error)) from error
    return response


def archive(job_id: UUID) -> Response:
    """Answer as the API does with all frames."""
    return frames.archive(job_id)


def video(job_id: UUID) -> Response:
    """Answer as the API does with the film."""
    return frames.video(job_id)


def register(blueprint: Blueprint) -> None:
    """Add these addresses."""
    blueprint.add_url_rule("/jobs/<uuid:job_id>/<kind>/<int(signed=True):frame>.webp", view_func=picture)
    blueprint.add_url_rule("/jobs/<uuid:job_id>/frames.zip", view_func=archive)
    blueprint.add_url_rule("/jobs/<uuid:job_id>/video.mp4", view_func=video)


@lru_cache(maxsize=KEPT)
def _small(blobs: Blobs, blob: str, width: int) -> bytes:
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
    result = services().catalogue.frame_blob(job.id, manifest.exposure.drawing_at(shown))
    return result or (first.blob if kind == "poster" else None)
