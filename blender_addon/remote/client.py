# SPDX-License-Identifier: GPL-3.0-or-later
"""The server, seen from the extension: typed calls over HTTP, with retries. Knows nothing of Blender."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from .. import png
from ..errors import RefusedError, ServerError, UnreachableError, VersionError
from ..sentence import Sentence
from ..shared import hosts
from ..shared.protocol import (
    API_PREFIX,
    PROTOCOL_VERSION,
    GuessedFrame,
    JobEvent,
    JobStatus,
    Priority,
    PriorityChange,
    Problem,
    ProtocolError,
    QueueStatus,
    SegmentStatus,
    ServerInfo,
    ShotManifest,
    from_json,
    to_json,
)

_TIMEOUT = (5, 60)
"""Seconds to connect and between two bytes of an answer."""

_AWAY = (502, 503, 504)
"""What a gateway answers for a server that is away."""

_RETRIES = Retry(total=2, backoff_factor=0.3, status_forcelist=_AWAY, allowed_methods=None, raise_on_status=False)
"""A second of patience with a dropped connection; every request of the API may be repeated. More is the session's."""

_CUT_OFF = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.RetryError,
    requests.exceptions.ChunkedEncodingError,  # in the middle of an answer
)

Layer = Literal["colored", "fills", "lines"]
"""The frame as it is to be seen, or its colors without the lines."""

Message = TypeVar("Message")


