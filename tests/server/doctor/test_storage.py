# SPDX-License-Identifier: GPL-3.0-or-later
"""The data folder and the blob store."""

import subprocess
from pathlib import Path

import pytest

from server.config import Config
from server.doctor.blobs import check_blobs
from server.doctor.database import check_database
from server.doctor.folder import check_folder
from server.storage.blobs import open_blobs
from server.storage.database import open_database

from .findings import the_one


def read_only(folder: Path) -> None:
    """Make a mounted file system read-only, even for root."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


def test_a_data_folder_that_is_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    the_one(check_folder(Config(tmp_path / "file" / "data")), "fault", "Data folder")


def test_a_data_folder_that_cannot_be_written_is_a_fault(small_disk: Path) -> None:
    read_only(small_disk)
    the_one(check_folder(Config(small_disk / "data")), "fault", "Data folder")
    the_one(check_blobs(Config(small_disk / "data")), "fault", "Blob store")


def test_a_disk_that_is_nearly_full_is_a_fault(small_disk: Path) -> None:
    the_one(check_folder(Config(small_disk)), "fault", "Disk")


def test_the_probe_of_a_blob_store_leaves_nothing(tmp_path: Path) -> None:
    store = tmp_path / "blobs"
    store.mkdir()
    the_one(check_blobs(Config(tmp_path)), "ok", "Blob store")
    assert not list(store.iterdir())


def test_a_blob_store_that_is_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "blobs").touch()
    the_one(check_blobs(Config(tmp_path)), "fault", "Blob store")


@pytest.mark.parametrize("address", ["nosuchstore://bucket", "s3://bucket/prefix"])
def test_a_blob_store_that_nothing_here_can_write_is_a_fault(tmp_path: Path, address: str) -> None:
    if address.startswith("s3"):
        try:
            import s3fs  # noqa: F401
        except ImportError:
            pass
        else:
            pytest.skip("s3fs is installed")
    the_one(check_blobs(Config(tmp_path, blobs=address)), "fault", "Blob store")


def test_a_blob_store_of_another_database_is_a_fault(tmp_path: Path) -> None:
    open_blobs(open_database(Config(tmp_path)), str(tmp_path / "blobs"))
    other = Config(tmp_path / "other", blobs=str(tmp_path / "blobs"))
    engine = open_database(other)
    open_blobs(engine, str(tmp_path / "other" / "blobs"))
    engine.dispose()
    found = the_one(check_database(other), "fault", "Blob store")
    assert "belongs to another database" in found.text


def test_a_full_blob_store_without_its_database_is_a_fault(tmp_path: Path) -> None:
    open_blobs(open_database(Config(tmp_path)), str(tmp_path / "blobs")).write(b"ink")
    other = Config(tmp_path / "other", blobs=str(tmp_path / "blobs"))
    found = the_one(check_database(other), "fault", "Blob store")
    assert "this database knows none of them" in found.text
    assert not other.data.exists()
