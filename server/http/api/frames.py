# SPDX-License-Identifier: GPL-3.0-or-later
"""Finished frames: one by one as soon as their segment is done, or all of them as an archive or a video."""

import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from uuid import UUID

import numpy as np
from flask import Blueprint, Response, request, send_file
from werkzeug.utils import secure_filename

from server.http.archive import zip_stream
from server.http.problems import ProblemError
from server.http.video import encode_mp4
from server.images.codec import encode_png, read_frame, read_painted, read_rgba
from server.storage.blobs import MissingBlob
from server.storage.job import Job
from shared.protocol import API_PREFIX

from . import services
from .jobs import find_job

blueprint = Blueprint("frames", __name__, url_prefix=f"{API_PREFIX}/jobs/<uuid:job_id>")

_ENCODING = threading.Semaphore(1)  # at 8K the encoder needs gigabytes
_LIFTING = threading.Semaphore(2)  # an 8K frame briefly needs most of a gigabyte, a 1080p frame half a second


@blueprint.get("/frames/<int(signed=True):frame>.png")
def get(job_id: UUID, frame: int) -> Response:
    """Return the PNG of a frame or a layer of it.

    `layer=fills` is its colors without the lines, `layer=lines` only the lines, in their own color, on a transparent
    ground. Frame and fills are RGB, or RGBA if keyframes are transparent and the background is kept. Frames that
    show the same drawing share their ETag.
    """
    layer = request.args.get("layer", "colored")
    if layer not in ("colored", "fills", "lines"):
        raise ProblemError(422, "bad_layer", "`layer` must be colored, fills or lines.", "layer")
    job = find_job(job_id)
    exposure = job.manifest.exposure
    if frame not in exposure.frames:
        raise ProblemError(
            404,
            "unknown_frame",
            f"Job {job.id} has the frames {job.manifest.frame_start}..{job.manifest.frame_end}, not {frame}.",
        )
    drawing = exposure.drawing_at(frame)
    blob = services().frames.blob(job.id, drawing)
    if blob is None:
        raise ProblemError(
            404, "frame_not_ready", f"Frame {frame} is not colored yet: `frames_done` of the job lists those that are."
        )
    response = Response(mimetype="image/png")
    response.set_etag(f"{blob}-{layer}")
    response.make_conditional(request)
    if response.status_code != 304:
        content = _read(job, blob)
        response.data = content if layer == "colored" else _layer(layer, content, job.manifest.drawings[drawing])
    return response


def _read(job: Job, frame: str) -> bytes:
    """Return the bytes of a finished frame of a job. Raises ProblemError if the store lost them."""
    try:
        return services().blobs.read(frame)
    except MissingBlob as error:
        if missing := tuple(services().blobs.missing(job.manifest.blobs)):
            raise ProblemError(
                409,
                "missing_blobs",
                f"The server's store lost this frame and {len(missing)} images it is made from: send the shot again, "
                "which uploads them.",
                missing=missing,
            ) from error
        raise ProblemError(
            503, "frame_lost", "The server's store lost this frame. It is colored again: ask for it later."
        ) from error


def _layer(layer: str, frame: bytes, drawing: str) -> bytes:
    # This import takes half a second, which would delay the start of the server.
    from server.coloring.line_art.compositing import lift_lines, lines_alone
    from server.coloring.line_art.drawing import read_drawing

    content = services().blobs.read(drawing)
    with _LIFTING:
        line_art, ink = read_drawing(read_rgba(content))
        return encode_png(lines_alone(ink) if layer == "lines" else lift_lines(read_frame(frame), line_art, ink))


@blueprint.get("/frames.zip")
def archive(job_id: UUID) -> Response:
    """Return all colored frames, one PNG per frame, in a zip that is created while it is sent."""
    job = find_job(job_id)
    read = services().blobs.read
    entries = ((f"{frame:04}.png", partial(read, blob)) for frame, blob in _finished(job))
    response = Response(zip_stream(entries), mimetype="application/zip")
    response.headers.set("Content-Disposition", "attachment", filename=_file_name(job, "zip"))
    return response


@blueprint.get("/video.mp4")
def video(job_id: UUID) -> Response:
    """Return the frames of a finished job as an MP4 at the shot's frame rate."""
    job = find_job(job_id)
    if job.state != "done":
        raise ProblemError(409, "not_done", f"Job {job.id} is {job.state}: there is a video when all frames are done.")
    target = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    try:
        with _ENCODING:
            encode_mp4(_pictures(job), job.manifest.fps, target)
    except ValueError as error:  # a frame rate that no film can have
        raise ProblemError(409, "no_video", str(error)) from error
    target.seek(0)
    return send_file(target, mimetype="video/mp4", download_name=_file_name(job, "mp4"), max_age=0)


def _finished(job: Job) -> list[tuple[int, str]]:
    """Return the colored frames and the addresses of their images, in order."""
    exposure, blobs = job.manifest.exposure, services().frames.blobs(job.id)
    shown = ((frame, exposure.drawing_at(frame)) for frame in exposure.frames)
    return [(frame, blobs[drawing]) for frame, drawing in shown if drawing in blobs]


def _pictures(job: Job) -> Iterator[np.ndarray]:
    shown, picture = "", np.empty(0)
    for _, blob in _finished(job):
        if blob != shown:  # held drawings are decoded once
            shown, picture = blob, read_painted(_read(job, blob))
        yield picture


def _file_name(job: Job, suffix: str) -> str:
    return f"{secure_filename(job.manifest.name)[:80] or job.id}.{suffix}"
