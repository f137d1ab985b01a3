# SPDX-License-Identifier: GPL-3.0-or-later
"""The listening socket of the WSGI server: how many connections it holds, and which of them give way to new ones."""

import ipaddress
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from shared.hosts import is_loopback

from .channel import Channel

CONNECTIONS = 200
"""The most connections. Windows' select() takes 512 of them, other systems' no descriptor above 1023."""
CONNECTIONS_OF_ADDRESS = 64
"""The most connections of one address, or of one IPv6 network of 64 bits. This machine is exempt: a proxy on it speaks
for everybody."""

Address = tuple[Any, ...]
"""The address of a socket: host, port, and for IPv6 two more numbers."""

logger = logging.getLogger(__name__)


class Listener(TcpWSGIServer):  # type: ignore[misc]  # waitress has no types
    """Accepts connections for `application`.

    admits: returns whether the sender of a WSGI environment may send a large body. urgent: a path whose requests have a
    thread of their own. options: settings of waitress. Raises OSError if the address is not available.
    """

    def __init__(
        self, application: Callable[..., Any], admits: Callable[[dict[str, Any]], bool], urgent: str, **options: Any
    ) -> None:
        self.admits = admits
        self.find_client: Callable[[Address], Address] = lambda address: address
        self._urgent = urgent
        self._urgent_threads = ThreadedTaskDispatcher()
        # Our own limits apply instead of waitress's, which lets all clients wait when there are too many.
        super().__init__(application, cleanup_interval=1, connection_limit=CONNECTIONS + 100, **options)
        self._urgent_threads.set_thread_count(1)

    def fix_addr(self, addr: Address) -> Address:
        """Return the address of the client that a connection from `addr` belongs to."""
        return self.find_client(addr)

    @staticmethod
    def channel_class(server: "Listener", connection: Any, address: Address, settings: Any, map: Any) -> None:
        """Begin with an accepted connection, or close it if there is no room."""
        if server._has_room(address[0]):
            Channel(server, connection, address, settings, map=map)
        else:
            logger.warning("A connection from %s was refused: all places are taken by busy ones.", address[0])
            connection.close()

    def add_task(self, task: Any) -> None:
        """Let a thread work on the first request of a channel, or on another task."""
        requests: Any = getattr(task, "requests", ())
        is_urgent = bool(requests) and getattr(requests[0], "path", None) == self._urgent
        (self._urgent_threads if is_urgent else self.task_dispatcher).add_task(task)

    def maintenance(self, now: float) -> None:
        """Close the connections that have taken too long."""
        moment = time.monotonic()
        for channel in list(self.active_channels.values()):
            if channel.is_overdue(moment):
                channel.give_up()

    def end_threads(self, seconds: float) -> None:
        """Let the threads end, and wait for them for at most `seconds`."""
        for threads in (self._urgent_threads, self.task_dispatcher):
            threads.shutdown(timeout=seconds)

    def _has_room(self, host: str) -> bool:
        """Return whether a connection from `host` can be held, after closing one that waits if need be."""
        channels = list(self.active_channels.values())
        if not is_loopback(host):
            own = [channel for channel in channels if _network(channel.addr[0]) == _network(host)]
            if len(own) >= CONNECTIONS_OF_ADDRESS:
                return _make_way(own)
        return len(channels) < CONNECTIONS or _make_way(channels)


def _make_way(channels: Iterable[Channel]) -> bool:
    """Close the channel that has waited for a request the longest. Return whether there is one."""
    waiting = [channel for channel in channels if channel.is_waiting]
    if waiting:
        min(waiting, key=lambda channel: channel.active).handle_close()
    return bool(waiting)


def _network(host: str) -> object:
    """Return what counts as one address: an IPv4 address, or the IPv6 network that one site has."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    return address if address.version == 4 else ipaddress.ip_network((int(address), 64), strict=False)
