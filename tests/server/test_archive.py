# SPDX-License-Identifier: GPL-3.0-or-later
"""A zip is made while it is sent, and every reader can open it."""

import io
import struct
import zipfile

import pytest

from server.http.archive import zip_size, zip_stream

FILES = {"colored/0001.png": b"\x89PNG one", "colored/0002.png": b"", "Söhne/線.json": b"{}" * 4000}


def entries(files: dict[str, bytes] = FILES):
    return [(name, lambda content=content: content) for name, content in files.items()]


def zipped(files: dict[str, bytes] = FILES) -> bytes:
    return b"".join(zip_stream(entries(files)))


def read(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("files", [FILES, {}])
def test_what_was_sent_can_be_opened(files):
    assert read(zipped(files)) == files


@pytest.mark.slow
def test_a_large_archive_of_small_files_can_be_opened():
    files = {f"{number}.png": b"" for number in range(66_000)}  # more than the 65,535 of a zip without zip64
    assert read(zipped(files)) == files


def test_contents_beyond_four_gigabytes_use_zip64(monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)  # as if 8,000 bytes were that many
    content = zipped()
    assert b"PK\x06\x06" in content
    assert read(content) == FILES


@pytest.mark.parametrize("limit", [zipfile.ZIP64_LIMIT, 9000, 60, 8])
@pytest.mark.parametrize("files", [FILES, {}])
def test_the_size_is_known_before(files, limit, monkeypatch):
    content = {name: content[: limit // 2] for name, content in files.items()}
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
    assert zip_size((name, len(part)) for name, part in content.items()) == len(zipped(content))


def test_the_size_of_many_files_is_known_before(monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    assert zip_size((name, len(content)) for name, content in FILES.items()) == len(zipped())


def test_the_same_files_make_the_same_bytes():
    content = zipped()
    assert content == zipped()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert (entry.create_system, entry.external_attr >> 16) == (3, 0o644)
            assert entry.compress_type == zipfile.ZIP_STORED


def test_a_reader_that_does_not_wait_for_the_end_finds_every_file():
    content, found, place = zipped(), {}, 0
    while content[place : place + 4] == b"PK\x03\x04":
        flags, size, name_length, extra_length = struct.unpack_from("<2xH10xI4xHH", content, place + 4)
        assert not flags & 8, "the size comes after the content"
        start = place + 30 + name_length + extra_length
        found[content[place + 30 : place + 30 + name_length].decode()] = content[start : start + size]
        place = start + size
    assert found == FILES


def test_a_content_is_read_when_its_turn_comes_and_sent_at_once():
    read_so_far = []

    def content(name: str):
        return lambda: read_so_far.append(name) or name.encode() * 1000

    stream = zip_stream((name, content(name)) for name in "abc")
    assert read_so_far == []
    for number, name in enumerate("abc", start=1):
        piece = next(stream)
        assert len(read_so_far) == number
        assert name.encode() * 1000 in piece and len(piece) < 1100


def test_a_content_that_cannot_be_read_ends_the_archive_unfinished():
    def missing() -> bytes:
        raise LookupError("blob is gone")

    sent = []
    with pytest.raises(LookupError, match="blob is gone"):
        for piece in zip_stream([("a", lambda: b"here"), ("b", missing)]):
            sent.append(piece)
    with pytest.raises(zipfile.BadZipFile):
        read(b"".join(sent))
