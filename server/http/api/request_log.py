# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of requests. Each request has an id, which its answer and log lines include, and one line when answered."""

import logging
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from flask import Flask, Response, g, request

from server import logs

UNKNOWN = "unknown"
"""Replaces values that clients can make up: unknown addresses and methods."""
METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE")

logger = logging.getLogger(logs.ACCESS)


@dataclass(frozen=True)
class Access:
    """An answered request. path: the pattern of its address, without its arguments. seconds: the time until the answer
    began; long answers are sent after that."""

    method: str
    path: str
    status: int
    seconds: float


def register(app: Flask, observe: Callable[[Access], None]) -> None:
    """Log the requests of `app`, including refused ones. Call this before registering any other request hooks.

    observe: called for every answer.
    """

    @app.before_request
    def _begin() -> None:
        g.begun = time.perf_counter()
        g.request_id = uuid.uuid4().hex
        g.log_context = ExitStack()
        g.log_context.enter_context(logs.context(request=g.request_id, client=request.remote_addr or ""))

    @app.after_request
    def _answered(response: Response) -> Response:
        access = Access(
            request.method if request.method in METHODS else UNKNOWN,
            UNKNOWN if request.url_rule is None else request.url_rule.rule,
            response.status_code,
            time.perf_counter() - g.begun,
        )
        observe(access)
        fields = {
            "method": access.method,
            "path": access.path,
            "status": access.status,
            "milliseconds": round(access.seconds * 1000, 1),
            "bytes": response.content_length,  # None for a stream, which must not be read here
            "user": g.user.name if "user" in g else "",
        }
        line = "%s %s was answered with %s in %.1f ms."
        logger.info(line, access.method, access.path, access.status, access.seconds * 1000, extra=fields)
        response.headers["X-Request-ID"] = g.request_id
        return response

    @app.teardown_request
    def _end(_error: BaseException | None) -> None:
        if "log_context" in g:
            g.log_context.close()