class Client:
    """Calls one server. Every method raises ServerError (or a kind of it) with a sentence for the animator."""

    def __init__(self, server: str, token: str = "", retries: Retry | int = _RETRIES) -> None:
        """`server` is an address like http://127.0.0.1:7860; `token` is sent as a bearer token."""
        self.server = server.strip().rstrip("/")
        parts = urlsplit(self.server)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ServerError(
                Sentence("{address} is no server address: write it like http://127.0.0.1:7860.", address=repr(server))
            )
        self._http = requests.Session()
        # A proxy, or the credentials of a .netrc, must not come between Blender and its own machine.
        self._http.trust_env = not is_loopback(self.server)
        if token:
            self._http.auth = _Bearer(token)
        for scheme in ("http://", "https://"):
            self._http.mount(scheme, HTTPAdapter(max_retries=retries))

    def info(self) -> ServerInfo:
        """Ask the server what it is; raises VersionError when it speaks another protocol version."""
        answer = self._json("GET", "/info", patient=False)
        theirs = answer.get("protocol_version") if isinstance(answer, dict) else None
        if not isinstance(theirs, int):
            raise self._not_ours()
        if theirs != PROTOCOL_VERSION:
            older, remedy = (
                (Sentence("the extension in Blender"), "update_addon")
                if theirs > PROTOCOL_VERSION
                else (Sentence("the server"), "update_server")
            )
            raise VersionError(
                Sentence(
                    "The server speaks protocol version {theirs}, this extension version {ours}: update {older}.",
                    theirs=theirs,
                    ours=PROTOCOL_VERSION,
                    older=older,
                ),
                remedy,
            )
        return self._message(ServerInfo, answer)

    def queues(self) -> tuple[QueueStatus, ...]:
        """Ask how many jobs wait and how many workers serve them."""
        answer = self._json("GET", "/queues", patient=False)
        if not isinstance(answer, list):
            raise self._not_ours()
        return tuple(self._message(QueueStatus, item) for item in answer)

    def missing(self, addresses: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of `addresses` that the server has not yet."""
        answer = self._json("POST", "/blobs/missing", json=list(addresses))
        if not isinstance(answer, list) or not all(isinstance(item, str) for item in answer):
            raise self._not_ours()
        return tuple(answer)

    def upload(self, address: str, path: Path) -> None:
        """Store a file under its content address."""
        headers = {"Content-Type": "application/octet-stream"}
        self._request("PUT", f"/blobs/{address}", data=path.read_bytes(), headers=headers)

    def create(self, job: str, manifest: ShotManifest) -> JobStatus:
        """Create a job under an id made here; the same job sent again is the same job."""
        return self._message(JobStatus, self._json("PUT", f"/jobs/{job}", json=to_json(manifest)))

    def status(self, job: str) -> JobStatus:
        """Return where a job stands."""
        return self._message(JobStatus, self._json("GET", f"/jobs/{job}"))

    def events(self, job: str, after: int) -> tuple[JobEvent, ...]:
        """Return the events of a job with a number above `after`."""
        answer = self._json("GET", f"/jobs/{job}/events", params={"after": after})
        if not isinstance(answer, list):
            raise self._not_ours()
        return tuple(self._message(JobEvent, item) for item in answer)

    def guesses(self, job: str) -> tuple[GuessedFrame, ...]:
        """Return the frames of a job whose colors are a guess, in the order of frames."""
        answer = self._json("GET", f"/jobs/{job}/segments")
        if not isinstance(answer, list):
            raise self._not_ours()
        segments = [self._message(SegmentStatus, item) for item in answer]
        return tuple(sorted((guess for one in segments for guess in one.guesses), key=lambda guess: guess.frame))

    def cancel(self, job: str) -> None:
        """Ask the server to stop a job."""
        self._request("POST", f"/jobs/{job}/cancel")

    def retry(self, job: str) -> None:
        """Ask the server to take up a failed or cancelled job again."""
        self._request("POST", f"/jobs/{job}/retry")

    def set_priority(self, job: str, priority: Priority) -> None:
        """Change when it is a waiting job's turn."""
        self._request("POST", f"/jobs/{job}/priority", json=to_json(PriorityChange(priority)))

    def download(self, job: str, frame: int, path: Path, layer: Layer = "colored") -> None:
        """Write a colored frame, or a layer of it, to `path`, which appears whole or not at all."""
        content = self._request("GET", f"/jobs/{job}/frames/{frame}.png", params={"layer": layer}).content
        if not content.startswith(png.SIGNATURE):
            raise ServerError(
                Sentence(
                    "Frame {frame} of the server's answer is not a PNG image: look at the server's log.", frame=frame
                )
            )
        partial = path.with_name(f".{path.name}.part")
        partial.write_bytes(content)
        partial.replace(path)

    def _json(self, method: str, path: str, **arguments: Any) -> Any:
        response = self._request(method, path, **arguments)
        try:
            return response.json()
        except requests.JSONDecodeError as error:
            raise self._not_ours() from error

    def _request(self, method: str, path: str, patient: bool = True, **arguments: Any) -> requests.Response:
        """Send a request; `patient` tells whether a dropped connection is tried again."""
        http = self._http if patient else self._impatient()
        try:
            response = http.request(
                method, f"{self.server}{API_PREFIX}{path}", timeout=_TIMEOUT, allow_redirects=False, **arguments
            )
        except _CUT_OFF as error:
            raise UnreachableError(
                Sentence(
                    "No server answers at {address}: start it (python install.py server), "
                    "or correct the address in the extension's preferences.",
                    address=self.server,
                ),
                "start_server" if is_loopback(self.server) else "address",
            ) from error
        except requests.RequestException as error:
            raise ServerError(
                Sentence("{address} cannot be asked: {reason}", address=self.server, reason=str(error))
            ) from error
        if response.is_redirect:
            raise ServerError(
                Sentence(
                    "{address} sends requests on to {other}: "
                    "write that server's address in the extension's preferences.",
                    address=self.server,
                    other=response.headers["Location"],
                ),
                "address",
            )
        if not response.ok:
            raise self._refusal(response)
        return response

    def _impatient(self) -> requests.Session:
        """The same session without retries: someone waits for the first answer."""
        http = requests.Session()
        http.trust_env, http.auth = self._http.trust_env, self._http.auth
        return http

    def _refusal(self, response: requests.Response) -> ServerError:
        """The error that a response with an error status stands for."""
        if response.status_code == 401:
            return RefusedError(
                Sentence(
                    "{address} wants a token: make one with `python -m server token` on the server "
                    "and paste it into the extension's preferences.",
                    address=self.server,
                ),
                401,
                "unauthorized",
                remedy="token",
            )
        try:
            problem = from_json(Problem, response.json())
        except (requests.JSONDecodeError, ProtocolError):
            kind = UnreachableError if response.status_code in _AWAY else ServerError
            return kind(
                Sentence(
                    "{address} answered {status} {reason} without an explanation: "
                    "look at the server's log, and check that the address is a LongAnimation Color server's.",
                    address=self.server,
                    status=response.status_code,
                    reason=response.reason,
                )
            )
        return RefusedError(problem.title, problem.status, problem.code, problem.missing)

    def _message(self, kind: type[Message], answer: Any) -> Message:
        try:
            return from_json(kind, answer)
        except ProtocolError as error:
            raise ServerError(
                Sentence("The server's answer cannot be read ({reason}): update the older side.", reason=error.sentence)
            ) from error

    def _not_ours(self) -> ServerError:
        return ServerError(
            Sentence(
                "What answers at {address} is not a LongAnimation Color server: "
                "check the address in the extension's preferences.",
                address=self.server,
            ),
            "address",
        )


class _Bearer(requests.auth.AuthBase):
    """Adds the token to a request. As an auth object it takes precedence over a .netrc."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def is_loopback(server: str) -> bool:
    """Tell whether an address is on this very machine: such a server needs no network."""
    return bool(hosts.is_loopback(urlsplit(server).hostname or ""))
