# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages: the queue with its history, and a job."""

from typing import get_args
from uuid import UUID

from flask import Blueprint, g, render_template, request

from server import __version__
from server.http.api import services, user
from server.http.api.jobs import find_job, segment_statuses
from server.storage.job import ACTIVE_STATES
from shared.manifest import Priority
from shared.status import FINAL_STATES

from .job_view import JobView, film, in_turn, pace, timeline

LONGEST_HISTORY = 1000
"""The most jobs that one page shows."""
HISTORY = 30
"""How many jobs it shows unless more are requested."""
LOG = 200
"""How many of a job's latest events are shown."""


def index() -> str:
    """Show the devices, the waiting and running jobs, and the ended ones, newest first."""
    state = request.args.get("state", "")
    chosen = (state,) if state in FINAL_STATES else FINAL_STATES
    asked = request.args.get("show", "")
    shown = min(int(asked), LONGEST_HISTORY) if asked.isascii() and asked.isdecimal() and len(asked) < 9 else HISTORY
    catalogue = services().catalogue
    owner = None if user().role == "admin" else user().name
    active = catalogue.listed(owner, ACTIVE_STATES, LONGEST_HISTORY)
    ended = catalogue.listed(owner, chosen, shown + 1)
    return render_template(
        "index.html",
        queues=services().jobs.queues(),
        workers=services().heartbeats.alive(),
        running=[JobView(job) for job in active if job.state == "running"],
        waiting=[JobView(job) for job in in_turn([job for job in active if job.state == "queued"])],
        ended=[JobView(job) for job in ended[:shown]],
        more=len(ended) > shown and shown < LONGEST_HISTORY,
        shown=shown,
        state_chosen=state if state in FINAL_STATES else "",
        states=FINAL_STATES,
    )


def job(job_id: UUID) -> str:
    """Show a job: its images, its segments and its log."""
    found = find_job(job_id)
    segments = segment_statuses(found)
    finished = services().frames.blobs(found.id)
    events = services().events.of(found.id)
    return render_template(
        "job.html",
        job=JobView(found),
        shot=found.manifest,
        frames=film(found, finished),
        timeline=timeline(found, segments),
        pace=pace(found, segments),
        events=[event for event in events if event.message or event.kind != "progress"][-LOG:][::-1],
    )


def register(blueprint: Blueprint) -> None:
    """Add these addresses, and the values that all pages need."""
    blueprint.add_url_rule("/", view_func=index)
    blueprint.add_url_rule("/jobs/<uuid:job_id>", view_func=job)
    blueprint.context_processor(_everywhere)


def _everywhere() -> dict[str, object]:
    known = "user" in g  # a request can be refused, or need nobody, before its sender is known
    priorities = [one for one in get_args(Priority) if known and (one != "high" or user().role == "admin")]
    return {
        "version": __version__ if known else "",
        "user": user() if known else None,
        "priorities": priorities,
        "private": services().config.is_private,
    }
