# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for all tests, and the Blender that several of them need."""

from __future__ import annotations

import importlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

from server.config import Config
from server.demo.blender_process import chosen_blenders
from server.extension_build import stage_extension
from server.storage.database import open_database
from tests.postgresql import PostgreSQL, run_postgresql

# A busy machine is slow, not wrong: time limits are pytest-timeout's business.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(
    scope="session", params=chosen_blenders() or [None], ids=lambda path: path.parent.parent.name if path else "absent"
)
def blender(request: pytest.FixtureRequest) -> Path:
    """Blender, or the Python of an environment with its module."""
    if request.param is None:
        pytest.skip("no Blender: run `python install.py test`, or set LONGANIMATION_BLENDER to one or several")
    return request.param


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT interrupts, also where a shell started the tests in the background, and with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real PostgreSQL server."""
    with run_postgresql() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An open database, SQLite and PostgreSQL in turn."""
    database = request.getfixturevalue("postgresql").new_database() if request.param == "postgresql" else ""
    engine = open_database(Config(tmp_path, database=database))
    yield engine
    engine.dispose()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes, where the system lets us make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no small file system to fill: making one needs Linux and its root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="session")
def addon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], ModuleType]]:
    """Import a module of the extension, laid out as in its zip, that needs no Blender."""
    home = tmp_path_factory.mktemp("staged")
    stage_extension(home / "staged_extension")
    sys.path.insert(0, str(home))
    yield lambda name: importlib.import_module(f"staged_extension.{name}")
    sys.path.remove(str(home))
