# SPDX-License-Identifier: GPL-3.0-or-later
"""Access control: anyone on this machine may use the server; users elsewhere need a token."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from server.config import Config, ConfigError
from server.http.problems import ProblemError
from server.storage.sessions import Sessions
from server.storage.tokens import Token, Tokens
from shared.hosts import is_loopback

OPEN = "/healthz"
"""The only address that needs no token. It only says that the process is alive."""
ENTRANCE = ("web.login", "web.enter", "web.static")
"""The endpoints that a browser needs to log in to the dashboard. They reveal nothing about the server."""
PAGES = "web"
"""Blueprint of the dashboard. Only its pages accept a session cookie; the API accepts only bearer tokens."""
COOKIE = "longanimation_session"
RATE = RateLimitItemPerSecond(2000, 10)
"""The most requests per token. It is several times what a client sends to upload a shot."""
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
IDENTIFY = "longanimation-identify"
"""Name of the check of a sender among the extensions of an application."""
LOCAL_USER = Token("", "admin", 0.0)
"""The user of a server that only programs on this machine can reach."""

HEADERS = {
    # The dashboard uses its own style, script and pictures; nothing else may run or be loaded.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # without one, browsers do not send the origin of our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def check_exposure(config: Config, tokens: Tokens) -> None:
    """Refuse to listen beyond this machine if no token exists that would identify users. Raises ConfigError."""
    if not config.is_private and not tokens:
        raise ConfigError(
            f"Listening on {config.host} lets other machines in, and no token exists yet: create one with "
            f"`python -m server token --data {config.data}`, or listen on 127.0.0.1."
        )


def register(app: Flask, config: Config, tokens: Tokens, sessions: Sessions) -> None:
    """Check every request to `app`, and add security headers to every answer."""
    limiter = MovingWindowRateLimiter(MemoryStorage())

    def identify() -> None:
        """Find out who sends the request. Raises ProblemError if that person may not."""
        _refuse_other_sites()
        if config.is_private:
            _require_own_name()
        elif request.path != OPEN and request.endpoint not in ENTRANCE:
            user = sessions.find(request.cookies.get(COOKIE, "")) if request.blueprint == PAGES else None
            g.user = user or _bearer(tokens)

    app.extensions[IDENTIFY] = identify

    @app.before_request
    def _check() -> None:
        identify()
        if not config.is_private and "user" in g and not limiter.hit(RATE, g.user.name):
            raise ProblemError(
                429, "too_many_requests", "This token sends too many requests: wait ten seconds, then go on."
            )

    @app.after_request
    def _add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response


def admits(app: Flask, environ: dict[str, Any]) -> bool:
    """Return whether the sender of a request may send a large body. The server asks before it reads the body, and `app`
    checks the request again. The login page accepts no large body."""
    identify: Callable[[], None] = app.extensions[IDENTIFY]
    with app.request_context(environ):
        try:
            identify()
        except Exception:  # also if the database is away: the application then says so
            return False
        return "user" in g


def _bearer(tokens: Tokens) -> Token:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ProblemError(
            401,
            "token_needed",
            "This server needs a token: ask whoever runs it for one (`python -m server token`) and enter it in "
            "the add-on's preferences; programs send it as `Authorization: Bearer …`.",
        )
    known = tokens.find(token.strip())
    if known is None:
        raise ProblemError(
            401, "bad_token", "This token is not known to the server: ask whoever runs it for a new one."
        )
    return known


def _require_own_name() -> None:
    # A page of another site, opened in a browser on this machine, can point its own host name to this address, but it
    # cannot forge the Host header.
    if not is_loopback(_hostname(f"//{request.host}")):
        raise ProblemError(
            403, "wrong_host", "This server answers only on this machine, as localhost or 127.0.0.1, not by that name."
        )
    g.user = LOCAL_USER


def _refuse_other_sites() -> None:
    # Such a page must not send a form either. Browsers say which site a request comes from.
    origin = request.headers.get("Origin")
    if request.method not in SAFE_METHODS and origin is not None and origin.partition("://")[2] != request.host:
        raise ProblemError(403, "other_site", "This request comes from a page of another site, and was refused.")


def _hostname(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:  # unbalanced brackets
        return ""
