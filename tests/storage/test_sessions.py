# SPDX-License-Identifier: GPL-3.0-or-later
"""Browser sessions end when they should."""

import sqlalchemy as sa

from server.storage.database import now
from server.storage.sessions import Sessions
from server.storage.tables import sessions as rows
from server.storage.tables import tokens as token_rows
from server.storage.tokens import Tokens

DAY = 24 * 3600.0


def test_a_session_stands_for_its_token_until_it_is_closed(engine: sa.Engine) -> None:
    tokens, sessions = Tokens(engine), Sessions(engine)
    secret = sessions.open(tokens.create("alice", "admin"))
    assert secret is not None
    found = sessions.find(secret)
    assert found is not None and (found.name, found.role) == ("alice", "admin")
    assert sessions.find(secret[:-1]) is None and sessions.find("") is None
    sessions.close(secret)
    assert sessions.find(secret) is None


def test_an_unknown_token_opens_no_session(engine: sa.Engine) -> None:
    Tokens(engine).create("alice")
    assert Sessions(engine).open("alice") is None


def test_a_session_ends_with_its_token_and_after_a_week(engine: sa.Engine) -> None:
    tokens, sessions = Tokens(engine), Sessions(engine)
    revoked, old, live = (sessions.open(tokens.create(name)) for name in ("alice", "bob", "carol"))
    assert revoked and old and live
    tokens.revoke("alice")
    with engine.begin() as connection:
        assert len(connection.execute(sa.select(rows).where(rows.c.expires > now() + 6.9 * DAY)).all()) == 3
        bobs = sa.select(token_rows.c.digest).where(token_rows.c.name == "bob").scalar_subquery()
        connection.execute(sa.update(rows).where(rows.c.token == bobs).values(expires=now() - 1))
    assert sessions.find(revoked) is None and sessions.find(old) is None
    assert sessions.find(live) is not None
    sessions.open(tokens.create("dora"))
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(rows).where(rows.c.expires < now())) == 0


def test_a_session_is_not_kept_in_the_clear(engine: sa.Engine) -> None:
    secret = Sessions(engine).open(Tokens(engine).create("alice"))
    with engine.connect() as connection:
        assert secret not in connection.execute(sa.select(rows)).one()


def test_a_token_and_its_sessions_end_when_the_token_expires(engine: sa.Engine) -> None:
    tokens, sessions = Tokens(engine), Sessions(engine)
    token = tokens.create("alice", days=1)
    secret = sessions.open(token)
    assert secret and sessions.find(secret) and tokens.find(token) and tokens
    with engine.begin() as connection:
        connection.execute(sa.update(token_rows).values(expires=now() - 1))
    assert tokens.find(token) is None and sessions.find(secret) is None and sessions.open(token) is None
    assert not tokens, "a server that only an expired token could use does not start"
    assert tokens.find(tokens.create("alice")) is not None
