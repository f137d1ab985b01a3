# SPDX-License-Identifier: GPL-3.0-or-later
"""Every request has an id, which its answer and all its log lines carry, and a line in the log when it is answered."""

import logging
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from flask import Flask, Response, g, request

from server import logs

UNKNOWN = "unknown"
"""Stands for what anybody could make up: an address that is none of ours, a method that is none."""
METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE")

logger = logging.getLogger(logs.ACCESS)


@dataclass(frozen=True)
class Access:
    """An answered request. path: the pattern of its address, without what stands in it. seconds: until the answer
    began; a long one is sent afterwards."""

    method: str
    path: str
    status: int
    seconds: float


def register(app: Flask, observe: Callable[[Access], None]) -> None:
    """Watch the requests of `app`, those that are refused too; call this before anything else that does.

    observe: is told of every answer.
    """

    @app.before_request
    def _begin() -> None:
        g.begun = time.perf_counter()
        g.request_id = uuid.uuid4().hex
        g.log_context = ExitStack()
        g.log_context.enter_context(logs.context(request=g.request_id))

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
            "bytes": response.content_length,  # None of a stream, which this must not read
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
