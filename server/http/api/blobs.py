# SPDX-License-Identifier: GPL-3.0-or-later
"""Content-addressed uploads. Blobs that already exist need not be sent, and damaged uploads are detected."""

import contextlib

from flask import Blueprint, Response, jsonify, request

from server.http.problems import ProblemError
from server.images.codec import ImageError
from server.storage.database import QuotaExceeded
from shared.digests import address_of, is_address
from shared.protocol import API_PREFIX

from . import json_list, require_room, services, user
from .validation import look_at

blueprint = Blueprint("blobs", __name__, url_prefix=f"{API_PREFIX}/blobs")


@blueprint.post("/missing")
def missing() -> Response:
    """Read a list of addresses and return those that must be uploaded."""
    addresses = [_address(one) for one in json_list("addresses")]
    return jsonify(services().blobs.missing(addresses))


@blueprint.put("/<address>")
def put(address: str) -> tuple[Response, int]:
    """Store the body under its address: 201 if it is new, 200 if it is known."""
    _address(address)
    blobs = services().blobs
    if not blobs.missing([address]) and blobs.verify(address):  # whoever sends a known blob may want to mend it
        return jsonify({"address": address}), 200
    require_room()
    content = request.get_data()
    arrived = address_of(content)
    if arrived != address:
        raise ProblemError(
            422,
            "digest_mismatch",
            f"The {len(content)} bytes that arrived have the address {arrived}, not {address}: send them again.",
        )
    # Facts let a job that uses the image be checked quickly. If it is not an image, that job names it and its frame.
    facts = None
    with contextlib.suppress(ImageError):
        facts = look_at(content, "The image")
    quota = services().config.quota.bytes
    try:
        blobs.add(address, content, user().name, facts, quota)
    except QuotaExceeded as error:
        raise ProblemError(
            403,
            "quota_bytes",
            f"Your uploads and frames would exceed your quota of {(quota or 0) / 1e9:.1f} GB on this server: delete "
            "jobs that you no longer need; their space is free within a day.",
        ) from error
    return jsonify({"address": address}), 201


def _address(value: object) -> str:
    if not isinstance(value, str) or not is_address(value):
        raise ProblemError(
            422,
            "bad_address",
            f"{value!r} is not a SHA-256 address: write 64 lower-case hexadecimal digits.",
            "address",
        )
    return value
