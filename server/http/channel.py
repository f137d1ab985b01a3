# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection of the WSGI server: how long it may take for what, who may send a large body, and how it is refused."""

import json
import socket
import time
from contextlib import suppress
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, WSGITask

from shared.codec import to_json

from .problems import MEDIA_TYPE, problem_of_status

REQUEST_SECONDS = 10.0
"""How long a header, with a small body, may take to arrive after its first byte."""
SMALL_BYTES = 8192
"""A body that is longer waits until its sender was checked."""
SLOWEST_BYTES = 1000.0
"""Bytes per second on average at which a large body must arrive after REQUEST_SECONDS, and an answer must be read after
STALL_SECONDS."""
IDLE_SECONDS = 120.0
"""How long a connection may wait for its next request."""
STALL_SECONDS = 60.0
"""How long an answer is kept for a client that reads none of it."""
LINGER_SECONDS = 2.0
"""How long a refused client may go on sending. If it was cut off at once, it would lose the answer."""


class _ProblemTask(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """Answers requests that waitress refuses before Flask sees them (too large, malformed)."""

    def execute(self) -> None:
        refusal = self.request.error
        body = json.dumps(to_json(problem_of_status(refusal.code, refusal.reason))).encode()
        self.status = f"{refusal.code} {refusal.reason}"
        self.response_headers.append(("Content-Type", MEDIA_TYPE))
        self.channel.is_refused = True
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """Refuses requests on which waitress would close the connection, such as an invalid address or a length with
    thousands of digits.

    begun: when its first byte arrived, by the monotonic clock. is_admitted: whether it may have a large body.
    """

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.begun = time.monotonic()
        self.is_admitted = False

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            raise ParsingError("The header cannot be read.") from error

    @property
    def needs_admission(self) -> bool:
        """Whether its header announces a large body whose sender was not checked yet."""
        is_large = self.chunked or self.content_length > SMALL_BYTES
        return self.headers_finished and not self.completed and is_large and not self.is_admitted


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection whose times are limited. Its server says who may send a large body (`admits`).

    active: when it last received or sent something, by the monotonic clock. is_refused: whether its last request is
    answered although its body was not read.
    """

    error_task_class = _ProblemTask
    parser_class = _Parser
    close_when_flushed: bool

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.active = self._answer_begun = time.monotonic()
        self._answer_sent = 0
        self.is_refused = False
        self._is_checking = False
        self._linger_end: float | None = None
        super().__init__(*arguments, **options)

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for a request, or for the rest of one that nobody has checked yet. It may then be closed."""
        is_admitted = self.request is not None and self.request.is_admitted
        return not (self.requests or self.total_outbufs_len or self._is_checking or is_admitted)

    def is_overdue(self, now: float) -> bool:
        """Return whether it has taken too long at `now`, a time of the monotonic clock."""
        request = self.request
        if self._linger_end is not None:
            return now > self._linger_end
        if self.total_outbufs_len:
            late = now - self._answer_begun - STALL_SECONDS
            return now - self.active > STALL_SECONDS or late > self._answer_sent / SLOWEST_BYTES
        if self.requests or self._is_checking:
            return False
        if request is None:
            return now - self.active > IDLE_SECONDS
        late = now - request.begun - REQUEST_SECONDS
        return late > (request.body_bytes_received / SLOWEST_BYTES if request.is_admitted else 0)

    def give_up(self) -> None:
        """Let the loop close it, also if the client reads nothing."""
        self.will_close = True
        with suppress(OSError):  # it has left
            self.socket.shutdown(socket.SHUT_RDWR)

    def readable(self) -> bool:
        """Return whether the loop may read from it."""
        return self._linger_end is not None or (not self._is_checking and super().readable())

    def received(self, data: bytes) -> bool:
        """Take bytes from the client. Before a large body arrives, a thread checks its sender."""
        self.active = time.monotonic()
        if self._linger_end is not None:
            return True
        accepted: bool = super().received(data)
        with self.requests_lock:
            if self.request is not None and self.request.needs_admission:
                self._is_checking = True
                self.server.add_task(_Admission(self, self.request))
        return accepted

    def check_sender(self, request: _Parser) -> None:
        """Let the body of `request` arrive, or let the application refuse the request without it."""
        is_welcome = self.server.admits(WSGITask(self, request).get_environment())
        with self.requests_lock:
            self._is_checking = False
            request.is_admitted = is_welcome
            if not is_welcome:
                self.is_refused = request.completed = True
                request.headers |= {"CONNECTION": "close", "CONTENT_LENGTH": "0"}
                self.request = None
                self.requests.append(request)
                if len(self.requests) == 1:
                    self.server.add_task(self)
        self.server.pull_trigger()

    def write_soon(self, data: Any) -> int:
        """Queue a part of the answer, from a thread."""
        if not self.total_outbufs_len:
            self.active = self._answer_begun = time.monotonic()
            self._answer_sent = 0
        return int(super().write_soon(data))

    def handle_write(self) -> None:
        """Send what is queued. A refused client that still sends is listened to for a while before it is closed."""
        if self.is_refused and self.close_when_flushed and not self.will_close:
            self._flush_exception(self._flush_some)
            if not (self.total_outbufs_len or self.will_close):
                self.close_when_flushed = False
                self._linger_end = time.monotonic() + LINGER_SECONDS
                with suppress(OSError):  # it has left
                    self.socket.shutdown(socket.SHUT_WR)
                return
        super().handle_write()

    def _flush_some(self, do_close: bool = True) -> bool:
        waiting = self.total_outbufs_len
        if has_sent := bool(super()._flush_some(do_close)):
            self.active = time.monotonic()
            self._answer_sent += waiting - self.total_outbufs_len
        return has_sent


class _Admission:
    """The check of a sender, as a task of waitress's threads."""

    def __init__(self, channel: Channel, request: _Parser) -> None:
        self._channel = channel
        self._request = request

    def service(self) -> None:
        """Run the check."""
        self._channel.check_sender(self._request)

    def cancel(self) -> None:
        """Give the connection up, because the server ends."""
        self._channel.cancel()
