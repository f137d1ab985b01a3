# SPDX-License-Identifier: GPL-3.0-or-later
"""How many answers of a kind may be on their way at once. Each takes a thread for as long as its client reads."""

import threading

from flask import Response

from .problems import ProblemError


class Slots:
    """Slots for `count` answers. code, title: of the problem that others get."""

    def __init__(self, count: int, code: str, title: str) -> None:
        self._free = threading.Semaphore(count)
        self._code = code
        self._title = title

    def hold(self, response: Response) -> Response:
        """Give a slot to `response` until it is closed. Raises ProblemError if none is free."""
        if not self._free.acquire(blocking=False):
            raise ProblemError(503, self._code, self._title)
        response.call_on_close(self._free.release)
        return response
