# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings and markers of all tests, and the Blender that several of them need."""

from __future__ import annotations

import importlib
import os
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
from tests.untested import report

# Several tests run at once then, and their servers and workers with them: one thread each.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is slow, not wrong: time limits are pytest-timeout's business.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

FOLDER_MARKERS = dict.fromkeys(("faults", "fuzz", "mishaps", "soak"), "slow")
FIXTURE_MARKERS = {"blender": "blender", "postgresql": "postgres", "browser": "browser", "processes": "slow"}
LEFT_OUT = {"slow", "blender", "postgres", "browser", "gpu"}
"""The markers of what `--fast` leaves out."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--fast`."""
    parser.addoption("--fast", action="store_true", help=f"leave out the tests marked {', '.join(sorted(LEFT_OUT))}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by their folder and by the fixtures they use, and leave out what `--fast` does.

    The files of this folder itself come first: some take minutes, for which other processes would wait at the end.
    """
    items.sort(key=lambda item: item.path.parent != Path(__file__).parent)
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        for marker in {name for fixture, name in FIXTURE_MARKERS.items() if fixture in fixtures}:
            item.add_marker(marker)
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        if folder in FOLDER_MARKERS:
            item.add_marker(FOLDER_MARKERS[folder])
    if config.getoption("fast"):
        left_out = [item for item in items if any(mark.name in LEFT_OUT for mark in item.iter_markers())]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Report what this machine left untested, before pytest's closing line."""
    skipped = [
        (entry.nodeid, str(entry.longrepr[2]).removeprefix("Skipped: "))
        for entry in terminalreporter.stats.get("skipped", ())
        if isinstance(entry.longrepr, tuple)
    ]
    lines = report(skipped, chosen_blenders(), sorted(LEFT_OUT) if config.getoption("fast") else [])
    if lines:
        terminalreporter.section("untested on this machine")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(
    scope="session", params=chosen_blenders() or [None], ids=lambda path: path.parent.parent.name if path else "absent"
)
def blender(request: pytest.FixtureRequest) -> Path:
    """Blender, or the Python of an environment with its module."""
    if request.param is None:
        pytest.skip("no Blender: python install.py test")
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


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
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
        pytest.skip("no small file system to fill, which only Linux's root can make: sudo python install.py test")
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
