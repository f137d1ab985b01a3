# SPDX-License-Identifier: GPL-3.0-or-later
"""Every bad request quickly gets a problem that a program and a person can read."""

import json
import socket
import uuid
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from server.http.problems import MAX_DEPTH, MAX_JSON_BYTES, MAX_TITLE, MEDIA_TYPE
from shared.codec import to_json
from shared.protocol import API_PREFIX

from .conftest import Site, SmallShot

MISSING = f"{API_PREFIX}/blobs/missing"


def nested(depth: int) -> str:
    """A list in a list in a list …"""
    return "[" * depth + "]" * depth


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1000, 100_000])
def test_json_that_lies_too_deep_is_refused_whether_or_not_python_could_read_it(
    client: FlaskClient, depth: int
) -> None:
    answer = client.post(MISSING, data=nested(depth), content_type="application/json")
    assert (answer.status_code, json.loads(answer.data)["code"]) == (400, "too_deep")


def test_json_of_the_greatest_depth_is_read(client: FlaskClient) -> None:
    answer = client.post(MISSING, data=nested(MAX_DEPTH), content_type="application/json")
    assert (answer.status_code, json.loads(answer.data)["code"]) == (422, "bad_address")


def test_json_that_is_too_long_is_refused_before_it_is_decoded(client: FlaskClient) -> None:
    for path, method in ((MISSING, "POST"), (f"{API_PREFIX}/jobs/{uuid.uuid4()}", "PUT")):
        body = b"no JSON".ljust(MAX_JSON_BYTES + 1)
        answer = client.open(path, method=method, data=body, content_type="application/json")
        assert (answer.status_code, json.loads(answer.data)["code"]) == (413, "too_large")


def test_the_largest_shot_fits_into_the_json_that_is_read(shot: SmallShot) -> None:
    manifest = to_json(shot.manifest)
    keyframe = manifest["keyframes"][0] | {"frame": 1_000_000}
    manifest |= {"drawings": ["0" * 64] * 2000, "timing": [1999] * 100_000, "keyframes": [keyframe] * 2000}
    manifest |= {"name": "\U0001f3ee" * 10_000, "prompt": "\U0001f3ee" * 10_000}
    assert len(json.dumps(manifest)) < MAX_JSON_BYTES


def test_a_title_that_quotes_what_is_far_too_long_keeps_its_ends(client: FlaskClient) -> None:
    answer = client.post(MISSING, json=["x" * 100_000])
    title = json.loads(answer.data)["title"]
    assert answer.status_code == 422 and len(title) < MAX_TITLE + 10
    assert title.startswith("'xxx") and " … " in title and title.endswith("hexadecimal digits.")


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET http://[x/ HTTP/1.1\r\nHost: localhost",
        b"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 5000,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1",
    ],
    ids=["an address that is none", "a length of thousands of digits", "a length below nothing"],
)
def test_a_header_that_cannot_be_read_is_answered_and_not_hung_up_at(site: Site, request_line: bytes) -> None:
    address = urlsplit(site.root)
    received = b""
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(request_line + b"\r\n\r\n")
        while part := connection.recv(65536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") or head.startswith(b"HTTP/1.0 400 ")
    assert f"Content-Type: {MEDIA_TYPE}".encode() in head
    assert json.loads(body)["code"] == "bad_request"


def test_a_parent_that_no_page_could_show_is_refused(client: FlaskClient, shot: SmallShot) -> None:
    for parent in ("\ud800", "x" * 10_001):
        answer = client.put(f"{API_PREFIX}/jobs/{uuid.uuid4()}", json=to_json(shot.manifest) | {"parent": parent})
        problem = json.loads(answer.data)
        assert (answer.status_code, problem["code"], problem["field"]) == (422, "bad_text", "parent")
