# SPDX-License-Identifier: GPL-3.0-or-later
"""Slots for answers that last: no user takes all of them from the others."""

from collections.abc import Callable

import pytest
import requests
from flask import Response

from server.config import Config
from server.http.dashboard.stream import MOST_STREAMS
from server.http.problems import ProblemError
from server.http.slots import Slots
from server.storage.database import open_database
from server.storage.tokens import Tokens

from .conftest import Site


def test_a_user_holds_at_most_half_of_the_slots_and_gets_them_back() -> None:
    slots = Slots(4, "too_many", "There are too many.")
    own = [slots.hold(Response(), "alice") for _ in range(2)]
    with pytest.raises(ProblemError) as refused:
        slots.hold(Response(), "alice")
    assert (refused.value.problem.status, refused.value.problem.code) == (503, "too_many")
    slots.hold(Response(), "bob")
    slots.hold(Response(), "carol")
    with pytest.raises(ProblemError):
        slots.hold(Response(), "bob")
    own[0].close()
    slots.hold(Response(), "bob")


def test_users_without_a_name_may_hold_all_slots() -> None:
    slots = Slots(4, "too_many", "There are too many.")
    for _ in range(4):
        slots.hold(Response(), "")
    with pytest.raises(ProblemError):
        slots.hold(Response(), "")


def test_a_user_with_many_streams_leaves_some_to_others(serve: Callable[..., Site], storage: Config) -> None:
    engine = open_database(storage)
    secrets = {name: Tokens(engine).create(name) for name in ("alice", "bob")}
    engine.dispose()
    site = serve("--workers", "0", "--proxied")

    def listen(name: str) -> requests.Response:
        browser = requests.Session()
        browser.post(f"{site.root}/login", data={"token": secrets[name]}, timeout=30)
        return browser.get(f"{site.root}/stream", stream=True, timeout=30)

    streams = [listen("alice") for _ in range(MOST_STREAMS // 2 + 1)]
    assert [one.status_code for one in streams] == [200] * (MOST_STREAMS // 2) + [503]
    assert listen("bob").status_code == 200
    for one in streams:
        one.close()
