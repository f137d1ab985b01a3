# SPDX-License-Identifier: GPL-3.0-or-later
"""Access tokens. Only their hashes are kept: a token is shown once, when it is made."""

import hashlib
import hmac
import secrets
import time

import sqlalchemy as sa

from .database import tokens


def _digest(token: str) -> str:
    # A token carries 256 random bits, so a plain hash needs no salt and no stretching.
    return hashlib.sha256(token.encode()).hexdigest()


class Tokens:
    """The tokens that the server accepts."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def create(self, name: str) -> str:
        """Make a token for the person or machine called `name` and return it."""
        token = secrets.token_urlsafe(32)
        with self._engine.begin() as connection:
            connection.execute(sa.insert(tokens).values(digest=_digest(token), name=name, created=time.time()))
        return token

    def accepts(self, token: str) -> bool:
        """Tell whether `token` was made here. Takes the same time whichever digit is wrong."""
        digest = _digest(token)
        with self._engine.connect() as connection:
            known = connection.scalars(sa.select(tokens.c.digest)).all()
        # Every digest is compared, so that the time does not tell which one came near.
        return sum(hmac.compare_digest(digest, one) for one in known) > 0

    def __bool__(self) -> bool:
        """Whether there is any token."""
        with self._engine.connect() as connection:
            return connection.execute(sa.select(tokens.c.digest).limit(1)).first() is not None
