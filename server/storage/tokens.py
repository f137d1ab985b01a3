# SPDX-License-Identifier: GPL-3.0-or-later
"""Access tokens. Only their hashes are stored; a token is shown once, when it is created."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Literal, cast

import sqlalchemy as sa

from .database import now
from .tables import tokens

DAY = 24 * 3600

Role = Literal["submit", "admin"]


def digest(token: str) -> str:
    """Return the hash of a token, which is what the server stores."""
    # A token carries 256 random bits, so a plain hash needs no salt and no stretching.
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True)
class Token:
    """The holder of a token, and what they may do.

    created, expires: when it was created, and from when on it is worthless, None if never; in seconds since the epoch.
    """

    name: str
    role: Role
    created: float
    expires: float | None = None


class Tokens:
    """The tokens that the server accepts."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def create(self, name: str, role: Role = "submit", days: float | None = None) -> str:
        """Create a token for the person or machine `name` and return it. Tokens with the same name share their jobs.

        days: how long it is valid; None means until it is revoked.
        """
        token = secrets.token_urlsafe(32)
        expires = None if days is None else now() + days * DAY
        row = {"digest": digest(token), "name": name, "role": role, "created": time.time(), "expires": expires}
        with self._engine.begin() as connection:
            connection.execute(sa.insert(tokens).values(**row))
        return token

    def find(self, token: str) -> Token | None:
        """Return the record of `token`, or None if it is unknown or has expired.

        The time that this takes does not depend on which digit is wrong.
        """
        own = digest(token)
        with self._engine.connect() as connection:
            known = connection.execute(sa.select(tokens).where(is_valid())).all()
        # Every digest is compared, so that the time does not reveal which one is nearly right.
        found = [row for row in known if hmac.compare_digest(own, row.digest)]
        return token_of_row(found[0]) if found else None

    def all(self) -> list[Token]:
        """Return all tokens, the oldest first."""
        with self._engine.connect() as connection:
            return [token_of_row(row) for row in connection.execute(sa.select(tokens).order_by(tokens.c.created))]

    def revoke(self, name: str) -> int:
        """Remove all tokens of `name` and return how many there were. Their jobs stay."""
        with self._engine.begin() as connection:
            return connection.execute(sa.delete(tokens).where(tokens.c.name == name)).rowcount

    def __bool__(self) -> bool:
        """Whether there is any valid token."""
        with self._engine.connect() as connection:
            return connection.execute(sa.select(tokens.c.digest).where(is_valid()).limit(1)).first() is not None


def is_valid() -> sa.ColumnElement[bool]:
    """Return the condition that a row of the table has not expired, by the database's clock."""
    return tokens.c.expires.is_(None) | (tokens.c.expires > now())


def token_of_row(row: sa.Row[*tuple[object, ...]]) -> Token:
    """Return the token of a row of the table."""
    return Token(row.name, cast(Role, row.role), row.created, row.expires)
