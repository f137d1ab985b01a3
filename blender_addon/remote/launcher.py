# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on this computer, started from Blender. Does not use Blender's API."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..shared.errors import ServerError
from ..shared.remote.client import Client
from ..shared.translatable_text import TranslatableText

_SECONDS = 120
_TAIL_LINES = 5


@dataclass
class LocalServer:
    """A server process that keeps running when Blender is closed.

    home: the folder that contains install.py. address: the address to listen on. log: a file for its output.
    """

    home: Path
    address: str
    log: Path
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it. Raises ServerError if the folder does not contain an installed server."""
        python = self.home / (".venv/Scripts/python.exe" if os.name == "nt" else ".venv/bin/python")
        if not (self.home / "install.py").is_file():
            raise ServerError(
                TranslatableText(
                    "{folder} does not contain LongAnimation Color: in Connection Settings, set Local Server to the "
                    "folder that contains install.py.",
                    folder=self.home,
                ),
                "home",
            )
        if not python.is_file():
            raise ServerError(
                TranslatableText(
                    "The server in {folder} is not installed yet: open a terminal there and run "
                    "`python install.py server` once.",
                    folder=self.home,
                )
            )
        parts = urlsplit(self.address)
        command = [str(python), "-m", "server", "serve", "--listen", f"{parts.hostname}:{parts.port or 7860}"]
        # A separate process group: Ctrl-C in Blender's terminal, or closing Blender, does not reach it.
        detached = (
            {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}  # type: ignore[attr-defined]
            if os.name == "nt"
            else {"start_new_session": True}
        )
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                **detached,
            )

    def wait(self) -> None:
        """Wait until it answers and has a worker. Raises ServerError with its last output if it ends or takes too
        long."""
        deadline = time.monotonic() + _SECONDS
        client = Client(self.address, retries=0)
        while self._process is not None and self._process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(ServerError):
                if any(queue.workers for queue in client.queues()):
                    return
            time.sleep(0.5)
        raise ServerError(
            TranslatableText(
                "The server did not start. Its last output, in {log}: {words}", log=self.log, words=self._log_tail()
            )
        )

    def _log_tail(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return " ".join(lines[-_TAIL_LINES:]) or TranslatableText("none")

    @property
    def is_running(self) -> bool:
        """Whether it was started here and has not ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Ask it to end; its jobs continue when it is started again."""
        if self._process is not None:
            self._process.terminate()
