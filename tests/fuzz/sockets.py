# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes on the server's socket: whole requests to odd addresses, and bytes that are hardly a request."""

import contextlib
import re
import socket
from dataclasses import dataclass

from hypothesis import strategies as st

from server.http.security import COOKIE
from shared.protocol import API_PREFIX

from .house import SENDERS, House, Identity
from .ledger import Ledger
from .verdict import Answer, faults

PATIENCE_SECONDS = 30.0
"""How long a whole request may wait for its answer."""
SILENCE_SECONDS = 0.1
"""After this time without an answer, the server is assumed to wait for the rest of an incomplete request."""
TOKEN = b"{token}".center(43, b"_")
"""Where the sender's token goes, which is as long."""
SESSION = b"{session}".center(43, b"_")
"""Where the secret of the sender's session goes, which is as long."""

METHODS = [
    b"GET",
    b"GET",
    b"GET",
    b"POST",
    b"POST",
    b"POST",
    b"PUT",
    b"DELETE",
    b"HEAD",
    b"OPTIONS",
    b"PATCH",
    b"TRACE",
    b"CONNECT",
    b"get",
    b"PROPFIND",
]
PATHS = ["/", "/static/style.css", "/extensions/index.json", "/healthz", "/readyz", "/metrics", "/favicon.ico"]
PATHS += ["/login", "/logout", "/stream", "/queues/cpu/resume", "/?state=done&show=9", "/?show=99999999999"]
PATHS += [API_PREFIX + path for path in ("/info", "/openapi.json", "/jobs", "/queues/cpu/pause", "/blobs/missing")]
PIECES = ["..", ".", "", "%2e%2e", "%2F", "%00", "%", "%zz", "\\", ";", "?", "#", "*", "static", "extensions", "etc"]
PIECES += ["passwd", "server.sqlite", "jobs", "frames", "1.png", "9" * 5000 + ".png", "-1.png", "frames.zip", "é"]
LINES = [b"Content-Length: 0", b"Content-Length: 3", b"Content-Length: -1", b"Content-Length: 0x10", b"Content-Length:"]
LINES += [
    b"Content-Length: " + b"9" * 5000,
    b"Content-Length: 3, 3",
    b"Content-Length: +3",
    b"Transfer-Encoding: chunked",
]
LINES += [
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: \x0bchunked",
    b"Connection: close",
    b"Connection: x",
]
LINES += [
    b"Connection: Keep-Alive",
    b"Expect: 100-continue",
    b"Host:",
    b"Host: a b",
    b"Host: [::1",
    b"Host: evil.example",
]
LINES += [
    b"Origin: null",
    b"Origin: http://[",
    b"Range: bytes=0-",
    b"Range: bytes=9-1,x",
    b"If-None-Match: *",
    b"Accept: \xff",
]
LINES += [b"If-Modified-Since: x", b"Cookie: session=\xff; a", b"Content-Type: application/json", b"Content-Type: \xff"]
LINES += [b"Content-Type: multipart/form-data; boundary=", b"X-Forwarded-For: ::1", b"X-Forwarded-Host: evil.example"]
LINES += [b"Accept: text/html", b"Referer: http://[", b"Referer: //evil.example/x", b"X-Request-ID: \xff"]
LINES += [
    b"Content-Encoding: gzip",
    b" folded",
    b"no colon",
    b": empty",
    b"A" * 300_000 + b": 1",
    b"Authorization: Bearer",
]
LINES += [b"Authorization: Bearer \xff", b"Authorization: Basic Og==", b"Content-Type: application/json; charset=rot13"]
BODIES = [b"", b"{}", b"[]", b"0\r\n\r\n", b"3\r\n{}\n\r\n0\r\n\r\n", b"zz\r\n", b"-1\r\n", b"f" * 40 + b"\r\n"]
BODIES += [
    b"token=" + TOKEN,
    b"priority=low",
    b"priority=%ff&priority=high",
    b"--x\r\nContent-Disposition: form-data\r\n",
]


