# SPDX-License-Identifier: GPL-3.0-or-later
"""Content-addressed uploads: what is there already need not be sent, and a broken upload is noticed."""

from flask import Blueprint, Response, jsonify, request

from server.problems import ProblemError
from shared.digests import address_of, is_address
from shared.protocol import API_PREFIX

from . import json_list, services

blueprint = Blueprint("blobs", __name__, url_prefix=f"{API_PREFIX}/blobs")


@blueprint.post("/missing")
def missing() -> Response:
    """Take a list of addresses; answer with those that must be uploaded."""
    addresses = [_address(one) for one in json_list("addresses")]
    return jsonify([one for one in dict.fromkeys(addresses) if one not in services().blobs])


@blueprint.put("/<address>")
def put(address: str) -> tuple[Response, int]:
    """Store the body under its address: 201 when new, 200 when known."""
    _address(address)
    blobs = services().blobs
    if address in blobs:
        return jsonify({"address": address}), 200
    content = request.get_data()
    if address_of(content) != address:
        raise ProblemError(
            422,
            "digest_mismatch",
            f"The {len(content)} bytes that arrived have the address {address_of(content)}, not {address}: "
            "send them again.",
        )
    blobs.write(content)
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
