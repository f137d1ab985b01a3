# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's extension repository: Blender installs and updates the add-on from the server that it connects to."""

import functools
import hashlib
import logging
import tomllib
import zipfile
import zlib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from flask import Blueprint, Response, jsonify, request, send_file
from pydantic import BaseModel, Field, ValidationError

from server.http.problems import ProblemError

from . import services

blueprint = Blueprint("extensions", __name__, url_prefix="/extensions")

logger = logging.getLogger(__name__)

MANIFEST = "blender_manifest.toml"
_NOT_BUILT = "The Blender extension is not built on this server: run `python install.py addon` there."

Text = Annotated[str, Field(pattern=r"\S")]
Line = Annotated[str, Field(pattern=r"^[^\s\p{Cc}]([^\p{Cc}]*[^\s\p{Cc}])?$")]
Numbers = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)*$")]
Version = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$")]


class Manifest(BaseModel, strict=True):
    """The fields of an extension's manifest that a listing repeats. Blender rejects a listing with an entry that
    differs. Paths and wheels are not included."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z][0-9A-Za-z]*(_[0-9A-Za-z]+)*$")]
    schema_version: Version
    name: Line
    tagline: Text
    version: Version
    type: Literal["add-on", "theme"]
    maintainer: Line
    license: Annotated[list[Text], Field(min_length=1)]
    blender_version_min: Numbers
    blender_version_max: Numbers | None = None
    website: Line | None = None
    copyright: list[Text] | None = None
    permissions: dict[str, str] | None = None
    tags: Annotated[list[Text], Field(min_length=1)] | None = None
    platforms: Annotated[list[Text], Field(min_length=1)] | None = None


@blueprint.get("/index.json")
def index() -> Response:
    """Return the listing, version 1 of Blender's extension API."""
    return _listing("./")


@blueprint.before_app_request
def for_blender() -> Response | None:
    """Return the listing to Blender at the server's root address too. Blender requests JSON, browsers a page."""
    accepted = request.accept_mimetypes
    if request.path != "/" or accepted.best_match(["text/html", "application/json"]) != "application/json":
        return None
    return _listing("./extensions/")


@blueprint.get("/<name>.zip")
def archive(name: str) -> Response:
    """Return a built extension. Older ones are available too, for a Blender that has an older listing."""
    for path in _archives():
        if path.stem == name:
            return send_file(path, mimetype="application/zip")
    raise ProblemError(404, "no_extension", f"There is no extension {name!r} here: see /extensions/index.json.")


def _listing(folder: str) -> Response:
    """Return the newest version of each extension. With several versions, Blender would show one and install another.

    folder: where the archives are, relative to the address of the listing.
    """
    newest: dict[str, dict[str, Any]] = {}
    for path in _archives():
        facts = path.stat()
        entry = _entry(path, facts.st_size, facts.st_mtime_ns)
        if entry is not None and (
            entry["id"] not in newest or _order(entry["version"]) > _order(newest[entry["id"]]["version"])
        ):
            newest[entry["id"]] = entry | {"archive_url": folder + quote(path.name)}
    if not newest:
        raise ProblemError(404, "no_extension", _NOT_BUILT)
    return jsonify({"version": "v1", "blocklist": [], "data": list(newest.values())})


def _archives() -> list[Path]:
    """Return the archives, by name. While an archive is being written its name begins with a dot."""
    return sorted(services().config.extensions.glob("[!.]*.zip"))


@functools.lru_cache(maxsize=64)
def _entry(archive: Path, size: int, date: int) -> dict[str, Any] | None:
    """Return the entry of an archive in Blender's listing, or None if it is not an extension, which is logged.

    size, date: the archive's own, so that a changed one is read again.
    """
    try:
        with zipfile.ZipFile(archive) as content:
            manifest = Manifest.model_validate(tomllib.loads(content.read(MANIFEST).decode()))
        with archive.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, EOFError, KeyError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        logger.warning("%s is not a Blender extension and is not offered: %s", archive, _reason(error))
        return None
    return manifest.model_dump(exclude_none=True) | {"archive_size": size, "archive_hash": f"sha256:{digest}"}


def _reason(error: Exception) -> str:
    """Return in one line why an archive is not an extension."""
    if isinstance(error, ValidationError):
        return "; ".join(f"{MANIFEST}, {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return str(error)


def _order(version: str) -> tuple[list[int], bool, str]:
    """Return a sort key for a version. A pre-release comes before its release."""
    numbers, _, prerelease = version.partition("+")[0].partition("-")
    return [int(number) for number in numbers.split(".")], not prerelease, prerelease
