# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads of a job: the API's zip and film, at addresses that accept a session cookie."""

from flask import Blueprint

from server.http.api import frames


def register(blueprint: Blueprint) -> None:
    """Add these addresses."""
    blueprint.add_url_rule("/jobs/<uuid:job_id>/frames.zip", view_func=frames.archive)
    blueprint.add_url_rule("/jobs/<uuid:job_id>/video.mp4", view_func=frames.video)
