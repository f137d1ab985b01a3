# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a server until it answers: it may be restarting, or this computer may have slept."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from ..errors import RefusedError, ServerError, UnreachableError

PAUSES = (1, 2, 5, 10, 20, 30)
"""Seconds between the attempts to reach an unavailable server; the last pause is repeated."""

BUSY = frozenset((429, 503, 507))
"""Temporary refusals: too many requests, a server that is shutting down, a full disk."""

Result = TypeVar("Result")


def ask_patiently(
    call: Callable[[], Result], on_trouble: Callable[[ServerError, int], None], sleep: Callable[[float], None]
) -> Result:
    """Call the server until it answers. Raises what `call`, `on_trouble` and `sleep` raise, except for what passes.

    on_trouble: is told the error of each vain attempt, and for how many seconds there has been no answer. sleep: waits
    for some seconds, or raises to give up.
    """
    since = time.monotonic()
    pauses = iter(PAUSES)
    pause = 0
    while True:
        try:
            return call()
        except UnreachableError as error:
            trouble: ServerError = error
        except RefusedError as error:
            if error.status not in BUSY:
                raise
            trouble = error
        pause = next(pauses, pause)
        on_trouble(trouble, round(time.monotonic() - since))
        sleep(pause)
