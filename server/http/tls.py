# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS before a server that cannot speak it: what arrives encrypted goes on in the clear to a socket of this machine."""

import asyncio
import socket
import ssl
import threading
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path

from server.config import ConfigError

CONNECTIONS = 256  # at once; waitress' select() takes no file descriptor above 1023, and each of these needs three
HANDSHAKE_SECONDS = 10.0
IDLE_SECONDS = 120.0  # without a byte in either direction
LINGER_SECONDS = 0.5  # without a byte, before a client that has its answer is closed
CLOSING_SECONDS = 30.0  # for what is still on its way
LAST_SECONDS = 2.0  # for the same, when the front is stopped
CHUNK_BYTES = 64 * 1024


class TlsFront:
    """Listens with TLS, in a thread of its own, and carries the bytes to a plain server and back.

    host, port: where to listen; port 0 takes a free one.
    backend_address: IPv4 address and port of the plain server.
    certificate, key: PEM files with the certificate's chain and its unencrypted key; raises ConfigError if unusable.
    """

    def __init__(self, host: str, port: int, backend_address: tuple[str, int], certificate: Path, key: Path) -> None:
        self._address = (host, port)
        self._backend = backend_address
        self._context = _context(certificate, key)
        self._connections: dict[asyncio.Task[None], bool] = {}  # the oldest first; whether it has shaken hands
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on; once started, the free one that was found."""
        return self._address[1]

    def start(self) -> None:
        """Bind, and return when clients can connect; raises OSError when the address cannot be had."""
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
        """Close the listener, and each connection once what is on its way has arrived or had its time; return when the
        thread has ended. Harmless when not started."""
        if self._thread is not None:
            with suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(self._accepting.cancel)
            self._thread.join()
            self._thread = None

    def _run(self, started: Future[None]) -> None:
        with self._listener:
            try:
                asyncio.run(self._main(started))  # it also cancels what still runs at the end
            except OSError as error:
                if started.done():
                    raise
                started.set_exception(error)

    async def _main(self, started: Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._accepting = self._loop.create_task(self._accept())
        started.set_result(None)
        with suppress(asyncio.CancelledError):
            await self._accepting
        self._listener.close()
        if self._connections:
            await asyncio.wait(self._connections, timeout=LAST_SECONDS)

    async def _accept(self) -> None:
        # asyncio.start_server() reports a connection only after its handshake: too late to count it.
        while True:
            try:
                connection, _ = await self._loop.sock_accept(self._listener)
            except OSError:  # the client is gone again, or no file descriptor is free
                await asyncio.sleep(0.1)
                continue
            if self._has_room():
                task = self._loop.create_task(self._serve(connection))
                self._connections[task] = False
                task.add_done_callback(lambda done: self._connections.pop(done, None))
            else:
                connection.close()
            await asyncio.sleep(0)  # however many knock, those inside have their turn

    def _has_room(self) -> bool:
        if len(self._connections) < CONNECTIONS:
            return True
        stalled = next((task for task, has_shaken_hands in self._connections.items() if not has_shaken_hands), None)
        if stalled is not None:  # it has had the longest time to shake hands, and gives way
            stalled.cancel()
            del self._connections[stalled]
        return stalled is not None

    async def _serve(self, connection: socket.socket) -> None:
        # A client that speaks no TLS, a backend that refuses, a time that is up, a lost connection: all are OSErrors.
        with ExitStack() as ends, suppress(OSError):
            reader = asyncio.StreamReader()
            protocol = asyncio.StreamReaderProtocol(reader)
            transport, _ = await self._loop.connect_accepted_socket(
                lambda: protocol, connection, ssl=self._context, ssl_handshake_timeout=HANDSHAKE_SECONDS
            )
            ends.callback(transport.abort)
            transport.set_write_buffer_limits(high=CHUNK_BYTES)
            if task := asyncio.current_task():
                self._connections[task] = True
            # A transport of asyncio would lose the backend's answer where the question cannot be sent to its end.
            backend = ends.enter_context(socket.socket())
            backend.setblocking(False)
            backend.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                await self._loop.sock_connect(backend, self._backend)
            writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
            await _carry(reader, writer, backend)
            async with asyncio.timeout(CLOSING_SECONDS):
                if not writer.is_closing():
                    writer.close()
                await writer.wait_closed()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: socket.socket) -> None:
    # Until the backend has answered to the end or the client is gone. A client that closes its half counts as gone:
    # asyncio then closes the other half of TLS.
    loop = asyncio.get_running_loop()
    active = loop.time()

    async def ask() -> None:
        nonlocal active
        with suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                active = loop.time()
                with suppress(OSError):  # the backend may refuse before it has heard all; its answer says why
                    await loop.sock_sendall(backend, chunk)

    async def answer() -> None:
        nonlocal active
        with suppress(OSError):
            while not writer.is_closing() and (chunk := await loop.sock_recv(backend, CHUNK_BYTES)):
                writer.write(chunk)
                await writer.drain()
                active = loop.time()
                await asyncio.sleep(0)  # as long as all goes well, none of these gives others their turn

    async def wait(seconds: float, *ways: asyncio.Task[None]) -> None:
        while not any(way.done() for way in ways) and (left := active + seconds - loop.time()) > 0:
            await asyncio.wait(ways, timeout=left, return_when=asyncio.FIRST_COMPLETED)

    asking, answering = loop.create_task(ask()), loop.create_task(answer())
    try:
        await wait(IDLE_SECONDS, asking, answering)
        async with asyncio.timeout(CLOSING_SECONDS):
            await wait(LINGER_SECONDS, asking)  # closed while it still sends, the client would lose the answer
    finally:
        asking.cancel()
        answering.cancel()
        await asyncio.wait((asking, answering))


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    needed = "TLS needs a PEM file with the chain, the server's own certificate first, and one with its unencrypted key"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        for file in (certificate, key):
            file.open("rb").close()
        context.load_cert_chain(certificate, key, password="")  # without a password, it would ask at the terminal
    except ssl.SSLError as error:
        found = error.reason or "not PEM, or encrypted"
        raise ConfigError(f"{certificate} and {key} are no certificate and its key ({found}): {needed}.") from error
    except OSError as error:
        raise ConfigError(f"Cannot read {error.filename} ({error.strerror}): {needed}.") from error
    return context
