# SPDX-License-Identifier: GPL-3.0-or-later
"""A stub of Zou, Kitsu's server. It is not Zou.

It has only the routes of Zou's API that the example in docs/pipeline.md needs, and answers them as Zou 1.0.97 did. What
it does not know is an error that `faults` lists.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import flask
from werkzeug.datastructures import FileStorage
from werkzeug.serving import make_server

TOKEN = "the.bot.token"
Row = dict[str, Any]


def _row(**values: Any) -> Row:
    return {"id": str(uuid.uuid4()), **values}


class Kitsu:
    """A production with a sequence and a shot, as an artist's team would set it up.

    tables: its data, by the name of the API's route. films: the bytes of each preview. faults: requests that Zou does
    not document. broken_uploads: how many of the next uploads fail.
    """

    def __init__(self) -> None:
        production = _row(name="Bears")
        sequence = _row(name="SQ01", project_id=production["id"])
        statuses = [("Todo", "todo", True), ("Waiting For Approval", "wfa", False)]
        self.tables: dict[str, list[Row]] = {
            "projects": [production],
            "sequences": [sequence],
            "shots/all": [_row(name="SH010", sequence_id=sequence["id"], project_id=production["id"])],
            "task-types": [_row(name="Compositing", for_entity="Shot"), _row(name="Compositing", for_entity="Asset")],
            "task-status": [_row(name=name, short_name=short, is_default=default) for name, short, default in statuses],
            "tasks": [],
        }
        self.comments: list[Row] = []
        self.previews: list[Row] = []
        self.films: dict[str, bytes] = {}
        self.faults: list[str] = []
        self.broken_uploads = 0
        self.address = ""

    @property
    def changes(self) -> tuple[int, int, int]:
        """How many tasks, comments and previews there are."""
        return len(self.tables["tasks"]), len(self.comments), len(self.previews)

    def find(self, table: str, given: dict[str, str]) -> list[Row]:
        """The rows of a table that have these values."""
        for key in given:
            if not all(key in row for row in self.tables[table]):
                raise _Unknown(f"{table} cannot be asked for {key}")
        return [row for row in self.tables[table] if all(str(row[key]) == value for key, value in given.items())]

    def one(self, rows: list[Row], wanted: str) -> Row:
        """The row with this id. A missing one is a 404."""
        return next((row for row in rows if row["id"] == wanted), None) or flask.abort(404)

    def shown(self, comment: Row) -> Row:
        """A comment as lists of comments show it: with its previews."""
        return comment | {"previews": [one for one in self.previews if one["comment_id"] == comment["id"]]}


class _Unknown(Exception):
    """A request that Zou does not document."""


def _body(*fields: str) -> Row:
    body = flask.request.get_json()
    if set(body) != set(fields):
        raise _Unknown(f"{flask.request.path} got {sorted(body)}, not {sorted(fields)}")
    return dict(body)


def _application(kitsu: Kitsu) -> flask.Flask:
    app = flask.Flask(__name__)

    @app.before_request
    def authorize() -> Any:
        if flask.request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return {"msg": "Not enough segments"}, 422
        return None

    @app.errorhandler(_Unknown)
    @app.errorhandler(404)
    @app.errorhandler(405)
    def unknown(error: Exception) -> Any:
        kitsu.faults.append(f"{flask.request.method} {flask.request.full_path}: {error}")
        return {"error": True, "message": str(error)}, 404

    @app.get("/api/data/<path:table>")
    def rows(table: str) -> Any:
        if table not in kitsu.tables:
            flask.abort(404)
        return flask.jsonify(kitsu.find(table, flask.request.args.to_dict()))

    @app.post("/api/data/tasks")
    def new_task() -> Any:
        body = _body("project_id", "entity_id", "task_type_id", "task_status_id", "assignees", "name")
        kitsu.one(kitsu.tables["projects"], body["project_id"])
        kitsu.one(kitsu.tables["shots/all"], body["entity_id"])
        kitsu.one(kitsu.tables["task-types"], body["task_type_id"])
        kitsu.one(kitsu.tables["task-status"], body["task_status_id"])
        task = _row(**body)
        kitsu.tables["tasks"].append(task)
        return task, 201

    @app.get("/api/data/tasks/<task>/comments")
    def comments(task: str) -> Any:
        kitsu.one(kitsu.tables["tasks"], task)
        found = [kitsu.shown(one) for one in reversed(kitsu.comments) if one["object_id"] == task]
        return flask.jsonify(found)

    @app.post("/api/actions/tasks/<task>/comment")
    def add_comment(task: str) -> Any:
        body = _body("task_status_id", "comment", "checklist", "links", "for_client")
        status = kitsu.one(kitsu.tables["task-status"], body["task_status_id"])
        kitsu.one(kitsu.tables["tasks"], task)["task_status_id"] = status["id"]
        comment = _row(object_id=task, text=body["comment"], task_status_id=status["id"])
        kitsu.comments.append(comment)
        return kitsu.shown(comment), 201

    @app.post("/api/actions/tasks/<task>/comments/<comment>/add-preview")
    def add_preview(task: str, comment: str) -> Any:
        _body()
        kitsu.one(kitsu.comments, comment)
        revision = 1 + sum(one["task_id"] == task for one in kitsu.previews)
        made = _row(task_id=task, comment_id=comment, revision=revision, original_name=None, status="processing")
        kitsu.previews.append(made)
        return made, 201

    @app.post("/api/pictures/preview-files/<preview>")
    def upload(preview: str) -> Any:
        made = kitsu.one(kitsu.previews, preview)
        (file,) = flask.request.files.values()
        if made["original_name"]:
            raise _Unknown("a preview has only one film")
        if kitsu.broken_uploads:
            kitsu.broken_uploads -= 1
            return {"error": True, "message": "Storage is full."}, 500
        kitsu.films[preview] = _movie(file)
        made["original_name"] = str(file.filename).rpartition(".")[0]
        return made, 201

    return app


def _movie(file: FileStorage) -> bytes:
    if not str(file.filename).endswith(".mp4"):
        raise _Unknown(f"{file.filename} is no film")
    return file.read()


@contextmanager
def run_kitsu() -> Iterator[Kitsu]:
    """Serve the stub on a free port until the end of the block. Whatever it did not know is an AssertionError."""
    kitsu = Kitsu()
    server = make_server("127.0.0.1", 0, _application(kitsu), threaded=True)
    kitsu.address = f"http://127.0.0.1:{server.server_port}/api"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield kitsu
    finally:
        server.shutdown()
        thread.join()
    assert not kitsu.faults
