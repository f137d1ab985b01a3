# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: made by the client's own id, followed by a numbered log, cancelled, tried again, deleted."""

from collections.abc import Sequence
from typing import cast, get_args
from uuid import UUID

from flask import Blueprint, Response, jsonify, request

from server.http.problems import ProblemError
from server.jobs.client import JobConflict
from server.presets.preset import find_preset
from server.storage.job import ACTIVE_STATES, Job, UnknownJob
from shared.codec import from_json, to_json
from shared.manifest import ShotManifest
from shared.protocol import API_PREFIX
from shared.status import GuessedFrame, JobState, JobStatus, PriorityChange, SegmentStatus

from . import require_admin, require_room, services, user
from .validation import check_images, check_manifest

blueprint = Blueprint("jobs", __name__, url_prefix=f"{API_PREFIX}/jobs")

LONGEST_LIST = 1000
"""Most jobs of one answer."""


def find_job(job_id: UUID) -> Job:
    """Return a job by id. An unknown one is a 404, and so is one of somebody else, unless an admin asks."""
    try:
        job = services().catalogue.job(str(job_id))
    except UnknownJob as error:
        raise _unknown(job_id) from error
    if user().role != "admin" and job.owner != user().name:
        raise _unknown(job_id)
    return job


def _unknown(job_id: UUID) -> ProblemError:
    title = f"There is no job {job_id} of yours on this server. It may have been deleted: submit the shot again."
    return ProblemError(404, "unknown_job", title)


def _status(job_id: UUID) -> Response:
    return jsonify(to_json(services().catalogue.status(find_job(job_id))))


@blueprint.get("")
def index() -> Response:
    """Answer with a list of JobStatus, the newest first: all of an admin's server, else one's own."""
    state = request.args.get("state")
    if state is not None and state not in get_args(JobState):
        raise ProblemError(422, "bad_state", f"`state` must be one of {', '.join(get_args(JobState))}.", "state")
    limit = _number("limit", LONGEST_LIST)
    states = [cast(JobState, state)] if state else []
    return jsonify([to_json(status) for status in visible_jobs(states, min(limit, LONGEST_LIST))])


def visible_jobs(states: Sequence[JobState] = (), limit: int = LONGEST_LIST) -> list[JobStatus]:
    """Return the jobs that whoever sent the request may see, in some states or all, the newest first."""
    catalogue = services().catalogue
    owner = None if user().role == "admin" else user().name
    return catalogue.statuses(catalogue.jobs(owner, states, limit))


@blueprint.put("/<uuid:job_id>")
def put(job_id: UUID) -> tuple[Response, int]:
    """Queue a ShotManifest: 201 when new, 200 when the same was queued before, 409 for another one."""
    manifest = from_json(ShotManifest, request.get_json())
    try:
        known = services().catalogue.job(str(job_id))
    except UnknownJob:
        pass
    else:
        return _same(known, manifest), 200
    require_room()
    config = services().config
    check_manifest(manifest, config.limits)
    if manifest.priority == "high":
        require_admin()
    _check_quota()
    check_images(manifest, services().blobs, services().image_facts)
    queue = "cuda" if find_preset(manifest.preset).gpu else config.device
    try:
        services().jobs.submit(str(job_id), manifest, queue, user().name)
    except JobConflict:  # the same request came twice at once
        return _same(services().catalogue.job(str(job_id)), manifest), 200
    return _status(job_id), 201


def _check_quota() -> None:
    """Refuse a job of a token that has too many; raises ProblemError."""
    quota = services().config.quota.jobs
    if quota is not None and services().catalogue.count(ACTIVE_STATES, user().name) >= quota:
        raise ProblemError(
            403, "quota_jobs", f"{quota} jobs of yours wait or run, which is all you may have: send this one later."
        )


def _same(known: Job, manifest: ShotManifest) -> Response:
    if known.manifest != manifest or known.owner != user().name:
        raise ProblemError(
            409, "job_exists", f"Job {known.id} is another shot already: submit this one under a new id."
        )
    return _status(UUID(known.id))


@blueprint.get("/<uuid:job_id>")
def get(job_id: UUID) -> Response:
    """Answer with a JobStatus."""
    return _status(job_id)


@blueprint.get("/<uuid:job_id>/events")
def events(job_id: UUID) -> Response:
    """Answer with the list of JobEvent whose numbers lie above `after`."""
    after = _number("after", 0)
    job = find_job(job_id)
    return jsonify([to_json(event) for event in services().events.of(job.id, after)])


@blueprint.get("/<uuid:job_id>/segments")
def segments(job_id: UUID) -> Response:
    """Answer with the list of SegmentStatus, in the order of work; empty before the job's first run."""
    return jsonify([to_json(segment) for segment in segment_statuses(find_job(job_id))])


def segment_statuses(job: Job) -> list[SegmentStatus]:
    """Return what the outside is told of a job's segments."""
    exposure = job.manifest.exposure
    statuses = []
    for row in services().segments.of(job.id):
        frames = tuple(frame for frame in exposure.frames if exposure.drawing_at(frame) in row.drawings)
        if row.finished is not None and row.begun is not None:
            first = {exposure.first_frame_of(drawing): share for drawing, share in row.guesses.items()}
            guesses = tuple(GuessedFrame(frame, first[frame]) for frame in sorted(first))
            statuses.append(SegmentStatus(row.number, frames, "done", row.finished - row.begun, row.reused, guesses))
        else:
            is_next = job.state == "running" and row.number == job.segments_done
            statuses.append(SegmentStatus(row.number, frames, "running" if is_next else "planned"))
    return statuses


@blueprint.post("/<uuid:job_id>/cancel")
def cancel(job_id: UUID) -> Response:
    """Stop a job; answer with its JobStatus."""
    try:
        services().jobs.cancel(find_job(job_id))
    except JobConflict as error:
        raise ProblemError(409, "not_active", str(error)) from error
    return _status(job_id)


@blueprint.post("/<uuid:job_id>/retry")
def retry(job_id: UUID) -> Response:
    """Queue a failed or cancelled job again; answer with its JobStatus."""
    try:
        services().jobs.retry(find_job(job_id))
    except JobConflict as error:
        raise ProblemError(409, "not_retriable", str(error)) from error
    return _status(job_id)


@blueprint.post("/<uuid:job_id>/priority")
def priority(job_id: UUID) -> Response:
    """Change when it is a waiting job's turn, to that of a PriorityChange; answer with its JobStatus."""
    return set_priority(job_id, request.get_json())


def set_priority(job_id: UUID, body: object) -> Response:
    """Do so with a PriorityChange as decoded JSON; raises ProblemError or ProtocolError."""
    change = from_json(PriorityChange, body)
    job = find_job(job_id)
    if change.priority == "high":
        require_admin()
    try:
        services().jobs.prioritize(job, change.priority)
    except JobConflict as error:
        raise ProblemError(409, "not_waiting", str(error)) from error
    return _status(job_id)


@blueprint.delete("/<uuid:job_id>")
def delete(job_id: UUID) -> tuple[str, int]:
    """Remove a job, whatever its state."""
    services().jobs.delete(find_job(job_id))
    return "", 204


def _number(name: str, default: int) -> int:
    """Return a number of the query; raises ProblemError."""
    text = request.args.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise ProblemError(422, "bad_number", f"`{name}` must be a whole number of at most 18 digits.", name)
    return int(text)
