# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions of browsers: who entered a token on the dashboard need not do so for every page. Like a token's, only a
session's hash is kept."""

import secrets

import sqlalchemy as sa

from .database import now
from .tables import sessions, tokens
from .tokens import Token, digest, token_of_row

SESSION_SECONDS = 7 * 24 * 3600


class Sessions:
    """The sessions that are open. One ends with the token it was opened with."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def open(self, token: str) -> str | None:
        """Open a session with a token and return its secret, None if the token is not ours."""
        secret = secrets.token_urlsafe(32)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(sessions).where(sessions.c.expires < now()))
            known = connection.scalar(sa.select(tokens.c.digest).where(tokens.c.digest == digest(token)))
            if known is None:
                return None
            row = {"digest": digest(secret), "token": known, "expires": now() + SESSION_SECONDS}
            connection.execute(sa.insert(sessions).values(**row))
        return secret

    def find(self, secret: str) -> Token | None:
        """Return the token that a session was opened with, None if there is no such session any more."""
        own = (sessions.c.digest == digest(secret), sessions.c.expires >= now(), tokens.c.digest == sessions.c.token)
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(tokens).where(*own)).first()
        return None if row is None else token_of_row(row)

    def close(self, secret: str) -> None:
        """End a session."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(sessions).where(sessions.c.digest == digest(secret)))
