# SPDX-License-Identifier: GPL-3.0-or-later
"""Queues: the waiting jobs of each class of devices. An admin can pause them."""

from flask import Blueprint, Response, jsonify

from server.config import DEVICES
from server.http.problems import ProblemError
from shared.codec import to_json
from shared.protocol import API_PREFIX

from . import require_admin, services

blueprint = Blueprint("queues", __name__, url_prefix=f"{API_PREFIX}/queues")


@blueprint.get("")
def index() -> Response:
    """Return the list of QueueStatus, by name."""
    return jsonify([to_json(queue) for queue in services().jobs.queues()])


@blueprint.post("/<name>/pause")
def pause(name: str) -> Response:
    """Let no job of a queue begin; running jobs continue. Return the same as `GET /queues`."""
    return _set(name, paused=True)


@blueprint.post("/<name>/resume")
def resume(name: str) -> Response:
    """Let the jobs of a queue begin again. Return the same as `GET /queues`."""
    return _set(name, paused=False)


def _set(name: str, paused: bool) -> Response:
    require_admin()
    if name not in DEVICES:
        raise ProblemError(404, "unknown_queue", f"There is no such queue: it must be one of {', '.join(DEVICES)}.")
    services().jobs.pause(name, paused)
    return index()
