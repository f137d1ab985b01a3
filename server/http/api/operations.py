# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations of the API in its OpenAPI document, as far as the routes themselves do not describe them."""

from dataclasses import dataclass, field
from typing import Any, get_args

from server.config import DEVICES
from shared.digests import ADDRESS_PATTERN
from shared.manifest import MOST_GAP
from shared.status import JobState

Schema = dict[str, Any]

JSON = "application/json"
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Answer:
    """A successful answer of an operation.

    content: the schema of each media type; empty if the answer has no body.
    """

    description: str
    content: dict[str, Schema] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """One method of one address.

    id: its name in generated clients. problems: statuses of its own errors, in addition to those of every operation.
    path: schemas of arguments of the address, where they say more than the route. query: schemas of the query's
    parameters. body: the media type and schema of the request's body. is_open: whether it needs no token.
    """

    id: str
    tag: str
    summary: str
    answers: dict[int, Answer]
    problems: tuple[int, ...] = ()
    path: dict[str, Schema] = field(default_factory=dict)
    query: dict[str, Schema] = field(default_factory=dict)
    body: tuple[str, Schema] | None = None
    is_open: bool = False


def ref(name: str) -> Schema:
    """Return a reference to the schema of a message."""
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name: str) -> Schema:
    return {"type": "array", "items": ref(name)}


def _json(schema: Schema, description: str) -> Answer:
    return Answer(description, {JSON: schema})


def _status(key: str, value: str) -> Schema:
    return {"type": "object", "properties": {key: {"type": "string", "const": value}}, "required": [key]}


