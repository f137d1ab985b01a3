# SPDX-License-Identifier: GPL-3.0-or-later
"""Traces a take's drawings in processes of Blender's own Python, so that the interface never waits for them."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from queue import Empty, SimpleQueue

from ..contours.shapes import Shape
from ..shared.errors import ShotError
from .shapes import Pictures, shapes_of_drawing
from .take import Take

_MOST_PROCESSES = 8
_LESS_URGENT = 5
"""How much lower the priority of the processes is, as for the command `nice`: the interface comes first."""
_QUIETLY = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
_PACKAGE = Path(__file__).parents[1]
_CODE = "import sys; sys.path.insert(0, {parent!r}); from {package}.takes.tracing import serve; serve()"


class Tracing:
    """Drawings of a take that are being traced.

    A process that cannot be started, or fails, is replaced by a thread of this process. This also tells what is wrong.
    """

    def __init__(self, take: Take, drawings: Iterable[int], pictures: Pictures | None = None) -> None:
        self._take = take
        self._pictures = pictures
        self._waiting: SimpleQueue[int] = SimpleQueue()
        self._shapes: dict[int, list[list[Shape]]] = {}
        self._problems: list[Exception] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self._is_stopped = False
        self.total = 0
        for drawing in drawings:
            self._waiting.put(drawing)
            self.total += 1
        count = min(os.cpu_count() or 1, _MOST_PROCESSES, self.total)
        self._threads = [
            threading.Thread(target=self._run, name="LongAnimation tracing", daemon=True) for _ in range(count)
        ]

    def start(self) -> None:
        """Start to trace."""
        for thread in self._threads:
            thread.start()

    @property
    def done(self) -> int:
        """How many drawings are traced."""
        return len(self._shapes)

    @property
    def is_running(self) -> bool:
        """Whether drawings are still being traced."""
        return any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Give up what is not traced yet."""
        self._is_stopped = True
        for process in self._processes:
            process.kill()

    def result(self) -> dict[int, list[list[Shape]]]:
        """Wait for the shapes of each drawing, by its index; see `shapes_of_drawing`. Raises ShotError."""
        for thread in self._threads:
            thread.join()
        for problem in self._problems:
            raise problem
        return self._shapes

    def _run(self) -> None:
        process = self._process()
        try:
            while not self._is_stopped and not self._problems:
                drawing = self._waiting.get_nowait()
                shapes = _asked(process, self._take.folder, drawing, self._pictures) if process else None
                if shapes is None and not self._is_stopped:
                    shapes = shapes_of_drawing(self._take, drawing, self._pictures)
                if shapes is not None:
                    self._shapes[drawing] = shapes
        except Empty:
            pass
        except ShotError as error:
            self._problems.append(error)
        finally:
            if process is not None:
                process.kill()
                process.communicate()

    def _process(self) -> subprocess.Popen[bytes] | None:
        code = _CODE.format(parent=str(_PACKAGE.parent), package=_PACKAGE.name)
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                creationflags=_QUIETLY,
            )
        except OSError:
            return None
        self._processes.append(process)
        return process


def _asked(
    process: subprocess.Popen[bytes], folder: Path, drawing: int, pictures: Pictures | None
) -> list[list[Shape]] | None:
    """The shapes of a drawing of the take in `folder`, from a process that runs `serve`; None if it has failed."""
    assert process.stdin is not None and process.stdout is not None
    try:
        pickle.dump((str(folder), drawing, pictures and (str(pictures.folder), pictures.owners)), process.stdin)
        process.stdin.flush()
        found = pickle.load(process.stdout)
    except (OSError, EOFError, pickle.UnpicklingError):
        return None
    return None if found is None else [[Shape(*parts) for parts in group] for group in found]


def serve() -> None:
    """Trace the drawings that are asked for on standard input, until it ends. The answer to one that cannot be read is
    None."""
    if hasattr(os, "nice"):
        os.nice(_LESS_URGENT)
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    take = None
    while True:
        try:
            folder, drawing, painted = pickle.load(requests)
        except EOFError:
            return
        try:
            take = take or Take.load(Path(folder))
            pictures = Pictures(Path(painted[0]), painted[1]) if painted else None
            groups = shapes_of_drawing(take, drawing, pictures)
            found = [[(one.paint, one.outline, one.holes, one.area) for one in shapes] for shapes in groups]
        except ShotError:
            found = None
        pickle.dump(found, answers)
        answers.flush()
