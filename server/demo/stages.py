# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of the demonstration, with progress bars and timing."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

_STAGE_OF_WORD = {
    "Exporting": "Exporting line art and keyframe",
    "Asking": "Sending the images",
    "Sending": "Sending the images",
    "Waiting": "Coloring",
    "Coloring:": "Coloring",
    "Fetching": "Fetching the frames",
}
"""The stage for the first word of the extension's progress messages."""


class Stages:
    """One progress bar per stage, and the seconds that each stage took."""

    def __init__(self, console: Console) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[detail]}"))
        self._progress = Progress(*columns, TimeElapsedColumn(), console=console)
        self._seconds: dict[str, float] = {}
        self._name = ""
        self._task: TaskID | None = None
        self._began = 0.0

    def __enter__(self) -> Stages:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, name: str) -> None:
        """End the current stage and begin this one."""
        self.finish()
        self._name, self._began = name, time.monotonic()
        self._task = self._progress.add_task(name, total=1.0, detail="")

    def progress(self, text: str, fraction: float) -> None:
        """Show a progress message of the extension under the stage that it belongs to."""
        stage = _STAGE_OF_WORD.get(text.split(" ", 1)[0], self._name)
        if stage != self._name:
            self.begin(stage)
        if self._task is not None:
            self._progress.update(self._task, completed=fraction, detail=text)

    def finish(self) -> dict[str, float]:
        """End the current stage. Return the seconds of every stage so far."""
        if self._task is not None:
            self._seconds[self._name] = round(time.monotonic() - self._began, 2)
            self._progress.update(self._task, completed=1.0, detail="")
            self._progress.stop_task(self._task)
            self._task = None
        return dict(self._seconds)
