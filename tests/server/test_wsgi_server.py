# SPDX-License-Identifier: GPL-3.0-or-later
"""The internals of waitress that `server/http/wsgi_server.py` uses still exist. Their purpose is tested in
test_shutdown and test_problems."""

import inspect
import socket

from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher


def test_a_server_has_its_loop_its_connections_and_its_trigger() -> None:
    server = create_server(lambda _environ, _start: [], host="127.0.0.1", port=0)
    try:
        assert isinstance(server, BaseWSGIServer) and server.channel_class is HTTPChannel
        assert server._map[server.socket.fileno()] is server
        turn = {"map": server._map, "timeout": server.adj.asyncore_loop_timeout, "use_poll": False, "count": 1}
        assert turn.keys() <= inspect.signature(server.asyncore.loop).parameters.keys()
        assert isinstance(server.adj.asyncore_use_poll, bool)
        server.pull_trigger()
        with socket.create_connection(("127.0.0.1", server.effective_port)):
            while not server.active_channels:
                server.asyncore.loop(**turn)
            (channel,) = server.active_channels.values()
            assert (channel.request, channel.requests, channel.total_outbufs_len) == (None, [], 0)
        wasyncore.dispatcher.close(server)
        assert server.trigger in server._map.values(), "closing the listener leaves the trigger"
    finally:
        server.task_dispatcher.shutdown(timeout=1)
        server.close()


def test_a_server_ends_its_threads_within_a_time() -> None:
    assert "timeout" in inspect.signature(ThreadedTaskDispatcher.shutdown).parameters


def test_a_channel_chooses_its_parser_and_how_it_refuses() -> None:
    assert HTTPChannel.parser_class is HTTPRequestParser and HTTPChannel.error_task_class is ErrorTask
    assert list(inspect.signature(HTTPRequestParser.parse_header).parameters) == ["self", "header_plus"]
    assert "except ParsingError" in inspect.getsource(HTTPRequestParser.received)
    for name in ("execute", "set_close_on_finish", "write"):
        assert callable(getattr(ErrorTask, name))
