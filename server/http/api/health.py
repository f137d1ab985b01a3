# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks: is the server alive, and is it ready? For supervisors that restart it and load balancers."""

from collections.abc import Callable

import sqlalchemy as sa
from flask import Blueprint, Flask, Response, current_app, jsonify

from server.http.problems import ProblemError
from server.storage.space import NoSpace
from server.storage.write_check import looks_writable

from . import require_room, services

blueprint = Blueprint("health", __name__)

THREADS = "longanimation-threads"


def watch(app: Flask, name: str, lives: Callable[[], bool]) -> None:
    """Count `app` as ready only while `lives` returns true for its thread `name`."""
    app.extensions.setdefault(THREADS, {})[name] = lives


@blueprint.get("/healthz")
def live() -> Response:
    """Answer as long as the process is alive. Nothing is checked, and no token is required."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def ready() -> Response:
    """Answer 200 if the server can take jobs, else 503 with the faults. `code` is the code of the first fault."""
    faults = [fault for check in (_database, _blobs, _room, _threads) if (fault := check()) is not None]
    if faults:
        raise ProblemError(503, faults[0][0], " ".join(sentence for _, sentence in faults))
    return jsonify({"status": "ready"})


def _database() -> tuple[str, str] | None:
    try:
        services().catalogue.count(("running",))
    except sa.exc.SQLAlchemyError:
        return "database_away", "The database does not answer: check that it runs and can be reached from here."
    return None


def _blobs() -> tuple[str, str] | None:
    try:
        fit = looks_writable(services().config.blobs_url)
    except OSError:
        fit = False
    return None if fit else ("blobs_away", "The blob store is missing or not writable: check its folder and rights.")


def _room() -> tuple[str, str] | None:
    try:
        require_room()
    except NoSpace:
        return "no_space", "The disk is nearly full: free some space, and the server takes jobs again."
    return None


def _threads() -> tuple[str, str] | None:
    for name, lives in current_app.extensions.get(THREADS, {}).items():
        if not lives():
            return f"{name}_dead", (
                f"The server's {name} has stopped with an error: see the log. If it does not begin again within a "
                "minute, restart the server."
            )
    return None
