# SPDX-License-Identifier: GPL-3.0-or-later
"""Finished frames, as soon as their segment is done."""

from uuid import UUID

from flask import Blueprint, Response, request

from server.problems import ProblemError
from shared.protocol import API_PREFIX

from . import services
from .jobs import find_job

blueprint = Blueprint("frames", __name__, url_prefix=f"{API_PREFIX}/jobs/<uuid:job_id>/frames")


@blueprint.get("/<int(signed=True):frame>.png")
def get(job_id: UUID, frame: int) -> Response:
    """Answer with the PNG of a frame; frames that hold one drawing share their ETag."""
    job = find_job(job_id)
    exposure = job.manifest.exposure
    if frame not in exposure.frames:
        raise ProblemError(
            404,
            "unknown_frame",
            f"Job {job.id} has the frames {job.manifest.frame_start}..{job.manifest.frame_end}, not {frame}.",
        )
    blob = services().catalogue.frame_blobs(job.id).get(exposure.drawing_at(frame))
    if blob is None:
        raise ProblemError(
            404, "frame_not_ready", f"Frame {frame} is not coloured yet: `frames_done` of the job lists those that are."
        )
    response = Response(services().blobs.read(blob), mimetype="image/png")
    response.set_etag(blob)
    response.make_conditional(request)
    return response
