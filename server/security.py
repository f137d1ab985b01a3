# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may talk to the server: anyone on this machine, and from elsewhere who bears a token."""

from urllib.parse import urlsplit

from flask import Flask, request

from server.config import Config, ConfigError, is_loopback
from server.problems import ProblemError
from server.storage.tokens import Tokens


def check_exposure(config: Config, tokens: Tokens) -> None:
    """Refuse to listen beyond this machine while nobody could be told apart; raises ConfigError."""
    if not config.is_loopback and not tokens:
        raise ConfigError(
            f"Listening on {config.host} lets other machines in, and no token exists yet: make one with "
            f"`python -m server token --data {config.data}`, or listen on 127.0.0.1."
        )


def register(app: Flask, config: Config, tokens: Tokens) -> None:
    """Guard every request of `app`."""
    if config.is_loopback:
        app.before_request(_require_own_name)
        return

    @app.before_request
    def _require_token() -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise ProblemError(
                401,
                "token_needed",
                "This server needs a token: ask whoever runs it for one (`python -m server token`) and enter it in "
                "the add-on's preferences; programs send it as `Authorization: Bearer …`.",
            )
        if not tokens.accepts(token.strip()):
            raise ProblemError(
                401, "bad_token", "This token is not known to the server: ask whoever runs it for a new one."
            )


def _require_own_name() -> None:
    # A page of some other site, opened in a browser on this machine, can point its own name at this
    # address; it cannot fake the Host header.
    name = urlsplit(f"//{request.host}").hostname or ""
    if not is_loopback(name):
        raise ProblemError(
            403, "wrong_host", f"This server answers on this machine only, as localhost or 127.0.0.1, not as {name!r}."
        )
