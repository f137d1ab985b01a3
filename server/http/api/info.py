# SPDX-License-Identifier: GPL-3.0-or-later
"""`GET /info`, which describes this server, and its OpenAPI document."""

from flask import Blueprint, Response, current_app, jsonify

from server import __version__
from server.presets.preset import available_presets
from server.storage.job import ACTIVE_STATES
from shared.codec import to_json
from shared.protocol import API_PREFIX, PROTOCOL_VERSION
from shared.server_info import PresetInfo, ServerInfo

from . import services
from .openapi import document

blueprint = Blueprint("info", __name__, url_prefix=API_PREFIX)


@blueprint.get("/info")
def info() -> Response:
    """Return a ServerInfo."""
    presets = tuple(
        PresetInfo(one.name, one.title, one.license, one.bytes, paints_backgrounds=one.paints_backgrounds)
        for one in available_presets()
    )
    return jsonify(
        to_json(
            ServerInfo(
                server_version=__version__,
                protocol_version=PROTOCOL_VERSION,
                presets=presets,
                devices=services().heartbeats.devices(),
                limits=services().config.limits,
                queue_length=services().catalogue.count(ACTIVE_STATES),
            )
        )
    )


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Return the OpenAPI document of this API."""
    return jsonify(document(current_app.url_map))
