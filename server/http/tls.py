# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS termination for a server without TLS: decrypted traffic is forwarded to a socket on this machine."""

import asyncio
import logging
import socket
import ssl
import threading
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from server.config import ConfigError

CONNECTIONS = 256  # at the same time, with handshakes; select() accepts no descriptor above 1023, and each needs three
HANDSHAKE_SECONDS = 10.0
IDLE_SECONDS = 120.0  # without a byte in either direction
LINGER_SECONDS = 0.5  # without a byte, before the connection of a client that has its answer is closed
CLOSING_SECONDS = 30.0  # for data in transit
LAST_SECONDS = 2.0  # for data in transit when the front is stopped
CHUNK_BYTES = 64 * 1024
RELOAD_SECONDS = 10.0  # how often the files of the certificate are looked at

logger = logging.getLogger(__name__)


class TlsFront:
    """Listens with TLS in its own thread, and forwards the bytes to a plain server and back.

    host, port: where to listen; port 0 takes a free one.
    backend_address: IPv4 address and port of the plain server.
    certificate, key: PEM files with the certificate's chain and its unencrypted key; raises ConfigError if unusable.
        When they change, new connections get the new ones.
    """

    def __init__(self, host: str, port: int, backend_address: tuple[str, int], certificate: Path, key: Path) -> None:
        self._address = (host, port)
        self._backend = backend_address
        self._files = (certificate, key)
        self._version = _version(self._files)
        self._context = _context(certificate, key)
        # Oldest first; whether its handshake is done and it is not about to be closed, so that it need not give way.
        self._connections: dict[asyncio.Task[None], bool] = {}
        self._clients: dict[int, tuple[str, int]] = {}  # by the port from which the front connects to the backend
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on; for port 0, the free port that was found, once it has started."""
        return self._address[1]

    def find_client(self, address: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the client's address for that of a connection to the backend, which may come from somebody else."""
        return self._clients.get(address[1], address)

    def start(self) -> None:
        """Bind, and return when clients can connect. Raises OSError if the address is not available."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._listener = socket.create_server(self._address, family=family)
        self._listener.setblocking(False)
        self._address = (self._address[0], self._listener.getsockname()[1])
        started: Future[None] = Future()
        thread = threading.Thread(target=self._run, args=(started,), name="tls-front", daemon=True)
        thread.start()
        started.result()
        self._thread = thread

    def stop(self) -> None:
        """Close the listener, and each connection once its data has arrived or its time is up. Return when the thread
        has ended. Does nothing if it was not started."""
        if self._thread is not None:
            with suppress(RuntimeError):  # the loop is already closed
                self._loop.call_soon_threadsafe(self._accepting.cancel)
            self._thread.join()
            self._thread = None

    def _run(self, started: Future[None]) -> None:
        with self._listener:
            try:
                asyncio.run(self._main(started))  # this also cancels the tasks that are still running at the end
            except OSError as error:
                if started.done():
                    raise
                started.set_exception(error)

    async def _main(self, started: Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._accepting = self._loop.create_task(self._accept())
        reloading = self._loop.create_task(self._reload())
        started.set_result(None)
        with suppress(asyncio.CancelledError):
            await self._accepting
        reloading.cancel()
        self._listener.close()
        if self._connections:
            await asyncio.wait(self._connections, timeout=LAST_SECONDS)

    async def _accept(self) -> None:
        # asyncio.start_server() reports a connection only after its handshake, which is too late to count it.
        while True:
            try:
                connection, _ = await self._loop.sock_accept(self._listener)
            except OSError:  # the client has left, or no file descriptor is free
                await asyncio.sleep(0.1)
                continue
            if self._has_room():
                task = self._loop.create_task(self._serve(connection))
                self._connections[task] = False
                task.add_done_callback(lambda done: self._connections.pop(done, None))
            else:
                connection.close()
            await asyncio.sleep(0)  # let open connections take their turn, however many new ones arrive

    async def _reload(self) -> None:
        """Use the certificate's files for new connections whenever they have changed and fit together."""
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            version = _version(self._files)
            if version in (None, self._version):
                continue
            try:
                self._context = _context(*self._files)
                logger.info("The new certificate in %s is used from now on.", self._files[0])
            except ConfigError as error:
                logger.warning("The certificate in use is kept. %s", error)
            self._version = version

    def _has_room(self) -> bool:
        if len(self._connections) < CONNECTIONS:
            return True
        stalled = next((task for task, is_in_use in self._connections.items() if not is_in_use), None)
        if stalled is not None:  # it has had the most time for its handshake or its end, so it is closed
            stalled.cancel()
            del self._connections[stalled]
        return stalled is not None

    async def _serve(self, connection: socket.socket) -> None:
        # A client without TLS, a backend that refuses, a timeout, a lost connection: all are OSErrors.
        with ExitStack() as ends, suppress(OSError):
            reader = asyncio.StreamReader()
            protocol = asyncio.StreamReaderProtocol(reader)
            transport, _ = await self._loop.connect_accepted_socket(
                lambda: protocol, connection, ssl=self._context, ssl_handshake_timeout=HANDSHAKE_SECONDS
            )
            ends.callback(transport.abort)
            transport.set_write_buffer_limits(high=CHUNK_BYTES)
            task = asyncio.current_task()
            if task:
                self._connections[task] = True
            # An asyncio transport would lose the backend's answer if the request cannot be sent completely.
            backend = ends.enter_context(socket.socket())
            backend.setblocking(False)
            backend.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            backend.bind(("127.0.0.1", 0))  # before the backend sees the connection, it can tell whose it is
            port = backend.getsockname()[1]
            self._clients[port] = transport.get_extra_info("peername")[:2]
            ends.callback(self._clients.pop, port)
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                await self._loop.sock_connect(backend, self._backend)
            writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
            await _carry(reader, writer, backend)
            if task:
                self._connections[task] = False
            async with asyncio.timeout(CLOSING_SECONDS):
                if not writer.is_closing():
                    writer.close()
                await writer.wait_closed()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: socket.socket) -> None:
    # Runs until the backend has answered completely or the client is gone. A client that closes its half counts as
    # gone, because asyncio then closes the other half of TLS.
    loop = asyncio.get_running_loop()
    active = loop.time()

    async def ask() -> None:
        nonlocal active
        with suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                active = loop.time()
                with suppress(OSError):  # the backend may refuse before it has read all; its answer says why
                    await loop.sock_sendall(backend, chunk)

    async def answer() -> None:
        nonlocal active
        with suppress(OSError):
            while not writer.is_closing() and (chunk := await loop.sock_recv(backend, CHUNK_BYTES)):
                writer.write(chunk)
                await writer.drain()
                active = loop.time()
                await asyncio.sleep(0)  # without waiting, none of these calls would yield to other connections

    async def wait(seconds: float, *ways: asyncio.Task[None]) -> None:
        while not any(way.done() for way in ways) and (left := active + seconds - loop.time()) > 0:
            await asyncio.wait(ways, timeout=left, return_when=asyncio.FIRST_COMPLETED)

    asking, answering = loop.create_task(ask()), loop.create_task(answer())
    try:
        await wait(IDLE_SECONDS, asking, answering)
        async with asyncio.timeout(CLOSING_SECONDS):
            await wait(LINGER_SECONDS, asking)  # if closed while it still sends, the client would lose the answer
    finally:
        asking.cancel()
        answering.cancel()
        await asyncio.wait((asking, answering))


def _version(files: tuple[Path, ...]) -> object:
    """Return a value that changes with the files, or None while one cannot be read."""
    try:
        return [(facts.st_mtime_ns, facts.st_size, facts.st_ino) for facts in (file.stat() for file in files)]
    except OSError:
        return None


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    needed = "TLS needs a PEM file with the chain, the server's own certificate first, and one with its unencrypted key"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        for file in (certificate, key):
            file.open("rb").close()
        context.load_cert_chain(certificate, key, password="")  # without a password, it would prompt on the terminal
    except ssl.SSLError as error:
        found = error.reason or "not PEM, or encrypted"
        raise ConfigError(f"{certificate} and {key} are not a certificate and its key ({found}): {needed}.") from error
    except OSError as error:
        raise ConfigError(f"Cannot read {error.filename} ({error.strerror}): {needed}.") from error
    return context
