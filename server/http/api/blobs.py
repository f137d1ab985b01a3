# SPDX-License-Identifier: GPL-3.0-or-later
"""Content-addressed uploads: what is there already need not be sent, and a broken upload is noticed."""

import contextlib

from flask import Blueprint, Response, jsonify, request

from server.http.problems import ProblemError
from server.image_codec import ImageError
from shared.digests import address_of, is_address
from shared.protocol import API_PREFIX

from . import json_list, require_room, services, user
from .validation import look_at

blueprint = Blueprint("blobs", __name__, url_prefix=f"{API_PREFIX}/blobs")


@blueprint.post("/missing")
def missing() -> Response:
    """Take a list of addresses; answer with those that must be uploaded."""
    addresses = [_address(one) for one in json_list("addresses")]
    return jsonify(services().blobs.missing(addresses))


@blueprint.put("/<address>")
def put(address: str) -> tuple[Response, int]:
    """Store the body under its address: 201 when new, 200 when known."""
    _address(address)
    blobs = services().blobs
    if not blobs.missing([address]):
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
    _check_quota(len(content))
    # So that a job that shows it is checked at once; if it is no image, that job says so, and in which frame.
    facts = None
    with contextlib.suppress(ImageError):
        facts = look_at(content, "The image")
    blobs.add(address, content, user().name, facts)
    return jsonify({"address": address}), 201


def _check_quota(more: int) -> None:
    """Refuse what would take a token beyond its quota; raises ProblemError."""
    quota = services().config.quota.bytes
    if quota is not None and services().blobs.usage(user().name)[1] + more > quota:
        raise ProblemError(
            403,
            "quota_bytes",
            f"Your uploads and frames would take more than the {quota / 1e9:.1f} GB that you may have here: delete "
            "jobs that you no longer need; their room is free within a day.",
        )


def _address(value: object) -> str:
    if not isinstance(value, str) or not is_address(value):
        raise ProblemError(
            422,
            "bad_address",
            f"{value!r} is not a SHA-256 address: write 64 lower-case hexadecimal digits.",
            "address",
        )
    return value
