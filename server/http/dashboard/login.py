# SPDX-License-Identifier: GPL-3.0-or-later
"""The login for browsers. A token is exchanged for a session cookie, which no script can read."""

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from server.http.api import services
from server.http.security import COOKIE
from server.storage.sessions import SESSION_SECONDS

MAX_TOKEN = 200
"""The most characters that are read as a token."""


def login() -> str:
    """Ask for a token."""
    return render_template("login.html", wrong=False)


def enter() -> AnyResponse:
    """Open a session and show the queue."""
    secret = services().sessions.open(request.form.get("token", "").strip()[:MAX_TOKEN])
    if secret is None:
        return Response(render_template("login.html", wrong=True), status=401, mimetype="text/html")
    answer = redirect(url_for("web.index"), 303)
    # Behind a proxy that does not say how the browser came, only the browser knows.
    encrypted = request.is_secure or request.headers.get("Origin", "").startswith("https:")
    answer.set_cookie(COOKIE, secret, SESSION_SECONDS, secure=encrypted, httponly=True, samesite="Lax")
    return answer


def leave() -> AnyResponse:
    """End the session."""
    services().sessions.close(request.cookies.get(COOKIE, ""))
    answer = redirect(url_for("web.login"), 303)
    answer.delete_cookie(COOKIE)
    return answer


def register(blueprint: Blueprint) -> None:
    """Add these addresses."""
    blueprint.add_url_rule("/login", view_func=login)
    blueprint.add_url_rule("/login", view_func=enter, methods=["POST"])
    blueprint.add_url_rule("/logout", view_func=leave, methods=["POST"])
