# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenAPI document describes the server: every route, query, status and media type, and nothing else."""

import copy
import re
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from limits import RateLimitItemPerSecond

from server.config import REPOSITORY, Config
from server.http import security
from server.http.api.openapi import document
from server.http.app import create_app
from server.storage.blobs import Blobs, MissingBlob
from server.storage.database import open_database
from server.storage.tokens import Tokens
from shared.codec import from_json, to_json
from shared.digests import address_of
from shared.protocol import API_PREFIX, Problem

from .conftest import Site, SmallShot
from .contract import Contract, contract, observe

JOBS = f"{API_PREFIX}/jobs"
JSON_BODIES = ("findMissingBlobs", "submitJob", "setPriority", "putPalette")


@pytest.fixture
def described(client: FlaskClient) -> dict[str, Any]:
    """The document that the server gives."""
    return dict(client.get(f"{API_PREFIX}/openapi.json").get_json())


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the method and path of each operation, and what the document says of it."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_every_route_but_those_of_the_dashboard_is_described(client: FlaskClient, described: dict[str, Any]) -> None:
    assert set(described["components"]["schemas"]) >= {"ShotManifest", "Keyframe", "JobStatus", "JobEvent", "Problem"}
    routed = set()
    for rule in client.application.url_map.iter_rules():
        if not rule.endpoint.startswith("web."):
            path = rule.rule
            for converter, name in (
                ("<uuid:job_id>", "{job_id}"),
                ("<int(signed=True):frame>", "{frame}"),
                ("<address>", "{address}"),
                ("<name>", "{name}"),
            ):
                path = path.replace(converter, name)
            routed |= {(method.lower(), path) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    assert {(method, path) for method, path, _ in operations(described)} == routed


def test_every_operation_has_a_name_of_its_own_a_tag_and_its_arguments(described: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(described)]
    assert len(set(names)) == len(names) and all(re.fullmatch(r"[a-z]+[A-Za-z]*", name) for name in names)
    tags = {tag["name"] for tag in described["tags"]}
    for _, path, operation in operations(described):
        assert set(operation["tags"]) <= tags and len(operation["tags"]) == 1
        arguments = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert arguments == set(re.findall(r"\{(\w+)\}", path))


def test_only_the_sign_of_life_needs_no_token(described: dict[str, Any]) -> None:
    assert described["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    open_to_all = [path for _, path, operation in operations(described) if operation.get("security") == []]
    assert open_to_all == [security.OPEN] and {"token": []} in described["security"]


def test_every_status_of_an_error_has_an_example_of_its_shape(described: dict[str, Any]) -> None:
    responses = described["components"]["responses"]
    used = {
        (status, response["$ref"].rpartition("/")[2])
        for _, _, operation in operations(described)
        for status, response in operation["responses"].items()
        if status[0] in "45" and "$ref" in response
    }
    assert {f"Problem{status}" for status, _ in used} | {"Problem"} == set(responses)
    for status, name in used:
        example = responses[name]["content"]["application/problem+json"]["example"]
        assert from_json(Problem, example).status == int(status) and set(example) == set(to_json(Problem(0, "", "")))


def test_files_are_binary(described: dict[str, Any]) -> None:
    found = {
        media_type: content["schema"]
        for _, _, operation in operations(described)
        for response in operation["responses"].values()
        for media_type, content in response.get("content", {}).items()
        if media_type.partition("/")[0] in ("image", "video") or media_type == "application/zip"
    }
    assert set(found) == {"image/png", "application/zip", "video/mp4"}
    assert all(schema == {"type": "string", "format": "binary"} for schema in found.values())


def test_what_is_answered_is_whole_and_what_is_sent_may_leave_out_defaults(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    assert set(schemas["JobStatus"]["required"]) == set(schemas["JobStatus"]["properties"])
    assert "prompt" in schemas["ShotManifest"]["properties"] and "prompt" not in schemas["ShotManifest"]["required"]


_HAIR = {"swatches": [{"name": "Hair", "color": "#102030"}]}
_HAIR_AT_NIGHT = {"swatches": [{"name": "Hair", "color": "#000010"}]}


class Provocation:
    """Requests that cause every answer of every operation, and the answers."""

    def __init__(self, folder: Path, site: Site, job: str, shot: SmallShot) -> None:
        self.config = Config(folder, extensions=folder / "extensions")
        self.site, self.shot = site, shot
        self.app = create_app(self.config)
        self.client = self.app.test_client()
        self.arguments = {"job_id": job, "frame": "101", "address": next(iter(shot.blobs)), "name": "cpu"}
        self.answered: dict[str, set[tuple[int, str]]] = {}
        self.asked: dict[str, set[str]] = {}
        self.described = document(self.app.url_map)
        self.operations = {one["operationId"]: (method, path) for method, path, one in operations(self.described)}

    def note(self, _app: object, response: flask.Response) -> None:
        """Note an answer of an application."""
        method, path, status, media_type, asked = observe(response)
        if operation := contract().operation(method, path):
            self.answered.setdefault(operation["operationId"], set()).add((status, media_type))
            self.asked.setdefault(operation["operationId"], set()).update(asked)

    def path(self, operation: str, **arguments: str) -> str:
        """Return the address of an operation."""
        names = {"name": "Show"} if "Palette" in operation else {}
        names = {"name": "color-1.2.3"} if operation == "getExtension" else names
        return self.operations[operation][1].format(**self.arguments | names | arguments)

    def send(self, operation: str, status: int, client: FlaskClient | None = None, **options: Any) -> Any:
        """Send a request that is answered with `status`."""
        arguments = options.pop("arguments", {})
        if "json" not in options and "data" not in options:
            body = self.body(operation)
            options = body | options | {"headers": body.get("headers", {}) | options.get("headers", {})}
        method = self.operations[operation][0].upper()
        response = (client or self.client).open(self.path(operation, **arguments), method=method, **options)
        assert response.status_code == status, (operation, response.text)
        return response

    def body(self, operation: str) -> dict[str, Any]:
        """Return a proper body for an operation."""
        return {
            "findMissingBlobs": {"json": [self.arguments["address"]]},
            "putBlob": {"data": next(iter(self.shot.blobs.values()))},
            "submitJob": {"json": to_json(self.shot.manifest)},
            "setPriority": {"json": {"priority": "low"}},
            "putPalette": {"json": _HAIR, "headers": {"If-None-Match": "*"}},
        }.get(operation, {})

    def provoke(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Cause every answer."""
        self._ask_for_what_is_not_there()
        self._ask_without_right(monkeypatch)
        self._send_what_cannot_be_read()
        self._ask_for_files()
        self._work()
        self._break(monkeypatch)

    def _ask_for_what_is_not_there(self) -> None:
        """Ask for an extension before one is built, at a host that is another one, and with arguments of nothing."""
        self.send("listExtensions", 404)
        self.config.extensions.mkdir()
        with zipfile.ZipFile(self.config.extensions / "color-1.2.3.zip", "w") as archive:
            archive.write(REPOSITORY / "blender_addon" / "blender_manifest.toml", "blender_manifest.toml")
        for operation, (_, path) in self.operations.items():
            self.send(operation, 403, headers={"Host": "elsewhere.example"})
            if "{" in path:
                self.answered.setdefault(operation, set()).add(self._of_nothing(operation))

    def _of_nothing(self, operation: str) -> tuple[int, str]:
        nothing = dict.fromkeys(self.arguments, "no/such")
        response = self.send(operation, 404, arguments=nothing)
        return response.status_code, response.mimetype

    def _ask_without_right(self, monkeypatch: pytest.MonkeyPatch) -> None:
        engine = open_database(self.config)
        token = Tokens(engine).create("boss", "admin")
        engine.dispose()
        guarded = Config(self.config.data, host="0.0.0.0", extensions=self.config.extensions)
        headers = {"Authorization": f"Bearer {token}"}
        closed = [one for one in self.operations if one != "isAlive"]
        client = create_app(guarded).test_client()
        for operation in closed:
            self.send(operation, 401, client)
        with monkeypatch.context() as patch:
            patch.setattr(security, "RATE", RateLimitItemPerSecond(1, 1000))
            client.get("/readyz", headers=headers)
            for operation in closed:
                self.send(operation, 429, client, headers=headers)
        with monkeypatch.context() as patch:
            patch.setattr(Tokens, "find", _away)
            for operation in closed:
                self.send(operation, 503, client, headers=headers)

    def _send_what_cannot_be_read(self) -> None:
        limit = self.site.call("GET", "/info", 200)["limits"]["blob_bytes"]
        for operation, (method, _) in self.operations.items():
            for length, status in (("x", 400), (str(limit + 1), 413)):
                url = self.site.root + self.path(operation)
                response = self.site.session.request(method, url, headers={"Content-Length": length}, timeout=30)
                assert response.status_code == status
                self.answered[operation].add((status, response.headers["Content-Type"]))
        for operation in JSON_BODIES:
            self.send(operation, 415, data="[]", content_type="text/plain")
            self.send(operation, 422, json={} if operation == "findMissingBlobs" else [])
        self.send("putBlob", 422, data=b"another", arguments={"address": address_of(b"one")})
        self.send("listJobs", 422, query_string={"state": "lost"})
        self.send("listJobs", 404, query_string={"before": str(uuid.uuid4())})
        self.send("listEvents", 422, query_string={"after": "x"})
        self.send("getFrame", 422, query_string={"layer": "x"})
        self.send("getFrame", 422, query_string={"layer": "regions", "gap": "x", "smallest_region": "9"})
        self.send("getPalette", 422, query_string={"version": "x"})

    def _ask_for_files(self) -> None:
        for operation in ("getFrame", "getArchive", "getVideo", "getExtension"):
            etag = self.send(operation, 200).headers["ETag"]
            self.send(operation, 304, headers={"If-None-Match": etag})
            self.send(operation, 412, headers={"If-Match": '"another"'})
        self.send("getExtension", 206, headers={"Range": "bytes=0-1"})
        self.send("getExtension", 416, headers={"Range": "bytes=999999999-"})

    def _work(self) -> None:
        """Use every operation as intended, and in states that do not allow it."""
        waiting = {"arguments": {"job_id": str(uuid.uuid4())}}
        shot = {"json": to_json(self.shot.manifest) | {"seed": 7}}
        self.send("putBlob", 201, data=b"new", arguments={"address": address_of(b"new")})
        self.send("pauseQueue", 200)  # the job stays as it is until it is deleted
        self.send("submitJob", 201, **waiting, **shot)
        self.send("submitJob", 200, **waiting, **shot)
        self.send("submitJob", 409, **waiting)
        self.send("setPriority", 200, **waiting)
        self.send("getVideo", 409, **waiting)
        self.send("cancelJob", 200, **waiting)
        for operation in ("cancelJob", "setPriority"):
            self.send(operation, 409, **waiting)
        self.send("retryJob", 200, **waiting)
        self.send("retryJob", 409, **waiting)
        self.send("deleteJob", 204, **waiting)
        self.send("resumeQueue", 200)
        self.send("putPalette", 201)
        self.send("putPalette", 200, json=_HAIR_AT_NIGHT, headers={"If-Match": '"1"'})
        self.send("putPalette", 412, json=_HAIR, headers={"If-Match": '"1"'})
        self.send("putPalette", 428, json=_HAIR)
        self.send("putPalette", 201, arguments={"name": "Old"})
        self.send("deletePalette", 204, arguments={"name": "Old"})
        for operation, (method, _) in self.operations.items():
            if method == "get" or operation in ("findMissingBlobs", "putBlob", "pauseQueue", "resumeQueue"):
                self.send(operation, 200)
        self.send("getMetrics", 200, headers={"Accept": "application/openmetrics-text"})

    def _break(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as lost:
            lost.setattr(Blobs, "read", _lose)
            lost.setattr(Blobs, "missing", lambda _blobs, wanted: [*wanted])
            lost.setattr(Blobs, "sizes", lambda *_: {})
            self.send("getFrame", 409)
            self.send("getArchive", 409)
        cancelled, failed = {"job_id": str(uuid.uuid4())}, {"job_id": str(uuid.uuid4())}
        for number, arguments in enumerate((cancelled, failed)):
            self.send("submitJob", 201, arguments=arguments, json=to_json(self.shot.manifest) | {"seed": number + 8})
        self.send("cancelJob", 200, arguments=failed)
        new = address_of(b"newer")
        full: dict[str, Any] = {
            "submitJob": {"arguments": {"job_id": str(uuid.uuid4())}},
            "cancelJob": {"arguments": cancelled},
            "setPriority": {"arguments": cancelled},
            "retryJob": {"arguments": failed},
            "putBlob": {"arguments": {"address": new}, "data": b"newer"},
            "putPalette": {"arguments": {"name": "New"}},
        }
        monkeypatch.setattr("server.storage.blobs.TOUCH_SECONDS", -1)  # so that what is asked for is noted at once
        sa.event.listen(sa.Engine, "before_cursor_execute", _refuse_to_write)
        try:
            for operation, (method, _) in self.operations.items():
                if method != "get" or operation == "getVideo":
                    self.send(operation, 507, **full.get(operation, {}))
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", _refuse_to_write)
        for endpoint in self.app.view_functions:
            monkeypatch.setitem(self.app.view_functions, endpoint, _fail)
        for operation in self.operations:
            self.send(operation, 500)


def _lose(_blobs: Blobs, address: str) -> bytes:
    raise MissingBlob(address)


def _away(*_: object) -> None:
    raise sa.exc.OperationalError("SELECT", None, Exception("the server closed the connection"))


def _refuse_to_write(_connection: object, _cursor: object, statement: str, *_: object) -> None:
    if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA", "WITH")):
        raise sa.exc.OperationalError(statement, None, Exception("database or disk is full"))


def _fail(**_: object) -> None:
    raise ZeroDivisionError


@pytest.fixture
def provocation(
    site: Site, start_worker: Callable[[], Any], shot: SmallShot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Provocation:
    """All possible answers of the operations, from a server that has colored a shot."""
    start_worker()
    job = site.submit(shot)
    site.wait_for_state(job, "done")
    site.film(job)
    found = Provocation(tmp_path, site, job, shot)
    with flask.request_finished.connected_to(found.note):
        found.provoke(monkeypatch)
    return found


def test_every_status_media_type_and_query_is_documented_and_every_documented_one_is_answered(
    provocation: Provocation,
) -> None:
    promises = Contract(provocation.described)
    for _, _, operation in operations(provocation.described):
        name = operation["operationId"]
        statuses = [int(status) for status in operation["responses"] if status != "default"]
        documented = {
            (status, media_type)
            for status in statuses
            for media_type in promises.media_types(operation, status) or {""}
        }
        assert provocation.answered[name] == documented, name
        queries = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
        assert provocation.asked[name] == queries, name


FRAME = f"{API_PREFIX}/jobs/{{job_id}}/frames/{{frame}}.png"
ANSWER = ("GET", f"{API_PREFIX}/jobs/{uuid.uuid4()}/frames/101.png")


@pytest.mark.parametrize(
    ("break_it", "word"),
    [
        (lambda paths: paths.pop(FRAME), "operation"),
        (lambda paths: paths[FRAME].pop("get"), "operation"),
        (lambda paths: paths[FRAME]["get"].update(parameters=[]), "layer"),
        (lambda paths: paths[FRAME]["get"]["responses"].pop("200"), "status"),
        (lambda paths: paths[FRAME]["get"]["responses"]["200"].pop("content"), "media type"),
        (lambda paths: paths[FRAME]["get"]["responses"]["200"].update(content={"image/webp": {}}), "media type"),
    ],
)
def test_a_document_that_lacks_something_is_found_out(
    described: dict[str, Any], break_it: Callable[[dict[str, Any]], object], word: str
) -> None:
    seen = (*ANSWER, 200, "image/png", frozenset({"layer"}))
    assert not Contract(described).faults(*seen)
    broken = copy.deepcopy(described)
    break_it(broken["paths"])
    (fault,) = Contract(broken).faults(*seen)
    assert word in fault