_BYTES = {"type": "string", "format": "binary"}
_NUMBER = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
_ADDRESS = {"type": "string", "pattern": f"^{ADDRESS_PATTERN}$"}
_ADDRESSES = {"type": "array", "items": _ADDRESS}
_STORED = {"type": "object", "properties": {"address": _ADDRESS}, "required": ["address"]}
_LISTING = {
    "type": "object",
    "properties": {
        "version": {"type": "string", "const": "v1"},
        "blocklist": {"type": "array", "items": {}},
        "data": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["version", "blocklist", "data"],
}
_QUEUE = {"name": {"type": "string", "enum": list(DEVICES)}}

_JOB = _json(ref("JobStatus"), "The job's state.")
_QUEUES = {200: _json(_list("QueueStatus"), "The queues, by name.")}


def _tagged(media_type: str, description: str) -> dict[int, Answer]:
    """Return the answers for a file that has an ETag."""
    content = {media_type: _BYTES}
    return {
        200: Answer(description, content),
        304: Answer("The file is the one that `If-None-Match` names."),
        412: Answer("The file is not the one that `If-Match` names.", content),
    }


def _file(media_type: str, description: str) -> dict[int, Answer]:
    """Return the answers for a file that has an ETag and supports `Range` requests."""
    return _tagged(media_type, description) | {206: Answer("The part that `Range` requests.", {media_type: _BYTES})}


# By Flask's endpoint name.
OPERATIONS = {
    "info.info": Operation(
        "getInfo", "server", "The server's version, presets and limits", {200: _json(ref("ServerInfo"), "The server.")}
    ),
    "info.openapi": Operation(
        "getOpenApi", "server", "This document", {200: _json({"type": "object"}, "The document.")}
    ),
    "health.live": Operation(
        "isAlive",
        "server",
        "Whether the process is alive",
        {200: _json(_status("status", "ok"), "It does.")},
        is_open=True,
    ),
    "health.ready": Operation(
        "isReady",
        "server",
        "Whether the server can take jobs",
        {200: _json(_status("status", "ready"), "It can.")},
        (503,),
    ),
    "metrics": Operation(
        "getMetrics",
        "server",
        "Metrics for Prometheus (admins only)",
        {
            200: Answer(
                "In the format that `Accept` requests.",
                {"text/plain": {"type": "string"}, "application/openmetrics-text": {"type": "string"}},
            )
        },
    ),
    "blobs.missing": Operation(
        "findMissingBlobs",
        "blobs",
        "Which of these blobs must be uploaded",
        {200: _json(_ADDRESSES, "The addresses that the server does not have.")},
        (415, 422),
        body=(JSON, _ADDRESSES),
    ),
    "blobs.put": Operation(
        "putBlob",
        "blobs",
        "Upload a blob under its SHA-256",
        {200: _json(_STORED, "It already exists."), 201: _json(_STORED, "It is new.")},
        (422,),
        path={"address": _ADDRESS},
        body=("application/octet-stream", _BYTES),
    ),
    "jobs.index": Operation(
        "listJobs",
        "jobs",
        "Your jobs, or all jobs for an admin, newest first",
        {200: _json(_list("JobSummary"), "A page of jobs, 1000 at most. `Link` has the address of the next one.")},
        (404, 422),
        query={
            "state": {"type": "string", "enum": list(get_args(JobState))},
            "limit": _NUMBER | {"default": 100},
            "before": {"type": "string", "format": "uuid"},
        },
    ),
    "jobs.put": Operation(
        "submitJob",
        "jobs",
        "Queue a shot under an id that you choose",
        {200: _json(ref("JobStatus"), "It was already queued."), 201: _json(ref("JobStatus"), "It is queued.")},
        (409, 415, 422),
        body=(JSON, ref("ShotManifest")),
    ),
    "jobs.get": Operation("getJob", "jobs", "The state of a job", {200: _JOB}),
    "jobs.delete": Operation("deleteJob", "jobs", "Remove a job", {204: Answer("It is gone.")}),
    "jobs.events": Operation(
        "listEvents",
        "jobs",
        "The events of a job after event number `after`",
        {200: _json(_list("JobEvent"), "The events, by number.")},
        (422,),
        query={"after": _NUMBER | {"default": 0}},
    ),
    "jobs.segments": Operation(
        "listSegments",
        "jobs",
        "The segments of a job, in the order of work",
        {200: _json(_list("SegmentStatus"), "The segments; none before the job's first run.")},
    ),
    "jobs.cancel": Operation("cancelJob", "jobs", "Stop a waiting or running job", {200: _JOB}, (409,)),
    "jobs.retry": Operation("retryJob", "jobs", "Queue a failed or canceled job again", {200: _JOB}, (409,)),
    "jobs.priority": Operation(
        "setPriority",
        "jobs",
        "Change the priority of a waiting job (`high`: admins only)",
        {200: _JOB},
        (409, 415, 422),
        body=(JSON, ref("PriorityChange")),
    ),
    "frames.get": Operation(
        "getFrame",
        "frames",
        "A finished frame or a layer of it: its colors without lines, the lines alone, or its drawing's regions",
        _tagged("image/png", "The frame."),
        (409, 422),
        query={
            "layer": {"type": "string", "enum": ["colored", "fills", "lines", "regions"], "default": "colored"},
            "gap": {"type": "number", "minimum": 0, "maximum": MOST_GAP},
            "smallest_region": {"type": "integer", "minimum": 1},
        },
    ),
    "frames.archive": Operation(
        "getArchive",
        "frames",
        "All frames that are done, one PNG per frame",
        _tagged("application/zip", "The archive."),
        (409,),
    ),
    "frames.video": Operation(
        "getVideo",
        "frames",
        "The frames of a finished job as a film. A worker makes it when it is first asked for; the answer is 503 until "
        "it is made",
        _tagged("video/mp4", "The film."),
        (409, 507),
    ),
    "palettes.index": Operation(
        "listPalettes",
        "palettes",
        "The newest version of each palette in the library, by name",
        {200: _json(_list("PaletteSummary"), "The palettes.")},
    ),
    "palettes.versions": Operation(
        "listPaletteVersions",
        "palettes",
        "The versions of a palette, the newest first",
        {200: _json(_list("PaletteSummary"), "The versions that are kept.")},
    ),
    "palettes.get": Operation(
        "getPalette",
        "palettes",
        "A palette, in its newest version or another one",
        {200: _json(ref("PaletteVersion"), "The palette; its ETag is the version.")},
        (422,),
        query={"version": _NUMBER | {"default": 0}},
    ),
    "palettes.put": Operation(
        "putPalette",
        "palettes",
        "Add a version of a palette. `If-Match` has the ETag of the one that it replaces; `If-None-Match: *` is for "
        "a new palette",
        {
            200: _json(ref("PaletteVersion"), "The new version."),
            201: _json(ref("PaletteVersion"), "The first version."),
        },
        (412, 415, 422, 428),
        body=(JSON, ref("Palette")),
    ),
    "palettes.delete": Operation(
        "deletePalette",
        "palettes",
        "Remove a palette with all its versions (admins, and whoever alone made them)",
        {204: Answer("It is gone.")},
    ),
    "queues.index": Operation("listQueues", "queues", "The queue of each class of devices", _QUEUES),
    "queues.pause": Operation(
        "pauseQueue", "queues", "Pause a queue: none of its jobs begins (admins only)", _QUEUES, path=_QUEUE
    ),
    "queues.resume": Operation("resumeQueue", "queues", "Resume a paused queue (admins only)", _QUEUES, path=_QUEUE),
    "extensions.index": Operation(
        "listExtensions",
        "extensions",
        "The extension repository, as Blender reads it",
        {200: _json(_LISTING, "Version 1 of Blender's listing.")},
        (404,),
    ),
    "extensions.archive": Operation(
        "getExtension",
        "extensions",
        "A built extension",
        _file("application/zip", "The extension."),
        (416,),
    ),
}
