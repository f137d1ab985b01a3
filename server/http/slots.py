# SPDX-License-Identifier: GPL-3.0-or-later
"""How many answers of a kind may be on their way at once. Each takes a thread for as long as its client reads."""

import threading
from collections import Counter
from functools import partial

from flask import Response

from .problems import ProblemError


class Slots:
    """Slots for `count` answers, of which one user gets at most half. code, title: of the problem that others get."""

    def __init__(self, count: int, code: str, title: str) -> None:
        self._count = count
        self._code = code
        self._title = title
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()

    def hold(self, response: Response, user: str) -> Response:
        """Give a slot to `response` until it is closed. Raises ProblemError if none is free for this user.

        user: the name of a token. It is empty where no token is required; such users cannot be told apart, and get all.
        """
        with self._lock:
            if self._held.total() >= self._count or (user and self._held[user] >= self._count // 2):
                raise ProblemError(503, self._code, self._title)
            self._held[user] += 1
        response.call_on_close(partial(self._release, user))
        return response

    def _release(self, user: str) -> None:
        with self._lock:
            self._held -= Counter([user])  # this drops users who hold none
