# SPDX-License-Identifier: GPL-3.0-or-later
"""The library of palettes. Its versions never change: whoever changes a palette adds one, and says which one it
replaces."""

import re

from flask import Blueprint, Response, jsonify, request

from server.http.problems import ProblemError
from server.storage.database import QuotaExceeded
from server.storage.palettes import LibraryFull, PaletteChanged, UnknownPalette
from shared.codec import from_json, to_json
from shared.palette import Palette, PaletteVersion, require_name
from shared.protocol import API_PREFIX

from . import query_number, require_room, services, user

blueprint = Blueprint("palettes", __name__, url_prefix=f"{API_PREFIX}/palettes")

_ETAG = re.compile(r'"([1-9][0-9]{0,8})"')


@blueprint.get("")
def index() -> Response:
    """Return the list of PaletteSummary: the newest version of each palette, by name."""
    return jsonify([to_json(one) for one in services().palettes.newest()])


@blueprint.get("/<name>/versions")
def versions(name: str) -> Response:
    """Return the list of PaletteSummary of a palette, the newest version first."""
    try:
        return jsonify([to_json(one) for one in services().palettes.versions(name)])
    except UnknownPalette as error:
        raise _unknown(name) from error


@blueprint.get("/<name>")
def get(name: str) -> Response:
    """Return a PaletteVersion, the newest one unless the query has `version`. Its ETag is the version."""
    version = query_number("version", 0)
    try:
        return _tagged(services().palettes.get(name, version or None))
    except UnknownPalette as error:
        raise _unknown(name) from error


@blueprint.put("/<name>")
def put(name: str) -> tuple[Response, int]:
    """Add a version with the colors of a Palette, and return the PaletteVersion: 201 for the first one, otherwise 200.

    `If-Match` names the version that it replaces; `If-None-Match: *` is for a new palette. Otherwise the answer is 428,
    and 412 if the palette has another version by now.
    """
    require_name(name, "name")
    palette = from_json(Palette, request.get_json())
    replaces = _replaced()
    require_room()
    quota = services().config.quota.bytes
    try:
        found = services().palettes.put(name, palette, user().name, replaces, quota)
    except PaletteChanged as error:
        newest = f"has version {error.version}" if error.version else "does not exist"
        title = f"The palette {name} {newest} by now: read it again, and send your changes to that."
        raise ProblemError(412, "palette_changed", title) from error
    except LibraryFull as error:
        title = "The library has as many palettes as it may have: delete those that you no longer need."
        raise ProblemError(403, "library_full", title) from error
    except QuotaExceeded as error:
        title = "Your uploads, frames and palettes would exceed your quota on this server: delete some of them."
        raise ProblemError(403, "quota_bytes", title) from error
    return _tagged(found), 201 if found.version == 1 else 200


@blueprint.delete("/<name>")
def delete(name: str) -> tuple[str, int]:
    """Remove a palette with all its versions. Only admins may, and whoever alone made them."""
    try:
        authors = {one.author for one in services().palettes.versions(name)}
    except UnknownPalette as error:
        raise _unknown(name) from error
    if user().role != "admin" and authors != {user().name}:
        title = f"Others have worked on the palette {name}: only an admin may delete it."
        raise ProblemError(403, "admin_needed", title)
    services().palettes.delete(name)
    return "", 204


def _replaced() -> int:
    """Return the version that the request replaces, 0 for a new palette. Raises ProblemError."""
    match = _ETAG.fullmatch(request.headers.get("If-Match", ""))
    if match:
        return int(match[1])
    if request.headers.get("If-None-Match") == "*":
        return 0
    raise ProblemError(
        428,
        "condition_needed",
        "Say which version is replaced: send its ETag in If-Match, or If-None-Match: * for a new palette.",
    )


def _tagged(palette: PaletteVersion) -> Response:
    response = jsonify(to_json(palette))
    response.set_etag(str(palette.version))
    return response


def _unknown(name: str) -> ProblemError:
    title = f"The library has no palette {name}, or not this version of it: see GET /palettes."
    return ProblemError(404, "unknown_palette", title)
