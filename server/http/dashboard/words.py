# SPDX-License-Identifier: GPL-3.0-or-later
"""How the dashboard says times, sizes and rates; and what it says when something cannot be done."""

from datetime import UTC, datetime

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from server.http import problems
from server.http.problems import ProblemError


def duration(seconds: float) -> str:
    """Say a time span as people do: `4.2 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} days {hours % 24} h"


def size(count: float) -> str:
    """Say a number of bytes: `3.2 GB`."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000:
            break
        count, unit = count / 1000, {"bytes": "KB", "KB": "MB", "MB": "GB", "GB": "TB"}[unit]
    return f"{count:.0f} {unit}" if count >= 100 or unit == "bytes" else f"{count:.1f} {unit}"


def moment(seconds: float) -> str:
    """Write a moment, in seconds since the epoch, as HTML's `datetime` wants it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def register(blueprint: Blueprint) -> None:
    """Give the templates these words, and problems a page of their own."""
    for word in (duration, size, moment):
        blueprint.add_app_template_filter(word)
    blueprint.register_error_handler(ProblemError, _problem)


def _problem(error: ProblemError) -> AnyResponse:
    if "text/html" not in request.headers.get("Accept", ""):  # our own script, or a program
        return problems.answer(error.problem)
    if error.problem.status == 401:
        return redirect(url_for("web.login"), 303)
    page = render_template("problem.html", problem=error.problem)
    return Response(page, status=error.problem.status, mimetype="text/html")
