# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes that are measured: a real server on a free port, its workers, and their memory and processor time."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

SAMPLE_SECONDS = 0.5
STOP_SECONDS = 20


@contextmanager
def running(log: Path, *arguments: str) -> Iterator[subprocess.Popen]:
    """Run `python -m …` during the block, with its log in a file."""
    with log.open("w") as file:
        process = subprocess.Popen([sys.executable, "-m", *arguments], stdout=subprocess.PIPE, stderr=file, text=True)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


@contextmanager
def running_server(data: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """Run a server without workers. Also yields its address. Raises RuntimeError with its log if it does not start."""
    data.mkdir(parents=True)
    log = data / "server.log"
    serve = ("server", "serve", "--listen", "127.0.0.1:0", "--workers", "0", "--device", "cpu", "--data", str(data))
    with running(log, *serve) as process:
        line = process.stdout.readline() if process.stdout is not None else ""
        if "http://" not in line:
            raise RuntimeError(f"the server did not start:\n{log.read_text()}")
        yield line[line.index("http://") :].strip(), process


@dataclass
class Consumption:
    """The use of a process over time: resident memory in bytes, and processor time in seconds."""

    process: psutil.Process
    resident: list[int] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def look(self) -> None:
        """Take a sample."""
        with self.process.oneshot():
            self.resident.append(self.process.memory_info().rss)
            times = self.process.cpu_times()
        self.processor.append(times.user + times.system)

    def summary(self) -> dict[str, float]:
        """Return the megabytes at the start, at the peak and at the end, and the processor seconds in between."""
        return {
            "start_mb": self.resident[0] / 1e6,
            "peak_mb": max(self.resident) / 1e6,
            "end_mb": self.resident[-1] / 1e6,
            "cpu_seconds": self.processor[-1] - self.processor[0],
        }


@contextmanager
def consumption(**processes: subprocess.Popen) -> Iterator[dict[str, Any]]:
    """Watch processes during the block. At its end, the yielded dictionary has a summary of each process."""
    watched = {name: Consumption(psutil.Process(process.pid)) for name, process in processes.items()}
    summaries: dict[str, Any] = {}
    stop = threading.Event()

    def watch() -> None:
        while True:
            for one in watched.values():
                one.look()
            if stop.wait(SAMPLE_SECONDS):
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield summaries
    finally:
        stop.set()
        thread.join()
        for name, one in watched.items():
            one.look()
            summaries[name] = one.summary()
