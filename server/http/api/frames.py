# SPDX-License-Identifier: GPL-3.0-or-later
"""Finished frames: one by one as soon as their segment is done, or all of them as an archive or a video."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from uuid import UUID

from flask import Blueprint, Response, request
from werkzeug.utils import secure_filename

from server.http.archive import zip_size, zip_stream
from server.http.problems import ProblemError
from server.images.codec import encode_png, read_frame, read_rgba
from server.images.video import exact_rate
from server.jobs.films import FilmFailed
from server.storage.blobs import MissingBlob
from server.storage.job import Job
from shared.digests import address_of
from shared.manifest import ShotManifest
from shared.protocol import API_PREFIX, shown

from . import query_number, require_room, services, user
from .jobs import find_job

blueprint = Blueprint("frames", __name__, url_prefix=f"{API_PREFIX}/jobs/<uuid:job_id>")

MEDIA_TYPES = {"zip": "application/zip", "mp4": "video/mp4"}
_LIFTING = threading.Semaphore(2)  # an 8K frame briefly needs most of a gigabyte, a 1080p frame half a second


@blueprint.get("/frames/<int(signed=True):frame>.png")
def get(job_id: UUID, frame: int) -> Response:
    """Return the PNG of a frame or a layer of it.

    `layer=fills` is its colors without the lines, `layer=lines` only the lines, in their own color, on a transparent
    ground. `layer=regions` shows the closed regions of its drawing in random colors, with the lines; `gap` and
    `smallest_region` show them by other settings than the job's. Frame and fills
    are RGB, or RGBA if keyframes are transparent and the background is kept. Frames that show the same drawing share
    their ETag.
    """
    layer = request.args.get("layer", "colored")
    if layer not in ("colored", "fills", "lines", "regions"):
        raise ProblemError(422, "bad_layer", "`layer` must be colored, fills, lines or regions.", "layer")
    job = find_job(job_id)
    manifest = _with_query(job.manifest) if layer == "regions" else job.manifest
    exposure = manifest.exposure
    if frame not in exposure.frames:
        raise ProblemError(
            404,
            "unknown_frame",
            f"Job {job.id} has the frames {manifest.frame_start}..{manifest.frame_end}, not {frame}.",
        )
    drawing = exposure.drawing_at(frame)
    blob = services().frames.blob(job.id, drawing)
    if blob is None:
        raise ProblemError(
            404, "frame_not_ready", f"Frame {frame} is not colored yet: `frames_done` of the job lists those that are."
        )
    response = Response(mimetype="image/png")
    asked = f"-{manifest.gap}-{manifest.smallest_region}" if layer == "regions" else ""
    response.set_etag(f"{blob}-{layer}{asked}")
    response.make_conditional(request)
    if response.status_code != 304:
        content = _read(job, blob)
        response.data = content if layer == "colored" else _layer(layer, content, manifest, drawing)
    return response


def _with_query(manifest: ShotManifest) -> ShotManifest:
    """Return the manifest with the settings of regions that the query has. Raises ProblemError or ProtocolError."""
    smallest = query_number("smallest_region", manifest.smallest_region)
    text = request.args.get("gap", str(manifest.gap))
    try:
        gap = float(text)
    except ValueError:
        raise ProblemError(422, "bad_gap", f"`gap` must be a number, not {shown(text)}.", "gap") from None
    return replace(manifest, gap=gap, smallest_region=smallest)


def _read(job: Job, frame: str) -> bytes:
    """Return the bytes of a finished frame of a job. Raises ProblemError if the store lost them."""
    try:
        return services().blobs.read(frame)
    except MissingBlob as error:
        raise _lost(job) from error


def _lost(job: Job) -> ProblemError:
    """Return the problem of a job whose frames the store lost."""
    if missing := tuple(services().blobs.missing(job.manifest.blobs)):
        return ProblemError(
            409,
            "missing_blobs",
            f"The server's store lost frames and {len(missing)} images they are made from: send the shot again, which "
            "uploads them.",
            missing=missing,
        )
    return ProblemError(503, "frame_lost", "The server's store lost this frame. It is colored again: ask for it later.")


def _layer(layer: str, frame: bytes, manifest: ShotManifest, drawing: int) -> bytes:
    # This import takes half a second, which would delay the start of the server.
    from server.coloring.line_art.compositing import lift_lines, lines_alone
    from server.coloring.line_art.drawing import read_drawing
    from server.coloring.line_art.region_picture import draw_regions

    content = services().blobs.read(manifest.drawings[drawing])
    with _LIFTING:
        read = read_drawing(read_rgba(content), manifest.traces)
        if layer == "regions":
            return encode_png(draw_regions(read, manifest.gap, manifest.smallest_region))
        return encode_png(lines_alone(read.ink) if layer == "lines" else lift_lines(read_frame(frame), *read))


@blueprint.get("/frames.zip")
def archive(job_id: UUID) -> Response:
    """Return all colored frames, one PNG per frame, in a zip that is created while it is sent.

    With its size and a strong ETag, a browser notices if the zip ends early because the store lost a frame.
    """
    job = find_job(job_id)
    shown = services().frames.shown(job)
    sizes = services().blobs.sizes(blob for _, blob in shown)
    names = [(f"{frame:04}.png", blob) for frame, blob in shown]
    if any(blob not in sizes for _, blob in names):
        raise _lost(job)
    read = services().blobs.read
    parts = zip_stream((name, partial(read, blob)) for name, blob in names)
    size = zip_size((name, sizes[blob]) for name, blob in names)
    return _download(job, parts, size, "zip", address_of(json.dumps(names).encode()))


@blueprint.get("/video.mp4")
def video(job_id: UUID) -> Response:
    """Return the frames of a finished job as an MP4 at the shot's frame rate. A worker makes it at the first request,
    which is answered with 503 until then."""
    job = find_job(job_id)
    if job.state != "done":
        raise ProblemError(409, "not_done", f"Job {job.id} is {job.state}: there is a video when all frames are done.")
    try:
        exact_rate(job.manifest.fps)
    except ValueError as error:
        raise ProblemError(409, "no_video", str(error)) from error
    shown = [blob for _, blob in services().frames.shown(job)]
    if services().blobs.missing(shown):
        raise _lost(job)
    require_room()
    try:
        film = services().films.find(job, shown)
    except FilmFailed as error:
        raise ProblemError(
            500, "film_failed", "The film could not be encoded; the worker's log says why. Ask again to try again."
        ) from error
    if film is None:
        waits = "" if services().heartbeats.alive() else " No worker is running: start one (`python -m server worker`)."
        raise ProblemError(503, "film_in_progress", f"A worker makes the film: ask for it again in a moment.{waits}")
    return _download(job, film.parts, film.size, "mp4", film.address)


def _download(job: Job, parts: Iterator[bytes], size: int, suffix: str, etag: str) -> Response:
    """Send a file of a job in parts. Raises ProblemError if too many others are sent."""
    response = Response(parts, mimetype=MEDIA_TYPES[suffix])
    response.content_length = size
    name = f"{secure_filename(job.manifest.name)[:80] or job.id}.{suffix}"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(etag)
    response.make_conditional(request)
    return services().downloads.hold(response, user().name)