HARMLESS = [
    one for one in LINES if one.startswith((b"Accept", b"Referer", b"Range", b"If-", b"Cookie", b"X-", b"Origin"))
]
"""Lines that leave a request whole."""


@dataclass(frozen=True)
class Raw:
    """Bytes to send, their sender, and whether they are a whole request, which must be answered."""

    content: bytes
    identity: Identity
    is_whole: bool


def _targets(house: House) -> st.SearchStrategy[bytes]:
    pages = ("", "/cancel", "/retry", "/priority", "/poster/101.webp?width=160", "/result/103.webp", "/drawing/-1.webp")
    jobs = [f"{API_PREFIX}/jobs/{job}" for job in house.kept]
    jobs += [f"/jobs/{job}{page}" for job in house.kept[:4] for page in pages]
    base = st.sampled_from([*PATHS, *jobs])
    pieces = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), min_size=1, max_size=5).map("/".join)
    query = st.text(max_size=12).map(lambda text: f"?{text}")
    texts = st.one_of(
        base,
        st.builds("{}/{}".format, base, pieces),
        st.builds("{}{}".format, base, query),
        pieces.map(lambda path: f"/{path}"),
    )
    return texts.map(lambda text: re.sub(rb"[\x00-\x20\x7f]", b"+", text.encode("utf-8", "replace")))


def _lines() -> st.SearchStrategy[list[bytes]]:
    noise = st.builds(lambda name, value: name + b": " + value, st.binary(max_size=8), st.binary(max_size=12))
    return st.lists(st.sampled_from(LINES) | noise, max_size=4)


_AUTHORIZED = b"Authorization: Bearer " + TOKEN
_LOGGED_IN = f"Cookie: {COOKIE}=".encode() + SESSION
_CREDENTIALS = st.sampled_from([_AUTHORIZED, _LOGGED_IN])


def _credentials(draw: st.DrawFn, target: bytes) -> bytes:
    """As programs or as browsers tell who they are; the sessions are needed until the end."""
    return _AUTHORIZED if b"logout" in target else draw(_CREDENTIALS)


@st.composite
def _whole(draw: st.DrawFn, house: House) -> Raw:
    """A request that is well formed, to an odd address, perhaps with a body of an odd type."""
    method, target = draw(st.sampled_from(METHODS)), draw(_targets(house))
    if method == b"DELETE" and any(job.encode() in target for job in house.kept):
        method = b"OPTIONS"  # these jobs are needed
    body = draw(st.binary(max_size=30) | st.sampled_from(BODIES))
    kinds = [
        b"application/json",
        b"text/plain",
        b"multipart/form-data; boundary=x",
        b"application/x-www-form-urlencoded",
    ]
    lines = [b"Host: 127.0.0.1", b"Connection: close", b"Content-Length: %d" % len(body), _credentials(draw, target)]
    lines.append(b"Content-Type: " + draw(st.sampled_from(kinds)))
    lines += draw(st.lists(st.sampled_from(HARMLESS), max_size=2))
    head = b"\r\n".join([method + b" " + target + b" HTTP/1.1", *lines])
    return Raw(head + b"\r\n\r\n" + body, draw(st.sampled_from(SENDERS)), True)


