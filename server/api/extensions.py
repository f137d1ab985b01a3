# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own extension repository: Blender installs and updates the add-on from the server that it will talk to."""

import tomllib
import zipfile
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, send_file

from server.problems import ProblemError
from shared.digests import address_of

from . import services

blueprint = Blueprint("extensions", __name__, url_prefix="/extensions")

_NOT_BUILT = "The Blender extension is not built on this server: run `python install.py addon` there."


def _archives() -> list[Path]:
    archives = sorted(services().config.extensions.glob("*.zip"))
    if not archives:
        raise ProblemError(404, "no_extension", _NOT_BUILT)
    return archives


def _entry(archive: Path) -> dict[str, Any]:
    """Describe an archive as Blender's extension listing does: its manifest, and where and what the file is."""
    with zipfile.ZipFile(archive) as content:
        manifest = tomllib.loads(content.read("blender_manifest.toml").decode())
    return manifest | {
        "archive_url": f"./{archive.name}",
        "archive_size": archive.stat().st_size,
        "archive_hash": f"sha256:{address_of(archive.read_bytes())}",
    }


@blueprint.get("/index.json")
def index() -> Response:
    """Answer with the listing, version 1 of Blender's extension API."""
    return jsonify({"version": "v1", "blocklist": [], "data": [_entry(archive) for archive in _archives()]})


@blueprint.get("/<name>.zip")
def archive(name: str) -> Response:
    """Answer with a built extension."""
    for path in _archives():
        if path.stem == name:
            return send_file(path, mimetype="application/zip")
    raise ProblemError(404, "no_extension", f"There is no extension {name!r} here: see /extensions/index.json.")
