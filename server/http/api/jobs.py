# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs. Clients create them under their own ids, follow their numbered events, and cancel, retry and delete them."""

from typing import cast, get_args
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, jsonify, request

from server.http.problems import ProblemError
from server.jobs.client import JobConflict
from server.presets.preset import find_preset
from server.storage.catalogue import summary_of
from server.storage.database import QuotaExceeded
from server.storage.job import Job, UnknownJob, UnreadableJob
from shared.codec import from_json, to_json
from shared.manifest import ShotManifest
from shared.protocol import API_PREFIX
from shared.status import GuessedFrame, JobState, PriorityChange, SegmentStatus

from . import query_number, require_admin, require_room, services, user
from .validation import check_images, check_manifest

blueprint = Blueprint("jobs", __name__, url_prefix=f"{API_PREFIX}/jobs")

PAGE, LONGEST_PAGE = 100, 1000
"""How many jobs one answer lists, and the most that can be requested."""


def find_job(job_id: UUID) -> Job:
    """Return a job by id. An unknown job is a 404, and so is another user's job unless an admin asks."""
    try:
        job = services().catalogue.job(str(job_id))
    except UnknownJob as error:
        raise _unknown(job_id) from error
    except UnreadableJob:
        _require_ownership(job_id, services().catalogue.owner(str(job_id)))
        raise
    _require_ownership(job_id, job.owner)
    return job


def _require_ownership(job_id: UUID, owner: str | None) -> None:
    """Refuse a job that does not exist, or is another user's, unless an admin asks. Raises ProblemError."""
    if owner is None or (user().role != "admin" and owner != user().name):
        raise _unknown(job_id)


def _unknown(job_id: UUID) -> ProblemError:
    title = f"You have no job {job_id} on this server. It may have been deleted: submit the shot again."
    return ProblemError(404, "unknown_job", title)


def _status(job_id: UUID) -> Response:
    return jsonify(to_json(services().catalogue.status(find_job(job_id))))


@blueprint.get("")
def index() -> Response:
    """Return a page of JobSummary, newest first: all jobs for an admin, otherwise the user's own.

    `before` is the id of the last job of the page before. The header `Link` has the address of the next page.
    """
    state = request.args.get("state")
    if state is not None and state not in get_args(JobState):
        raise ProblemError(422, "bad_state", f"`state` must be one of {', '.join(get_args(JobState))}.", "state")
    limit = min(query_number("limit", PAGE), LONGEST_PAGE)
    before = _job_before()
    states = [cast(JobState, state)] if state else []
    owner = None if user().role == "admin" else user().name
    listed = services().catalogue.listed(owner, states, limit + 1, before)
    answer = jsonify([to_json(summary_of(job)) for job in listed[:limit]])
    if len(listed) > limit > 0:
        following = urlencode({**request.args.to_dict(), "before": listed[limit - 1].id})
        answer.headers["Link"] = f'<{request.path}?{following}>; rel="next"'
    return answer


def _job_before() -> str | None:
    """Return the id of the job that `before` names, readable or not, or None without it. Raises ProblemError."""
    text = request.args.get("before")
    if text is None:
        return None
    try:
        job_id = UUID(text)
    except ValueError as error:
        raise ProblemError(422, "bad_job", "`before` must be the id of a job, a UUID.", "before") from error
    _require_ownership(job_id, services().catalogue.owner(str(job_id)))
    return str(job_id)


@blueprint.put("/<uuid:job_id>")
def put(job_id: UUID) -> tuple[Response, int]:
    """Queue a ShotManifest: 201 if it is new, 200 if the same one was queued before, 409 if the id has another one."""
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
    check_images(manifest, services().blobs, services().image_facts)
    queue = "cuda" if find_preset(manifest.preset).gpu else config.device
    try:
        services().jobs.submit(str(job_id), manifest, queue, user().name, config.quota.jobs)
    except JobConflict:  # the same request arrived twice at the same time
        return _same(services().catalogue.job(str(job_id)), manifest), 200
    except QuotaExceeded as error:
        title = f"You have {config.quota.jobs} waiting or running jobs, which is your quota: send this one later."
        raise ProblemError(403, "quota_jobs", title) from error
    return _status(job_id), 201


def _same(known: Job, manifest: ShotManifest) -> Response:
    if known.manifest != manifest or known.owner != user().name:
        raise ProblemError(
            409, "job_exists", f"Job {known.id} is already another shot: submit this one under a new id."
        )
    return _status(UUID(known.id))


@blueprint.get("/<uuid:job_id>")
def get(job_id: UUID) -> Response:
    """Return a JobStatus."""
    return _status(job_id)


@blueprint.get("/<uuid:job_id>/events")
def events(job_id: UUID) -> Response:
    """Return the list of JobEvent with numbers above `after`."""
    after = query_number("after", 0)
    job = find_job(job_id)
    return jsonify([to_json(event) for event in services().events.of(job.id, after)])


@blueprint.get("/<uuid:job_id>/segments")
def segments(job_id: UUID) -> Response:
    """Return the list of SegmentStatus, in the order of work; empty before the job's first run."""
    return jsonify([to_json(segment) for segment in segment_statuses(find_job(job_id))])


def segment_statuses(job: Job) -> list[SegmentStatus]:
    """Return the public status of a job's segments."""
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
    """Stop a job and return its JobStatus."""
    try:
        services().jobs.cancel(find_job(job_id))
    except JobConflict as error:
        raise ProblemError(409, "not_active", str(error)) from error
    return _status(job_id)


@blueprint.post("/<uuid:job_id>/retry")
def retry(job_id: UUID) -> Response:
    """Queue a failed or canceled job again and return its JobStatus."""
    try:
        services().jobs.retry(find_job(job_id))
    except JobConflict as error:
        raise ProblemError(409, "not_retriable", str(error)) from error
    return _status(job_id)


@blueprint.post("/<uuid:job_id>/priority")
def priority(job_id: UUID) -> Response:
    """Change a waiting job's priority to that of a PriorityChange, and return its JobStatus."""
    return set_priority(job_id, request.get_json())


def set_priority(job_id: UUID, body: object) -> Response:
    """Change a waiting job's priority by a PriorityChange as decoded JSON. Raises ProblemError or ProtocolError."""
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
    """Remove a job in any state, also one that cannot be read."""
    _require_ownership(job_id, services().catalogue.owner(str(job_id)))
    services().jobs.delete(str(job_id))
    return "", 204
