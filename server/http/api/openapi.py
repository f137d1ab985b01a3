# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenAPI document. Its addresses and methods come from the routes, its schemas from the dataclasses of the
messages, and the rest from `operations`."""

import re
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from werkzeug.routing import Map, Rule

from server import __version__
from server.http.problems import problem_of_status
from shared.codec import to_json
from shared.manifest import ShotManifest
from shared.palette import Palette, PaletteSummary, PaletteVersion
from shared.protocol import Problem
from shared.server_info import ServerInfo
from shared.status import JobEvent, JobStatus, JobSummary, PriorityChange, QueueStatus, SegmentStatus

from .operations import OPERATIONS, PROBLEM, Answer, Operation, Schema, ref

_SENT = (ShotManifest, PriorityChange, Palette)
_ANSWERED = (
    *(ServerInfo, JobStatus, JobSummary, JobEvent, SegmentStatus, QueueStatus, PaletteSummary, PaletteVersion),
    Problem,
)

_CONVERTERS: dict[str | None, Schema] = {
    None: {"type": "string"},
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer"},
}
_ARGUMENT = re.compile(r"<(?:(\w+)(?:\(.*?\))?:)?(\w+)>")
"""An argument of a Flask rule: its converter, if any, and its name."""

_ALWAYS = (400, 403, 413, 500)
"""Errors of any request: it cannot be read, has the wrong host or role, is too large, or fails."""
_WITH_TOKEN = (401, 429, 503)
"""Additional errors where tokens are checked: there is none, it sends too many requests, or the database is down."""

_MEANINGS = {
    400: "The request cannot be read.",
    401: "There is no token, or an unknown one.",
    403: "The token may not do this, or has used up its quota.",
    404: "There is no such thing, or it belongs to another token.",
    409: "The job's state does not allow this, blobs are missing, or the id is taken.",
    412: "It has changed since the version that `If-Match` names.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    416: "The range lies outside the file.",
    422: "A parameter or a field of the body is wrong; `field` names it.",
    428: "The request must say which version it replaces.",
    429: "The token sends too many requests.",
    500: "The server failed; its log says why.",
    503: "The server cannot work at the moment; usually its database does not answer.",
    507: "The server's disk is nearly full.",
}
_EXAMPLES = {
    401: Problem(401, "token_needed", "This server needs a token: ask whoever runs it for one."),
    403: Problem(403, "admin_needed", "Only a token of the role admin may do this: ask whoever runs the server."),
    409: Problem(409, "missing_blobs", "1 images are not on the server: upload them first.", None, ("0" * 64,)),
    422: Problem(422, "no_keyframe", "The shot has no keyframe: paint at least one of its frames.", "keyframes"),
    429: Problem(429, "too_many_requests", "This token sends too many requests: wait ten seconds, then go on."),
}


class _Schemas(GenerateJsonSchema):
    """Answers contain every field. Requests may omit fields that have a default."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)


def document(routes: Map) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of those `routes` that belong to the API."""
    paths: dict[str, dict[str, Any]] = {}
    for rule in routes.iter_rules():
        if operation := OPERATIONS.get(rule.endpoint):
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                paths.setdefault(_ARGUMENT.sub(r"{\2}", rule.rule), {})[method.lower()] = _describe(rule, operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "LongAnimation Color", "version": __version__, "license": {"name": "GPL-3.0-or-later"}},
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in OPERATIONS.values())],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "responses": {f"Problem{status}": _problem(status) for status in _MEANINGS}
            | {"Problem": _response("Every other error is a problem too.")},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _describe(rule: Rule, operation: Operation) -> dict[str, Any]:
    """Describe an operation at its route."""
    arguments = {name: _CONVERTERS[converter or None] for converter, name in _ARGUMENT.findall(rule.rule)}
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": [
            *(_parameter(name, "path", schema) for name, schema in (arguments | operation.path).items()),
            *(_parameter(name, "query", schema) for name, schema in operation.query.items()),
        ],
        "responses": {str(status): _answer(answer) for status, answer in sorted(operation.answers.items())},
    }
    for status in _problems(rule, operation):
        described["responses"][str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    described["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
    if operation.body is not None:
        media_type, schema = operation.body
        described["requestBody"] = {"required": True, "content": {media_type: {"schema": schema}}}
    if operation.is_open:
        described["security"] = []
    return described


def _answer(answer: Answer) -> dict[str, Any]:
    content = {media_type: {"schema": schema} for media_type, schema in answer.content.items()}
    return {"description": answer.description} | ({"content": content} if content else {})


def _problems(rule: Rule, operation: Operation) -> list[int]:
    """Return the statuses of all problems that an operation may return."""
    found = {*operation.problems, *_ALWAYS}
    if not operation.is_open:
        found |= {*_WITH_TOKEN}
    if rule.arguments:
        found.add(404)
    if "GET" not in (rule.methods or ()):  # it writes, and the disk may be full
        found.add(507)
    return sorted(found)


def _parameter(name: str, where: str, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "schema": schema}


def _problem(status: int) -> dict[str, Any]:
    """Return the response of a problem, with an example."""
    return _response(_MEANINGS[status], _EXAMPLES.get(status) or problem_of_status(status, HTTPStatus(status).phrase))


def _response(description: str, example: Problem | None = None) -> dict[str, Any]:
    content = {"schema": ref("Problem")} | ({} if example is None else {"example": to_json(example)})
    return {"description": description, "content": {PROBLEM: content}}


def _schemas() -> dict[str, Any]:
    """Return the schemas of all messages, by name."""
    _, schemas = TypeAdapter.json_schemas(
        [
            *((message, "validation", TypeAdapter(message)) for message in _SENT),
            *((message, "serialization", TypeAdapter(message)) for message in _ANSWERED),
        ],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schemas,
    )
    definitions: dict[str, Any] = schemas["$defs"]
    return definitions
