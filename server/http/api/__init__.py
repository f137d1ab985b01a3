# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP API, one blueprint a noun."""

import threading
from dataclasses import dataclass, field
from typing import cast

from flask import Flask, current_app, g, request

from server.config import Config
from server.http.problems import ProblemError
from server.jobs.client import Jobs
from server.storage.blobs import Blobs
from server.storage.catalogue import Catalogue
from server.storage.events import Events
from server.storage.frames import Frames
from server.storage.heartbeats import Heartbeats
from server.storage.image_facts import ImageFactsTable
from server.storage.segments import Segments
from server.storage.sessions import Sessions
from server.storage.space import NoSpace
from server.storage.tokens import Token


@dataclass(frozen=True)
class Services:
    """What the routes work with. closing: set when the server ends, so that no answer goes on for ever."""

    config: Config
    blobs: Blobs
    image_facts: ImageFactsTable
    catalogue: Catalogue
    events: Events
    frames: Frames
    segments: Segments
    heartbeats: Heartbeats
    jobs: Jobs
    sessions: Sessions
    closing: threading.Event = field(default_factory=threading.Event)


def install(app: Flask, services: Services) -> None:
    """Give `app` its services."""
    app.extensions["longanimation"] = services


def services_of(app: Flask) -> Services:
    """Return the services of `app`."""
    return cast(Services, app.extensions["longanimation"])


def services() -> Services:
    """Return the services of the app that answers the present request."""
    return services_of(current_app)


def json_list(field: str) -> list[object]:
    """Return the request's body, which must be a JSON list; raises ProblemError."""
    value = request.get_json()
    if not isinstance(value, list):
        raise ProblemError(422, "bad_type", f"The body must be a list of {field}.", field)
    return value


def user() -> Token:
    """Return who sent the present request; on a server that asks for no token that is an admin without a name."""
    return cast(Token, g.user)


def require_admin() -> None:
    """Let only admins go on; raises ProblemError."""
    if user().role != "admin":
        raise ProblemError(
            403, "admin_needed", "Only a token of the role admin may do this: ask whoever runs the server."
        )


def require_room() -> None:
    """Take nothing new while the disk is nearly full, so that what runs can end; raises NoSpace."""
    free, kept = services().blobs.free_bytes, services().config.retention.free_bytes
    if free is not None and free < kept:
        raise NoSpace(f"{free} bytes are free; {kept} are kept for what runs.")
