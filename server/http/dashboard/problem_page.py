# SPDX-License-Identifier: GPL-3.0-or-later
"""The page for errors."""

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from server.http import problems
from server.http.problems import ProblemError


def problem_page(error: ProblemError) -> AnyResponse:
    """Return a page for people, or the problem itself for programs and the dashboard's own script."""
    if "text/html" not in request.headers.get("Accept", ""):
        return problems.answer(error.problem)
    if error.problem.status == 401:
        return redirect(url_for("web.login"), 303)
    page = render_template("problem.html", problem=error.problem)
    return Response(page, status=error.problem.status, mimetype="text/html")


def register(blueprint: Blueprint) -> None:
    """Show this page for every problem of the dashboard."""
    blueprint.register_error_handler(ProblemError, problem_page)
