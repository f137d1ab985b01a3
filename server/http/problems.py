# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors as application/problem+json (RFC 9457), whatever goes wrong."""

import json
from dataclasses import replace
from itertools import chain
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException

from server.storage.space import NoSpace, is_full
from shared.codec import to_json
from shared.protocol import Problem, ProtocolError

MEDIA_TYPE = "application/problem+json"

MAX_DEPTH = 20
"""How deep the lists and objects of a body may lie in each other; those of our messages do so three deep."""

MAX_JSON_BYTES = 2_000_000
"""Most bytes of a body in JSON: twice what a shot of 2000 drawings and 100,000 frames takes. Python needs up to thirty
times as much memory to hold what it decodes, and seconds to check it."""

MAX_TITLE = 600
"""Most characters of a title; what is too long in it is what somebody sent."""

_SENTENCES = {
    400: ("bad_request", "The request could not be read: check its address, headers and body."),
    404: ("not_found", "There is nothing at this address: see /api/v1/openapi.json for the addresses there are."),
    405: ("method_not_allowed", "This address does not take that method: see /api/v1/openapi.json."),
    413: ("too_large", "The body is larger than this server accepts: see the limits in /api/v1/info."),
    415: ("not_json", "The body must be JSON, sent with the header Content-Type: application/json."),
    503: ("database_away", "The server's database does not answer at the moment: try again in a minute."),
    507: (
        "no_space",
        "The server's disk is nearly full: it takes nothing new, and keeps all it has. Ask whoever runs it for room.",
    ),
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
    """Turn a problem into a response; the middle of a title that is far too long is left out."""
    if len(problem.title) > MAX_TITLE:
        half = MAX_TITLE // 2
        problem = replace(problem, title=f"{problem.title[:half]} … {problem.title[-half:]}")
    return Response(json.dumps(to_json(problem)), status=problem.status, mimetype=MEDIA_TYPE)


def problem_of_status(status: int, fallback: str) -> Problem:
    """Return the problem for a bare HTTP status; `fallback` is its name in HTTP's own words."""
    code, sentence = _SENTENCES.get(status, (fallback.lower().replace(" ", "_"), f"{fallback}."))
    return Problem(status, code, sentence)


class _ShallowJSON(DefaultJSONProvider):
    """Reads no JSON that is too long to be checked soon, or nests so deeply that Python could not walk through it."""

    def loads(self, s: str | bytes, **options: Any) -> Any:
        """Decode JSON; raises ProblemError when it is too long or too deep and ValueError when it is none."""
        if len(s) > MAX_JSON_BYTES:
            raise ProblemError(
                413,
                "too_large",
                f"A body in JSON may have at most {MAX_JSON_BYTES:,} bytes: split the shot or the list.",
            )
        try:
            value = super().loads(s, **options)
        except RecursionError as error:
            raise _too_deep() from error
        level = [value] if isinstance(value, (list, dict)) else []
        for _ in range(MAX_DEPTH):
            contents = chain.from_iterable(one.values() if isinstance(one, dict) else one for one in level)
            level = [one for one in contents if isinstance(one, (list, dict))]
        if level:
            raise _too_deep()
        return value


def _too_deep() -> ProblemError:
    return ProblemError(
        400, "too_deep", f"Lists and objects in the body lie more than {MAX_DEPTH} deep in each other: see its schema."
    )


def register(app: Flask) -> None:
    """Make every error of `app` a problem."""
    app.json = _ShallowJSON(app)

    @app.errorhandler(ProblemError)
    def _problem(error: ProblemError) -> Response:
        return answer(error.problem)

    @app.errorhandler(ProtocolError)
    def _protocol(error: ProtocolError) -> Response:
        return answer(Problem(422, error.code, error.sentence, error.field))

    @app.errorhandler(NoSpace)
    def _no_space(_error: NoSpace) -> Response:
        return answer(problem_of_status(507, ""))

    @app.errorhandler(sa.exc.OperationalError)
    def _database(error: sa.exc.OperationalError) -> Response:
        app.logger.error("The database refused: %s", error.orig)
        return answer(problem_of_status(507 if is_full(error) else 503, ""))

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        # Flask has logged the trace of a 500 already; it must not leave the server.
        response = answer(problem_of_status(error.code or 500, error.name))
        for name, value in error.get_headers():
            if name not in ("Content-Type", "Content-Length"):
                response.headers[name] = value
        return response
