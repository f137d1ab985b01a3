# SPDX-License-Identifier: GPL-3.0-or-later
"""All errors as application/problem+json (RFC 9457)."""

import json
from dataclasses import replace
from itertools import chain
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException

from server.storage.blobs import MissingBlob
from server.storage.integrity import is_unusable
from server.storage.job import UnreadableJob
from server.storage.space import NoSpace, is_full
from server.storage.store_marker import AWAY, StoreConflict
from shared.codec import to_json
from shared.protocol import Problem, ProtocolError

MEDIA_TYPE = "application/problem+json"

MAX_DEPTH = 20
"""How deep lists and objects in a body may be nested. Those of valid messages are nested three deep."""

MAX_JSON_BYTES = 2_000_000
"""The most bytes in a JSON body: twice the size of a shot with 2000 drawings and 100,000 frames. Python needs up to
thirty times as much memory to hold the decoded data, and seconds to check it."""

MAX_TITLE = 600
"""The most characters in a title. Longer titles quote text that a client sent."""

RETRY_SECONDS = 10
"""After how long a client should ask a server again that is not ready."""

_SENTENCES = {
    400: ("bad_request", "The request could not be read: check its address, headers and body."),
    404: ("not_found", "There is nothing at this address: see /api/v1/openapi.json for the existing addresses."),
    405: ("method_not_allowed", "This address does not accept that method: see /api/v1/openapi.json."),
    413: ("too_large", "The body is larger than this server accepts: see the limits in /api/v1/info."),
    415: ("not_json", "The body must be JSON, sent with the header Content-Type: application/json."),
    503: ("database_away", "The server's database does not answer at the moment: try again in a minute."),
    507: (
        "no_space",
        "The server's disk is nearly full: it accepts nothing new and keeps all it has. Ask whoever runs it for space.",
    ),
    500: (
        "internal",
        "The server failed to process this request; its log says why. Try again, and report it if it happens again.",
    ),
}


class ProblemError(Exception):
    """Raised anywhere in a request to return `problem`."""

    def __init__(
        self, status: int, code: str, title: str, field: str | None = None, missing: tuple[str, ...] = ()
    ) -> None:
        super().__init__(title)
        self.problem = Problem(status, code, title, field, missing)


def answer(problem: Problem) -> Response:
    """Turn a problem into a response. The middle of a title that is too long is omitted."""
    if len(problem.title) > MAX_TITLE:
        half = MAX_TITLE // 2
        problem = replace(problem, title=f"{problem.title[:half]} … {problem.title[-half:]}")
    response = Response(json.dumps(to_json(problem)), status=problem.status, mimetype=MEDIA_TYPE)
    if problem.status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def problem_of_status(status: int, fallback: str) -> Problem:
    """Return the problem for a bare HTTP status. `fallback` is the status's name in HTTP."""
    code, sentence = _SENTENCES.get(status, (fallback.lower().replace(" ", "_"), f"{fallback}."))
    return Problem(status, code, sentence)


class _ShallowJSON(DefaultJSONProvider):
    """Refuses JSON that is too long to check quickly, or nested too deeply for Python to traverse."""

    def loads(self, s: str | bytes, **options: Any) -> Any:
        """Decode JSON. Raises ProblemError if it is too long or too deep, and ValueError if it is not JSON."""
        if len(s) > MAX_JSON_BYTES:
            raise ProblemError(
                413,
                "too_large",
                f"A JSON body may have at most {MAX_JSON_BYTES:,} bytes: split the shot or the list.",
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
        400, "too_deep", f"Lists and objects in the body are nested more than {MAX_DEPTH} deep: see its schema."
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

    @app.errorhandler(MissingBlob)
    def _missing(error: MissingBlob) -> Response:
        return answer(Problem(409, "missing_blobs", str(error), missing=(error.address,)))

    @app.errorhandler(UnreadableJob)
    def _unreadable(error: UnreadableJob) -> Response:
        return answer(Problem(500, "unreadable_job", str(error)))

    @app.errorhandler(StoreConflict)
    def _store(error: StoreConflict) -> Response:
        app.logger.error("%s", error)
        return answer(Problem(503, "blobs_away", AWAY))

    @app.errorhandler(sa.exc.DatabaseError)
    def _database(error: sa.exc.DatabaseError) -> Response:
        if is_full(error):
            return answer(problem_of_status(507, ""))
        if not is_unusable(error):
            raise error  # a bug
        app.logger.error("The database refused: %s", error.orig)
        return answer(problem_of_status(503, ""))

    @app.errorhandler(sa.exc.TimeoutError)
    def _busy(error: sa.exc.TimeoutError) -> Response:
        app.logger.error("All connections to the database wait: %s", error)
        return answer(problem_of_status(503, ""))

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        # Flask has already logged the traceback of a 500. It must not leave the server.
        response = answer(problem_of_status(error.code or 500, error.name))
        for name, value in error.get_headers():
            if name not in ("Content-Type", "Content-Length"):
                response.headers[name] = value
        return response
