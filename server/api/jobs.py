# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: made by the client's own id, followed by a numbered log, cancelled, tried again, deleted."""

from uuid import UUID

from flask import Blueprint, Response, jsonify, request

from server.jobs.client import JobConflict
from server.problems import ProblemError
from server.storage.catalogue import Job, UnknownJob
from shared.protocol import API_PREFIX, ShotManifest, from_json, to_json

from . import services
from .acceptance import check_images, check_manifest

blueprint = Blueprint("jobs", __name__, url_prefix=f"{API_PREFIX}/jobs")


def find_job(job_id: UUID) -> Job:
    """Return a job by id; an unknown one is a 404."""
    try:
        return services().catalogue.job(str(job_id))
    except UnknownJob as error:
        raise ProblemError(404, "unknown_job", f"{error} It may have been deleted: submit the shot again.") from error


def _status(job_id: UUID) -> Response:
    return jsonify(to_json(services().catalogue.status(find_job(job_id))))


@blueprint.get("")
def index() -> Response:
    """Answer with the list of all JobStatus, the newest first."""
    catalogue = services().catalogue
    return jsonify([to_json(catalogue.status(job)) for job in catalogue.jobs()])


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
    config = services().config
    check_manifest(manifest, config.limits)
    check_images(manifest, services().blobs)
    try:
        services().jobs.submit(str(job_id), manifest, config.device)
    except JobConflict:  # the same request came twice at once
        return _same(find_job(job_id), manifest), 200
    return _status(job_id), 201


def _same(known: Job, manifest: ShotManifest) -> Response:
    if known.manifest != manifest:
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
    after = request.args.get("after", "0")
    if not after.isdecimal():
        raise ProblemError(422, "bad_number", f"`after` must be the number of an event, not {after!r}.", "after")
    job = find_job(job_id)
    return jsonify([to_json(event) for event in services().catalogue.events(job.id, int(after))])


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


@blueprint.delete("/<uuid:job_id>")
def delete(job_id: UUID) -> tuple[str, int]:
    """Remove a job, whatever its state."""
    services().jobs.delete(find_job(job_id))
    return "", 204
