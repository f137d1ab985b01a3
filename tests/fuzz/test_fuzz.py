# SPDX-License-Identifier: GPL-3.0-or-later
"""A thousand made-up inputs do no harm, and the run that sends them would notice if they did."""

import contextlib
import json
import sqlite3
import struct
import zlib

import pytest

from server.http.problems import MEDIA_TYPE
from tests.images.test_codec import DAMAGED

from .campaign import SHARES, Result, fuzz
from .house import open_house
from .images import PNGS, READERS, ImageFuzz, is_vast
from .ledger import LONGEST_REPRODUCTION, Ledger
from .verdict import Answer, faults

INPUTS = 1000
SECRETS = {"/srv/house": "a path of the machine", "s3cr3t": "the token of boss"}


@pytest.fixture(scope="module")
def result() -> Result:
    """A small campaign."""
    return fuzz(INPUTS, seed=1)


def test_no_input_does_harm(result: Result) -> None:
    assert not result.report["failures"]


def test_nothing_is_left_behind(result: Result) -> None:
    assert not result.left_behind


def test_every_kind_has_its_share_and_every_operation_is_reached(result: Result) -> None:
    kinds = result.report["kinds"]
    assert all(kinds[kind]["inputs"] >= INPUTS * share // 100 for kind, share in SHARES.items())
    assert "200" in kinds["operations"]["outcomes"] and "201" in kinds["uploads and shots"]["outcomes"]
    methods = {name.split()[0] for name in result.report["operations"]}
    assert methods == {"GET", "POST", "PUT", "DELETE"}


def test_a_report_holds_no_path_and_no_token(result: Result) -> None:
    text = json.dumps(result.report, ensure_ascii=False)
    assert result.ledger.secrets and not [secret for secret in result.ledger.secrets if secret in text]


def problem(status: int = 404, **changes: object) -> Answer:
    body = {"status": status, "code": "not_found", "title": "There is nothing."} | changes
    return Answer(status, b"Server: x", json.dumps(body).encode(), MEDIA_TYPE)


def test_an_answer_as_it_should_be_has_no_fault() -> None:
    assert not list(faults(problem(), SECRETS))
    assert not list(faults(Answer(200, b"", b"\x89PNG", "image/png"), SECRETS))
    assert not list(faults(Answer(404, b"", b"", ""), SECRETS, has_body=False))
    assert not list(faults(Answer(401, b"", b"<html>", "text/html"), SECRETS, is_page=True))


@pytest.mark.parametrize(
    "answer",
    [
        problem(500),
        problem(503),
        problem(507),
        problem(title=""),
        problem(code=None),
        Answer(404, b"", problem(400).body, MEDIA_TYPE),
        Answer(404, b"", b"<html>", "text/html"),
        Answer(404, b"", b"{", MEDIA_TYPE),
        Answer(404, b"", problem().body, "application/json"),
        problem(title="No such file: /srv/house/data/server.sqlite."),
        Answer(303, b"Location: /?token=s3cr3t", b"", ""),
        Answer(200, b"", b'<pre>Traceback (most recent call last)\n  File "app.py", line 3', "text/html"),
    ],
)
def test_an_answer_that_should_not_be_has_one(answer: Answer) -> None:
    assert list(faults(answer, SECRETS))


def test_of_failures_alike_the_shortest_is_kept_without_secrets() -> None:
    ledger = Ledger(SECRETS)
    for reproduction in ("GET /srv/house/x?y", "GET s3cr3t", "GET /srv/house/x?yz"):
        ledger.note("operations", "500", ["answered 500"], reproduction)
    ledger.note("images", "MemoryError", ["read_rgba raises MemoryError"], "x" * 9000)
    first, second = ledger.to_json()["failures"]
    assert (first["count"], first["reproduction"]) == (3, "GET the token of boss")
    assert len(second["reproduction"]) == LONGEST_REPRODUCTION


def test_a_reader_that_raises_anything_else_or_reads_what_is_vast_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger()
    images = ImageFuzz(ledger)
    header = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
    vast = PNGS[4][:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + PNGS[4][33:]
    assert is_vast(vast) and not is_vast(PNGS[4])
    for content in (vast, *DAMAGED.values()):
        images.send((0, content))
    assert not ledger.failures and ledger.outcomes["images"] == {"refused": len(DAMAGED) + 1}

    def reads_too_much(_content: bytes) -> None:
        if not _content:
            raise MemoryError
        bytearray(b"x" * (images.allowed + 100_000_000))

    monkeypatch.setattr("tests.fuzz.images.READERS", (reads_too_much, *READERS[1:]))
    for content in (b"", vast):
        images.send((0, content))
    assert {fault for _, fault in ledger.failures} == {
        "read_painted raises MemoryError",
        "read_painted reads too many pixels",
        "read_painted takes too much memory",
    }


def test_whatever_is_left_behind_is_found() -> None:
    with open_house() as house:
        wrong, _ = house.check()
        assert not wrong
        some = house.data / "blobs" / house.blobs[0][:2] / house.blobs[0]
        some.write_bytes(b"something else")
        (some.parent / "x.part").touch()
        (house.temporary / "film").touch()
        house.jobs.add("accepted, then lost")
        with contextlib.closing(sqlite3.connect(house.data / "server.sqlite")) as connection, connection:
            connection.execute("DELETE FROM jobs WHERE id = ?", [house.kept[-1]])
        found = "\n".join(house.check()[0])
    for words in (
        f"the blob {some.name} holds something else",
        "the blob folder holds x.part, which has no row",
        "film lies in the folder for temporary files",
        "2 accepted jobs are lost",
        "inputs of jobs that there are not",
        "events of jobs that there are not",
    ):
        assert words in found
