# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors as application/problem+json (RFC 9457), whatever goes wrong."""

import json

from flask import Flask, Response
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask
from werkzeug.exceptions import HTTPException

from shared.protocol import Problem, ProtocolError, to_json

MEDIA_TYPE = "application/problem+json"

_SENTENCES = {
    400: ("bad_request", "The request could not be read: check its address, headers and body."),
    404: ("not_found", "There is nothing at this address: see /api/v1/openapi.json for the addresses there are."),
    405: ("method_not_allowed", "This address does not take that method: see /api/v1/openapi.json."),
    413: ("too_large", "The body is larger than this server accepts: see the limits in /api/v1/info."),
    415: ("not_json", "The body must be JSON, sent with the header Content-Type: application/json."),
    500: (
        "internal",
        "The server failed at this request; its log says why. Try again, and report it if it happens again.",
    ),
}


class ProblemError(Exception):
    """Raised anywhere in a request to answer with `problem`."""

    def __init__(
        self, status: int, code: str, title: str, field: str | None = None, missing: tuple[str, ...] = ()
    ) -> None:
        super().__init__(title)
        self.problem = Problem(status, code, title, field, missing)


def answer(problem: Problem) -> Response:
    """Turn a problem into a response."""
    return Response(json.dumps(to_json(problem)), status=problem.status, mimetype=MEDIA_TYPE)


def problem_of_status(status: int, fallback: str) -> Problem:
    """Return the problem for a bare HTTP status; `fallback` is its name in HTTP's own words."""
    code, sentence = _SENTENCES.get(status, (fallback.lower().replace(" ", "_"), f"{fallback}."))
    return Problem(status, code, sentence)


def register(app: Flask) -> None:
    """Make every error of `app` a problem."""

    @app.errorhandler(ProblemError)
    def _problem(error: ProblemError) -> Response:
        return answer(error.problem)

    @app.errorhandler(ProtocolError)
    def _protocol(error: ProtocolError) -> Response:
        return answer(Problem(422, error.code, error.sentence, error.field))

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        # Flask has logged the trace of a 500 already; it must not leave the server.
        response = answer(problem_of_status(error.code or 500, error.name))
        for name, value in error.get_headers():
            if name not in ("Content-Type", "Content-Length"):
                response.headers[name] = value
        return response


class _ProblemTask(ErrorTask):
    """Answers requests that waitress refuses before Flask sees them (too large, malformed)."""

    def execute(self) -> None:
        refusal = self.request.error
        body = json.dumps(to_json(problem_of_status(refusal.code, refusal.reason))).encode()
        self.status = f"{refusal.code} {refusal.reason}"
        self.response_headers.append(("Content-Type", MEDIA_TYPE))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class ProblemChannel(HTTPChannel):
    """A waitress channel whose own refusals are problems too."""

    error_task_class = _ProblemTask
