# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP API, one blueprint a noun."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app, request

from server.config import Config
from server.jobs.client import Jobs
from server.problems import ProblemError
from server.storage.blobs import Blobs
from server.storage.catalogue import Catalogue
from server.storage.heartbeats import Heartbeats


@dataclass(frozen=True)
class Services:
    """What the routes work with."""

    config: Config
    blobs: Blobs
    catalogue: Catalogue
    heartbeats: Heartbeats
    jobs: Jobs


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
