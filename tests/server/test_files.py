# SPDX-License-Identifier: GPL-3.0-or-later
"""A file is complete or unchanged, whatever stops its writing. Power cuts are tested in tests/faults."""

import os
import stat
import threading
from pathlib import Path

import pytest

from server.files import open_atomic, write_file


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(_source: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_file(tmp_path / "frame.png", b"content")
    assert list(tmp_path.iterdir()) == []


def test_a_block_that_raises_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    write_file(file, b"old")
    with pytest.raises(KeyboardInterrupt), open_atomic(file) as stream:
        stream.write(b"half of the n")
        raise KeyboardInterrupt
    assert file.read_bytes() == b"old" and list(tmp_path.iterdir()) == [file]


def test_what_a_killed_process_left_is_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "frame.png"
    (tmp_path / ".frame.png.part").write_bytes(b"half of what was longer")
    write_file(file, b"whole")
    assert file.read_bytes() == b"whole" and list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(os.name != "posix", reason="the rights of files are those of POSIX")
def test_a_file_has_the_rights_that_others_of_its_process_have(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "shared", b"")
        write_file(tmp_path / "private", b"", 0o600)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o600


def test_several_threads_may_write_one_file_at_once(tmp_path: Path) -> None:
    file, start, failures = tmp_path / "blob", threading.Barrier(8), []

    def write() -> None:
        start.wait()
        try:
            for _ in range(20):
                write_file(file, b"the same" * 1000, concurrent=True)
        except OSError as error:
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and file.read_bytes() == b"the same" * 1000 and list(tmp_path.iterdir()) == [file]