@st.composite
def _broken(draw: st.DrawFn, house: House) -> Raw:
    """Bytes that resemble a request."""
    method = draw(st.sampled_from([one for one in METHODS if one != b"DELETE"]) | st.binary(max_size=6))
    target = draw(
        _targets(house) | st.binary(max_size=12) | st.sampled_from([b"*", b"http://[x/", b"//", b"x:99999999"])
    )
    version = draw(st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.1 x", b"", b"\xff"]))
    ending = draw(st.sampled_from([b"\r\n", b"\r\n", b"\n", b"\r", b"\0"]))
    lines = draw(_lines()) + ([_credentials(draw, target)] if draw(st.booleans()) else [])
    content = bytearray(ending.join([b" ".join((method, target, version)), *lines, b"", b""]))
    content += draw(st.sampled_from(BODIES) | st.binary(max_size=20))
    if draw(st.booleans()):
        place = draw(st.integers(0, len(content)))
        content[place : place + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    if draw(st.booleans()):
        content += b"\r\n\r\n"
    return Raw(bytes(content), draw(st.sampled_from(SENDERS)), False)


class SocketFuzz:
    """Sends bytes to the server's socket, and reads the answer, if there is one."""

    def __init__(self, ledger: Ledger, house: House, is_whole: bool) -> None:
        self.kind = "odd addresses" if is_whole else "malformed HTTP"
        self._ledger, self._house, self._is_whole = ledger, house, is_whole

    def strategy(self) -> st.SearchStrategy[Raw]:
        """What is sent."""
        return _whole(self._house) if self._is_whole else _broken(self._house)

    def send(self, raw: Raw) -> None:
        """Send bytes."""
        content = raw.content
        for place, secrets in ((TOKEN, self._house.tokens), (SESSION, self._house.sessions)):
            content = content.replace(place, secrets.get(raw.identity, "").encode().ljust(len(place), b"-"))
        patience = PATIENCE_SECONDS if raw.is_whole else SILENCE_SECONDS
        received, ended = self._exchange(content, patience)
        faults_found: list[str] = []
        head = re.search(rb"\AHTTP/1\.[01] (\d\d\d)[^\r\n]*\r\n(.*?)\r\n\r\n", _final(received), re.DOTALL)
        if head is not None:
            outcome = head[1].decode()
            answer = self._answer(head, received)
            has_body, is_page = not raw.content.startswith(b"HEAD "), API_PREFIX.encode() not in raw.content
            faults_found += faults(answer, self._house.secrets, has_body=has_body, is_page=is_page)
            self._follow(raw, int(outcome))
        elif received:
            outcome = "noise"
            faults_found.append("answers what is no HTTP")
        elif ended:
            outcome = "hung up"
            faults_found.append("hangs up without an answer")
        else:
            outcome = "waits for more"
            if raw.is_whole:
                faults_found.append("does not answer")
        self._ledger.note(self.kind, outcome, faults_found, f"as {raw.identity}: {raw.content!r}")

    def _answer(self, head: re.Match[bytes], received: bytes) -> Answer:
        kind = re.search(rb"^content-type: *([^;\r\n]*)", head[2], re.IGNORECASE | re.MULTILINE)
        body = _final(received)[head.end() :]
        length = re.search(rb"^content-length: *(\d+)", head[2], re.IGNORECASE | re.MULTILINE)
        if length is not None:  # what comes after it answers the rest of what was sent
            body = body[: int(length[1])]
        return Answer(int(head[1]), received, body, kind[1].decode("latin-1") if kind else "")

    def _follow(self, raw: Raw, status: int) -> None:
        match = re.match(rb"(PUT|DELETE) ([!-~]+)[? ]", raw.content)
        if match:
            self._house.follow(match[1].decode(), match[2].decode(), status)

    def _exchange(self, content: bytes, patience: float) -> tuple[bytes, bool]:
        """Send bytes. Returns the answer, and whether the server then closed the connection."""
        received = b""
        with socket.create_connection(("127.0.0.1", self._house.port), timeout=PATIENCE_SECONDS) as connection:
            with contextlib.suppress(ConnectionError):  # it may refuse before it has all
                connection.sendall(content)
            connection.settimeout(patience)
            try:
                while part := connection.recv(65536):
                    received += part
                    if b"text/event-stream" in received:
                        return received, False
            except TimeoutError:
                return received, False
            except ConnectionError:  # it closed while there was more to read
                return received, True
        return received, True


def _final(received: bytes) -> bytes:
    """Leave out interim answers that only say to continue."""
    return re.sub(rb"\A(HTTP/1\.[01] 100[^\r\n]*\r\n\r\n)+", b"", received)
