# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server whose worker colors with the server tests' stand-in for the model, and so needs no weights."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.demo.blender_process import ROOT
from server.demo.server_process import RunningServer, running_server


@contextmanager
def coloring_server(folder: Path) -> Iterator[RunningServer]:
    """Run a server with its files in `folder` until the end of the block."""
    with running_server(folder / "data", folder / "server.log", "--workers", "0") as running:
        command = [sys.executable, "-m", "tests.server.stand_in", str(folder / "data"), f"test-{uuid.uuid4().hex}"]
        worker = subprocess.Popen(command, cwd=ROOT)
        try:
            yield running
        finally:
            worker.kill()
            worker.wait()
