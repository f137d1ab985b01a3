# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor as people run it: it finds faults and changes nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from server.config import Config
from server.storage.database import open_database

from .findings import contents


def doctor(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it as people do."""
    command = [sys.executable, "-m", "server", "doctor", "--listen", "127.0.0.1:0", *arguments]
    variables = os.environ | environment
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=variables)


@pytest.mark.slow
def test_it_passes_a_sound_server_and_leaves_its_data_as_they_are(tmp_path: Path) -> None:
    open_database(Config(tmp_path)).dispose()
    (tmp_path / "blobs").mkdir()
    before = contents(tmp_path)
    done = doctor("--data", str(tmp_path), "--json")
    findings = json.loads(done.stdout)
    assert (done.returncode, [one for one in findings if one["state"] == "fault"]) == (0, [])
    checks = {one["check"] for one in findings}
    assert checks >= {"Python", "Packages", "Processor", "Preset tiny", "Films", "Disk", "Database", "Blob store"}
    assert contents(tmp_path) == before


@pytest.mark.slow
def test_it_makes_nothing_where_nothing_is(tmp_path: Path) -> None:
    done = doctor("--data", str(tmp_path / "new"))
    assert done.returncode == 0, done.stdout
    assert "✓ Database" in done.stdout and "✓ Blob store" in done.stdout
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_a_fault_makes_its_exit_code_one(tmp_path: Path) -> None:
    (tmp_path / "server.sqlite").write_bytes(b"no database" * 1000)
    done = doctor("--data", str(tmp_path))
    assert done.returncode == 1
    assert "✗ Database" in done.stdout and "restore the backup" in done.stdout and "Traceback" not in done.stderr


def test_a_package_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    (tmp_path / "av.py").write_text("raise ImportError('libx264.so: cannot open shared object file')")
    done = doctor("--data", str(tmp_path), PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "libx264.so" in done.stdout and "python install.py server" in done.stdout
