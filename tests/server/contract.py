# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenAPI document as a contract: the server's answers are checked against it."""

import functools
import re
import tempfile
from pathlib import Path
from typing import Any

from flask import Response, request
from werkzeug.datastructures import ImmutableMultiDict

from server.config import Config
from server.http.api.openapi import document
from server.http.app import create_app
from shared.protocol import API_PREFIX


class WatchedQuery(ImmutableMultiDict[str, str]):
    """The parameters of a query. They record the names that the server reads."""

    def __init__(self, mapping: Any = None) -> None:
        self.asked: set[str] = set()
        super().__init__(mapping)

    def __getitem__(self, key: str) -> str:
        self.asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)

    def getlist(self, key: str, *arguments: Any, **options: Any) -> Any:
        self.asked.add(key)
        return super().getlist(key, *arguments, **options)


class Contract:
    """The operations and answers that a document promises."""

    def __init__(self, described: dict[str, Any]) -> None:
        self._paths = {
            re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))): operations
            for path, operations in described["paths"].items()
        }
        self._components = described["components"]["responses"]

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """Return the operation that a request is for, None when there is none."""
        wanted = "get" if method == "HEAD" else method.lower()
        found = [operations for pattern, operations in self._paths.items() if pattern.fullmatch(path)]
        return next((operations[wanted] for operations in found if wanted in operations), None)

    def media_types(self, operation: dict[str, Any], status: int) -> set[str] | None:
        """Return the media types of a status, None when the operation does not list it. "default" lists nothing."""
        response = operation["responses"].get(str(status))
        if response is not None and "$ref" in response:
            response = self._components[response["$ref"].rpartition("/")[2]]
        return None if response is None else set(response.get("content", {}))

    def faults(self, method: str, path: str, status: int, media_type: str, asked: frozenset[str]) -> list[str]:
        """Return how an answer deviates.

        media_type: that of the body, empty if there is none. asked: the parameters of the query that the server looked
        for.
        """
        label = f"{method} {path} → {status}"
        operation = self.operation(method, path)
        if operation is None:
            is_ours = path.startswith(API_PREFIX) and method != "OPTIONS" and status < 300
            return [f"{label}: the operation is not documented"] * is_ours
        documented = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
        found = [f"{label}: the query's parameter {name} is not documented" for name in sorted(asked - documented)]
        media_types = self.media_types(operation, status)
        if media_types is None:
            found.append(f"{label}: the status is not documented")
        elif method != "HEAD" and media_type not in (media_types or {""}):
            found.append(f"{label}: the media type {media_type!r} is not documented")
        return found


@functools.cache
def contract() -> Contract:
    """Return the contract of the current server."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return Contract(document(create_app(Config(Path(folder))).url_map))


def observe(response: Response) -> tuple[str, str, int, str, frozenset[str]]:
    """Return what the contract is asked about the answer to the present request."""
    asked = getattr(request.args, "asked", ())
    media_type = body_type(response.status_code, response.mimetype)
    return request.method, request.path, response.status_code, media_type, frozenset(asked)


def body_type(status: int, content_type: str) -> str:
    """Return the media type of an answer's body, empty if its status has none, whatever the header says."""
    return "" if status in (204, 304) else content_type.partition(";")[0]
