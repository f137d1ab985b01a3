# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may talk to the server: anyone on this machine, and from elsewhere who bears a token."""

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
"""The one address that needs no token: it says that the process lives, and nothing else."""
ENTRANCE = ("web.login", "web.enter", "web.static")
"""What a browser needs so that somebody can enter a token on the dashboard: it reveals nothing of the server."""
PAGES = "web"
"""Blueprint of the dashboard. Only its pages take a session's cookie for a token; the API takes bearers alone."""
COOKIE = "longanimation_session"
RATE = RateLimitItemPerSecond(2000, 10)
"""Most requests of a token: several times what a client sends that uploads a shot."""
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
LOCAL_USER = Token("", "admin", 0.0)
"""Whoever talks to a server that only programs of this machine can reach."""

HEADERS = {
    # The dashboard brings its own style and script, and shows its own pictures; nothing else may run or be asked.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none at all, browsers do not say where our own forms come from
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def check_exposure(config: Config, tokens: Tokens) -> None:
    """Refuse to listen beyond this machine while there is no token to know users by; raises ConfigError."""
    if not config.is_private and not tokens:
        raise ConfigError(
            f"Listening on {config.host} lets other machines in, and no token exists yet: make one with "
            f"`python -m server token --data {config.data}`, or listen on 127.0.0.1."
        )


def register(app: Flask, config: Config, tokens: Tokens, sessions: Sessions) -> None:
    """Guard every request of `app`, and every answer."""
    app.before_request(_refuse_other_sites)
    if config.is_private:
        app.before_request(_require_own_name)
    else:
        limiter = MovingWindowRateLimiter(MemoryStorage())

        @app.before_request
        def _require_token() -> None:
            if request.path == OPEN or request.endpoint in ENTRANCE:
                return
            user = sessions.find(request.cookies.get(COOKIE, "")) if request.blueprint == PAGES else None
            g.user = user or _bearer(tokens)
            if not limiter.hit(RATE, g.user.name):
                raise ProblemError(
                    429, "too_many_requests", "This token sends too many requests: wait ten seconds, then go on."
                )

    @app.after_request
    def _add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        if config.certificate is not None:
            response.headers["Strict-Transport-Security"] = f"max-age={365 * 24 * 3600}"
        return response


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
    # A page of some other site, opened in a browser on this machine, can point its own name at this
    # address; it cannot fake the Host header.
    if not is_loopback(_hostname(f"//{request.host}")):
        raise ProblemError(
            403, "wrong_host", "This server answers on this machine only, as localhost or 127.0.0.1, not by that name."
        )
    g.user = LOCAL_USER


def _refuse_other_sites() -> None:
    # Nor may such a page send a form here: browsers say where a request comes from.
    origin = request.headers.get("Origin")
    if request.method not in SAFE_METHODS and origin is not None and origin.partition("://")[2] != request.host:
        raise ProblemError(403, "other_site", "This request comes from a page of another site, and was refused.")


def _hostname(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:  # brackets that do not match
        return ""
