# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions of the buttons. They do the same as the API and then show the same page again."""

from urllib.parse import urlsplit
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from server.http.api import jobs, queues


def cancel(job_id: UUID) -> Response:
    """Stop a job."""
    jobs.cancel(job_id)
    return _back()


def retry(job_id: UUID) -> Response:
    """Queue a job again."""
    jobs.retry(job_id)
    return _back()


def priority(job_id: UUID) -> Response:
    """Change the priority of a job."""
    jobs.set_priority(job_id, {"priority": request.form.get("priority", "")})
    return _back()


def delete(job_id: UUID) -> Response:
    """Remove a job and show the queue."""
    jobs.delete(job_id)
    return redirect(url_for("web.index"), 303)


def pause(name: str) -> Response:
    """Let no job of a queue begin."""
    queues.pause(name)
    return _back()


def resume(name: str) -> Response:
    """Let the jobs of a queue begin again."""
    queues.resume(name)
    return _back()


def register(blueprint: Blueprint) -> None:
    """Add these addresses."""
    for action in (cancel, retry, priority, delete):
        blueprint.add_url_rule(f"/jobs/<uuid:job_id>/{action.__name__}", view_func=action, methods=["POST"])
    for switch in (pause, resume):
        blueprint.add_url_rule(f"/queues/<name>/{switch.__name__}", view_func=switch, methods=["POST"])


def _back() -> Response:
    """Show the button's page again."""
    try:
        page = urlsplit(request.referrer or "")
    except ValueError:  # unbalanced brackets
        page = urlsplit("")
    if page.netloc != request.host:
        return redirect(url_for("web.index"), 303)
    return redirect(f"/{page.path.lstrip('/')}" + (f"?{page.query}" if page.query else ""), 303)
