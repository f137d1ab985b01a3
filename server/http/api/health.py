# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks: is the server alive, and is it ready? For supervisors that restart it and load balancers."""

from collections.abc import Callable

import sqlalchemy as sa
from flask import Blueprint, Flask, Response, current_app, jsonify

from server.http.problems import ProblemError
from server.storage.space import NoSpace
from server.storage.store_marker import AWAY
from server.storage.write_check import looks_writable, store_errors

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
    """Answer 200 if the server can take jobs, else 503 with the faults. `code` is the code of the first fault.

    `warnings` of a 200 lists what should be looked at.
    """
    faults = [fault for check in (_database, _blobs, _room, _threads) if (fault := check()) is not None]
    if faults:
        raise ProblemError(503, faults[0][0], " ".join(sentence for _, sentence in faults))
    warnings = _warnings()
    return jsonify({"status": "ready"} | ({"warnings": warnings} if warnings else {}))


def _database() -> tuple[str, str] | None:
    try:
        current = services().integrity.is_current()
        services().catalogue.count(("running",))
    except sa.exc.SQLAlchemyError:
        away = "database_away", "The database does not answer: check that it runs and can be reached from here."
        return _damage() or away
    if not current:
        return "database_newer", "The database was updated by a newer server: update this one."
    return _damage()


def _damage() -> tuple[str, str] | None:
    if services().integrity.damage:
        return "database_damaged", "The database is damaged: stop the server and restore a backup (docs/operations.md)."
    return None


def _blobs() -> tuple[str, str] | None:
    try:
        services().blobs.marker.claim()
        fit = looks_writable(services().config.blobs_url)
    except store_errors():
        fit = False
    except sa.exc.SQLAlchemyError:
        return None  # the check of the database says so
    return None if fit else ("blobs_away", AWAY)


def _warnings() -> list[str]:
    """Return what does not keep the server from working, but should be looked at."""
    lost = services().blobs.lost()
    return [f"{lost} images are lost or damaged in the store: see docs/operations.md."] if lost else []


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
