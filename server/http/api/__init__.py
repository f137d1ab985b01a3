# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP API, with one blueprint per resource."""

import threading
from dataclasses import dataclass, field
from typing import cast

from flask import Flask, current_app, g, request

from server.config import Config
from server.http.problems import ProblemError
from server.http.slots import Slots
from server.jobs.client import Jobs
from server.jobs.films import Films
from server.storage.blobs import Blobs
from server.storage.catalogue import Catalogue
from server.storage.events import Events
from server.storage.frames import Frames
from server.storage.heartbeats import Heartbeats
from server.storage.image_facts import ImageFactsTable
from server.storage.integrity import Integrity
from server.storage.palettes import PaletteLibrary
from server.storage.segments import Segments
from server.storage.sessions import Sessions
from server.storage.space import NoSpace
from server.storage.tokens import Token

MOST_DOWNLOADS = 16
"""The most zips and films that are sent at the same time."""
_TOO_MANY_DOWNLOADS = (
    f"{MOST_DOWNLOADS} downloads are under way, or {MOST_DOWNLOADS // 2} of yours: try again in ten seconds."
)


@dataclass(frozen=True)
class Services:
    """The services that the routes use.

    closing: set when the server ends, so that no answer continues forever. downloads: the zips and films under way.
    """

    config: Config
    blobs: Blobs
    image_facts: ImageFactsTable
    catalogue: Catalogue
    events: Events
    frames: Frames
    segments: Segments
    heartbeats: Heartbeats
    jobs: Jobs
    films: Films
    sessions: Sessions
    integrity: Integrity
    palettes: PaletteLibrary
    closing: threading.Event = field(default_factory=threading.Event)
    downloads: Slots = field(default_factory=lambda: Slots(MOST_DOWNLOADS, "too_many_downloads", _TOO_MANY_DOWNLOADS))


def install(app: Flask, services: Services) -> None:
    """Give `app` its services."""
    app.extensions["longanimation"] = services


def services_of(app: Flask) -> Services:
    """Return the services of `app`."""
    return cast(Services, app.extensions["longanimation"])


def services() -> Services:
    """Return the services of the app that answers the current request."""
    return services_of(current_app)


def json_list(field: str) -> list[object]:
    """Return the request's body, which must be a JSON list. Raises ProblemError."""
    value = request.get_json()
    if not isinstance(value, list):
        raise ProblemError(422, "bad_type", f"The body must be a list of {field}.", field)
    return value


def query_number(name: str, default: int) -> int:
    """Return a number from the query. Raises ProblemError."""
    text = request.args.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise ProblemError(422, "bad_number", f"`{name}` must be a whole number of at most 18 digits.", name)
    return int(text)


def user() -> Token:
    """Return the sender of the current request. On a server that requires no token it is an admin without a name."""
    return cast(Token, g.user)


def require_admin() -> None:
    """Refuse everyone but admins. Raises ProblemError."""
    if user().role != "admin":
        raise ProblemError(
            403, "admin_needed", "Only a token of the role admin may do this: ask whoever runs the server."
        )


def require_room() -> None:
    """Refuse new data while the disk is nearly full, so that running jobs can finish. Raises NoSpace."""
    free, kept = services().blobs.free_bytes, services().config.retention.free_bytes
    if free is not None and free < kept:
        raise NoSpace(f"{free} bytes are free; {kept} are reserved for running jobs.")
