# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's HTTP server with its TLS front end beside Cheroot, Hypercorn and Granian, as far as these are installed
(`pip install cheroot hypercorn granian`). All run the same small WSGI application with TLS.

For each: requests per second and the 99th percentile of small GETs and of uploads, the lines that 100 readers of a
stream get and their delay, the memory, what an answer in progress and an open stream do to the end of the server,
whether a new certificate is used, and what idle, slow and absent clients do. Numbers that the first server has too are
ratios to it; others are 0 or 1, and seconds.

--size: of an upload in bytes. --rounds: how often the servers take turns. It takes about two minutes for each server.
"""

import functools
import http.client
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import trustme

from .measure import print_json_line, progress, read_sizes
from .wsgi_servers import SLOW_SECONDS, installed

GETTERS, SENDERS, READERS, IDLERS = 16, 4, 100, 300
PATIENCE_SECONDS = 20.0
UNREAD_BYTES = 100_000_000
FILES = ("certificate.pem", "key.pem")


@dataclass(frozen=True)
class Sizes:
    """The bytes of an upload, the rounds, and the seconds of each measurement."""

    size: int
    rounds: int
    seconds: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    sizes = read_sizes(
        __doc__ + "\n--seconds: of each measurement.", Sizes(5_000_000, 3, 4), Sizes(100_000, 1, 1), arguments
    )
    names = installed()
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        _write_certificate(Path(folder))
        for number in range(sizes.rounds):
            for name in names:
                progress(f"Round {number + 1}: {name}")
                measured[name].append(_rates(name, Path(folder), sizes))
        behavior = {name: _behavior(name, Path(folder), sizes.seconds) for name in names}
    medians = {name: _medians(rounds) for name, rounds in measured.items()}
    progress(f"{medians}")
    ratios = {
        name: {what: value / medians["ours"][what] for what, value in found.items()} | behavior[name]
        for name, found in medians.items()
    }
    print_json_line(benchmark="http_servers", **vars(sizes), **ratios)


def _medians(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    return {what: statistics.median(one[what] for one in rounds) for what in rounds[0]}


def _write_certificate(folder: Path) -> None:
    issued = trustme.CA().issue_cert("localhost", "127.0.0.1")
    (folder / FILES[0]).write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    (folder / FILES[1]).write_bytes(issued.private_key_pem.bytes())


@contextmanager
def _running(name: str, folder: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run a server; yield its port and its process."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "benchmarks.wsgi_servers", name, str(port), *(str(folder / one) for one in FILES)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            with suppress(OSError, http.client.HTTPException):
                _get(_connect(port))
                break
            if time.monotonic() > end:
                raise RuntimeError(f"{name} did not start")
            time.sleep(0.1)
        yield port, process
    finally:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
        process.wait()


def _connect(port: int, timeout: float = PATIENCE_SECONDS) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _context().wrap_socket(plain)


@functools.cache
def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _get(connection: ssl.SSLSocket, path: str = "/", body: bytes | None = None) -> bytes:
    """Send a request and return the body of its answer. Raises OSError if there is none."""
    method, length = ("GET", "") if body is None else ("PUT", f"Content-Length: {len(body)}\r\n")
    connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n".encode() + (body or b""))
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    content = answer.read()
    if answer.status != 200:
        raise ConnectionError(f"{path} was answered with {answer.status}")
    return content


def _rates(name: str, folder: Path, sizes: Sizes) -> dict[str, float]:
    """Measure how fast a server answers."""
    with _running(name, folder) as (port, process):
        found, before = {}, _memory(process)
        for what, count, body in (("get", GETTERS, None), ("put", SENDERS, bytes(sizes.size))):
            times = _crowd(port, count, body, sizes.seconds)
            found[f"{what}_rate"] = len(times) / sizes.seconds
            found[f"{what}_p99"] = sorted(times)[int(0.99 * len(times))]
        lines, delay = _stream(port, sizes.seconds)
        grown = max(1, _memory(process) - before)
        return found | {"stream_lines": float(lines), "stream_delay_p99": delay, "memory_grown": float(grown)}


def _memory(process: subprocess.Popen[bytes]) -> int:
    """Return the resident bytes of a process and those that it started."""
    main = psutil.Process(process.pid)
    return sum(one.memory_info().rss for one in (main, *main.children(recursive=True)))


def _crowd(port: int, count: int, body: bytes | None, seconds: float) -> list[float]:
    """Let clients ask for `seconds`; return how long each answer took. Who is cut off connects again."""
    times: list[float] = []
    end = time.perf_counter() + seconds

    def ask() -> None:
        begun = time.perf_counter()
        while begun < end:
            with suppress(OSError, http.client.HTTPException), _connect(port) as connection:
                while begun < end:
                    _get(connection, body=body)
                    times.append(time.perf_counter() - begun)
                    begun = time.perf_counter()

    _together([ask] * count)
    return times


def _stream(port: int, seconds: float) -> tuple[int, float]:
    """Let 100 clients read the stream; return how many lines they got, and the 99th percentile of their delays."""
    delays: list[float] = []
    end = time.monotonic() + seconds

    def read() -> None:
        with suppress(OSError), _connect(port, seconds + 1) as connection:
            connection.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while time.monotonic() < end and (part := connection.recv(4096)):
                moment = time.monotonic()
                ticks = [line for line in part.split(b"\n") if line.startswith(b"data: ")]
                delays.extend(moment - float(line.removeprefix(b"data: ")) for line in ticks)

    _together([read] * READERS)
    return len(delays), sorted(delays)[int(0.99 * len(delays))] if delays else seconds


def _together(calls: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _behavior(name: str, folder: Path, seconds: float) -> dict[str, float]:
    """Try how a server ends, and what a new certificate and bad clients do."""
    progress(f"Behavior: {name}")
    found = {}
    with _running(name, folder) as (port, process):
        answers: list[bytes] = []
        asking = threading.Thread(target=lambda: answers.append(_try(lambda: _get(_connect(port), "/slow"))))
        asking.start()
        time.sleep(SLOW_SECONDS / 2)
        process.terminate()
        asking.join()
        found["drains"] = float(bool(answers[0]))
    with _running(name, folder) as (port, process), _connect(port) as reader:
        reader.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reader.recv(100)
        begun = time.monotonic()
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_SECONDS)
        found["end_seconds_with_a_stream"] = time.monotonic() - begun
    with _running(name, folder) as (port, _):
        before = _connect(port).getpeercert(True)
        _write_certificate(folder)
        time.sleep(min(12, 4 * seconds))
        found["new_certificate"] = float(_connect(port).getpeercert(True) != before)
    with _running(name, folder) as (port, process):
        with _connect(port, 5) as refused:
            refused.sendall(b"PUT /refuse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n\r\n")
            found["refuses_before_the_body"] = float(bool(_try(lambda: refused.recv(1))))
        before_unread = _memory(process)
        with _connect(port) as unread:
            unread.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
            time.sleep(seconds)
            found["bounds_an_unread_answer"] = float(_memory(process) - before_unread < UNREAD_BYTES)
        time.sleep(seconds)
        found["ends_an_abandoned_answer"] = float(_try(lambda: _get(_connect(port), "/ended")) not in (b"", b"0"))
    with _running(name, folder) as (port, _), ExitStack() as stack:
        with suppress(OSError):  # it takes no more
            for _ in range(IDLERS):
                stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=2))
        found["answers_beside_idle_connections"] = float(bool(_try(lambda: _get(_connect(port, 5)))))
    with _running(name, folder) as (port, _), _connect(port) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        slow.settimeout(1)
        begun, is_open = time.monotonic(), True
        while is_open and time.monotonic() - begun < 4 * seconds:
            with suppress(TimeoutError):
                try:
                    slow.sendall(b"X-Slow: 1\r\n")
                    is_open = bool(slow.recv(1000))
                except TimeoutError:
                    raise
                except OSError:
                    is_open = False
        found["closes_a_slow_header"] = float(not is_open)
    return found


def _try(call: Callable[[], bytes]) -> bytes:
    try:
        return call()
    except (OSError, http.client.HTTPException):
        return b""


if __name__ == "__main__":
    main()
