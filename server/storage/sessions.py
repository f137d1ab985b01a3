# SPDX-License-Identifier: GPL-3.0-or-later
"""Browser sessions: users of the dashboard enter their token once instead of on every page. As with tokens, only the
hash of a session is stored."""

import secrets

import sqlalchemy as sa

from .database import now
from .tables import sessions, tokens
from .tokens import Token, digest, is_valid, token_of_row

SESSION_SECONDS = 7 * 24 * 3600


class Sessions:
    """The open sessions. A session ends when the token it was opened with is revoked or expires."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def open(self, token: str) -> str | None:
        """Open a session with a token and return its secret, or None if the token is unknown or has expired."""
        secret = secrets.token_urlsafe(32)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(sessions).where(sessions.c.expires < now()))
            known = connection.scalar(sa.select(tokens.c.digest).where(tokens.c.digest == digest(token), is_valid()))
            if known is None:
                return None
            row = {"digest": digest(secret), "token": known, "expires": now() + SESSION_SECONDS}
            connection.execute(sa.insert(sessions).values(**row))
        return secret

    def find(self, secret: str) -> Token | None:
        """Return the token that a session was opened with, or None if the session no longer exists."""
        own = (sessions.c.digest == digest(secret), sessions.c.expires >= now(), tokens.c.digest == sessions.c.token)
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(tokens).where(*own, is_valid())).first()
        return None if row is None else token_of_row(row)

    def close(self, secret: str) -> None:
        """End a session."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(sessions).where(sessions.c.digest == digest(secret)))
