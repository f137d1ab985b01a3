# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads of a job: the API's zip and film, at addresses that accept a session cookie."""

from uuid import UUID

from flask import Blueprint, Response, render_template

from server.http.api import frames
from server.http.problems import ProblemError


def video(job_id: UUID) -> Response:
    """Return the film of a job, or a page that asks for it again until it is made."""
    try:
        return frames.video(job_id)
    except ProblemError as error:
        if error.problem.code != "film_in_progress":
            raise
        page = render_template("film.html", problem=error.problem)
        return Response(page, status=202, mimetype="text/html", headers={"Refresh": "2"})


def register(blueprint: Blueprint) -> None:
    """Add these addresses."""
    blueprint.add_url_rule("/jobs/<uuid:job_id>/frames.zip", view_func=frames.archive)
    blueprint.add_url_rule("/jobs/<uuid:job_id>/video.mp4", view_func=video)
