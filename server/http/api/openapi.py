# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenAPI document, made from the same dataclasses that the messages are."""

from typing import Any, get_args

from pydantic import TypeAdapter

from server import __version__
from server.config import DEVICES
from shared.manifest import ShotManifest
from shared.protocol import API_PREFIX, Problem
from shared.server_info import ServerInfo
from shared.status import GuessedFrame, JobEvent, JobState, JobStatus, PriorityChange, QueueStatus, SegmentStatus

_MESSAGES = (
    ServerInfo,
    ShotManifest,
    PriorityChange,
    JobStatus,
    JobEvent,
    GuessedFrame,
    SegmentStatus,
    QueueStatus,
    Problem,
)
_ADDRESSES = {"type": "array", "items": {"type": "string", "pattern": "^[0-9a-f]{64}$"}}
_ADDRESS = {"type": "object", "properties": {"address": {"type": "string"}}, "required": ["address"]}
_NUMBER = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
_BYTES = {"type": "string", "format": "binary"}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _ref(name)}


def _parameter(name: str, kind: dict[str, Any], where: str = "path") -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "schema": kind}


def _body(schema: dict[str, Any], media: str = "application/json") -> dict[str, Any]:
    return {"content": {media: {"schema": schema}}}


def _operation(
    summary: str,
    answers: dict[int, dict[str, Any] | None],
    problems: tuple[int, ...] = (),
    *,
    media: str = "application/json",
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    responses: dict[str, Any] = {
        str(status): {"description": "Done."} | ({} if schema is None else _body(schema, media))
        for status, schema in answers.items()
    }
    for status in problems:
        responses[str(status)] = {"$ref": "#/components/responses/Problem"}
    responses["default"] = {"$ref": "#/components/responses/Problem"}
    return {"summary": summary, "responses": responses} | (
        {} if body is None else {"requestBody": body | {"required": True}}
    )


def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the API."""
    _, schemas = TypeAdapter.json_schemas(
        [(message, "serialization", TypeAdapter(message)) for message in _MESSAGES],
        ref_template="#/components/schemas/{model}",
    )
    job = [_parameter("id", {"type": "string", "format": "uuid"})]
    frame = [_parameter("frame", {"type": "integer"})]
    blob = [_parameter("address", _ADDRESSES["items"])]  # type: ignore[arg-type]
    after = [_parameter("after", _NUMBER | {"default": 0}, "query")]
    listed = [
        _parameter("state", {"type": "string", "enum": list(get_args(JobState))}, "query"),
        _parameter("limit", _NUMBER | {"default": 1000}, "query"),
    ]
    queue = [_parameter("name", {"type": "string", "enum": list(DEVICES)})]
    status = _ref("JobStatus")
    paths: dict[str, Any] = {
        "/info": {"get": _operation("What this server is and offers", {200: _ref("ServerInfo")})},
        "/blobs/missing": {
            "post": _operation(
                "Which of these blobs must be uploaded",
                {200: _ADDRESSES},
                (400, 413, 415, 422),
                body=_body(_ADDRESSES),
            )
        },
        "/blobs/{address}": {
            "parameters": blob,
            "put": _operation(
                "Upload a blob (200: known already)",
                {200: _ADDRESS, 201: _ADDRESS},
                (403, 413, 422, 507),
                body=_body(_BYTES, "application/octet-stream"),
            ),
        },
        "/jobs": {
            "parameters": listed,
            "get": _operation("Your jobs, or all as an admin, the newest first", {200: _list("JobStatus")}, (422,)),
        },
        "/jobs/{id}": {
            "parameters": job,
            "put": _operation(
                "Queue a shot under an id of your making (200: queued before)",
                {200: status, 201: status},
                (400, 403, 409, 413, 415, 422, 507),
                body=_body(_ref("ShotManifest")),
            ),
            "get": _operation("Where a job stands", {200: status}, (404,)),
            "delete": _operation("Remove a job", {204: None}, (404,)),
        },
        "/jobs/{id}/events": {
            "parameters": job + after,
            "get": _operation("What happened since event number `after`", {200: _list("JobEvent")}, (404, 422)),
        },
        "/jobs/{id}/cancel": {
            "parameters": job,
            "post": _operation("Stop a job that waits or runs", {200: status}, (404, 409)),
        },
        "/jobs/{id}/retry": {
            "parameters": job,
            "post": _operation("Queue a failed or cancelled job again", {200: status}, (404, 409)),
        },
        "/jobs/{id}/priority": {
            "parameters": job,
            "post": _operation(
                "Change when it is a waiting job's turn (high: admins only)",
                {200: status},
                (400, 403, 404, 409, 413, 415, 422),
                body=_body(_ref("PriorityChange")),
            ),
        },
        "/jobs/{id}/segments": {
            "parameters": job,
            "get": _operation("The job's segments, in the order of work", {200: _list("SegmentStatus")}, (404,)),
        },
        "/jobs/{id}/frames.zip": {
            "parameters": job,
            "get": _operation("All frames that are done", {200: _BYTES}, (404,), media="application/zip"),
        },
        "/jobs/{id}/video.mp4": {
            "parameters": job,
            "get": _operation("The frames of a finished job", {200: _BYTES}, (404, 409), media="video/mp4"),
        },
        "/queues": {"get": _operation("What waits for each class of devices", {200: _list("QueueStatus")})},
        "/queues/{name}/pause": {
            "parameters": queue,
            "post": _operation("Let no job of a queue begin (admins only)", {200: _list("QueueStatus")}, (403, 404)),
        },
        "/queues/{name}/resume": {
            "parameters": queue,
            "post": _operation("Let its jobs begin again (admins only)", {200: _list("QueueStatus")}, (403, 404)),
        },
        "/jobs/{id}/frames/{frame}.png": {
            "parameters": job + frame,
            "get": _operation("A finished frame", {200: _BYTES}, (404,), media="image/png"),
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "LongAnimation Color", "version": __version__},
        "servers": [{"url": API_PREFIX}],
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "responses": {
                "Problem": {"description": "What went wrong, and what to do."}
                | _body(_ref("Problem"), "application/problem+json")
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
