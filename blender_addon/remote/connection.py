# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests whether a server can be used. Does not use Blender."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..shared.errors import ServerError
from ..shared.remote.client import Client
from ..shared.server_info import ServerInfo
from ..shared.translatable_text import TranslatableText


@dataclass(frozen=True)
class Diagnosis:
    """The result of a connection test.

    sentence: for the animator. remedy: what would help, as in errors.ServerError. info: the server's information, if it
    answers. workers: how many workers it has.
    """

    sentence: str
    remedy: str = ""
    info: ServerInfo | None = None
    workers: int = 0

    @property
    def is_good(self) -> bool:
        """Whether shots that are sent are colored."""
        return self.workers > 0


def diagnose(address: str, token: str) -> Diagnosis:
    """Test a server, from its name to its workers; takes up to half a minute."""
    try:
        client = Client(address, token, retries=0)
        begun = time.monotonic()
        info = client.info()
        milliseconds = 1000 * (time.monotonic() - begun)
        client.missing(())  # /info needs no token on a server that is open to all; this always does
        workers = sum(queue.workers for queue in client.queues())
    except ServerError as error:
        return Diagnosis(str(error), error.remedy)
    if not workers:
        sentence = TranslatableText(
            "The server answers, but has no worker: shots wait until it has one. A worker that has just stopped is "
            "back in a few seconds. Otherwise start the server without `--workers 0`, or start a worker (python -m "
            "server worker)."
        )
        return Diagnosis(sentence, "worker", info)
    sentence = TranslatableText(
        "Server {version} answers in {milliseconds} ms. {count} jobs wait or run on {devices}.",
        version=info.server_version,
        milliseconds=f"{milliseconds:.0f}",
        count=info.queue_length,
        devices=", ".join(info.devices) or TranslatableText("no device"),
    )
    return Diagnosis(sentence, info=info, workers=workers)
