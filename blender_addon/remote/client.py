# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed calls to the server. Does not use Blender."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar

from urllib3.util import Retry

from .. import png
from ..errors import RefusedError, ServerError, UnreachableError, VersionError
from ..files import replacing
from ..shared.codec import from_json, to_json
from ..shared.manifest import Priority, ShotManifest
from ..shared.protocol import PROTOCOL_VERSION, ProtocolError
from ..shared.server_info import ServerInfo
from ..shared.status import GuessedFrame, JobEvent, JobStatus, PriorityChange, QueueStatus, SegmentStatus
from ..translatable_text import TranslatableText
from .reachability import why_unreachable
from .transport import RETRIES, Transport

Layer = Literal["colored", "fills", "lines"]
"""The finished frame, its colors without the lines, or its lines alone."""

Message = TypeVar("Message")


class Client:
    """Calls one server. Every method raises ServerError (or a kind of it) with a sentence for the animator."""

    def __init__(self, server: str, token: str = "", retries: Retry | int = RETRIES) -> None:
        """`server` is an address like http://127.0.0.1:7860; `token` is sent as a bearer token."""
        self._transport = Transport(server, token, retries)
        self.server = self._transport.server

    def info(self) -> ServerInfo:
        """Ask the server for its information, as the first call. Raises VersionError if it uses another protocol
        version, and UnreachableError with the reason if it does not answer."""
        try:
            answer = self._transport.json("GET", "/info", patient=False)
        except UnreachableError as error:
            raise why_unreachable(self.server, error) from error
        except RefusedError as error:
            if error.status != 404:
                raise
            raise self._transport.foreign_answer() from error  # a server of ours, but not at this path
        theirs = answer.get("protocol_version") if isinstance(answer, dict) else None
        if not isinstance(theirs, int):
            raise self._transport.foreign_answer()
        if theirs != PROTOCOL_VERSION:
            older, remedy = (
                (TranslatableText("the extension in Blender"), "update_addon")
                if theirs > PROTOCOL_VERSION
                else (TranslatableText("the server"), "update_server")
            )
            raise VersionError(
                TranslatableText(
                    "The server uses protocol version {theirs}, this extension version {ours}: update {older}.",
                    theirs=theirs,
                    ours=PROTOCOL_VERSION,
                    older=older,
                ),
                remedy,
            )
        return self._message(ServerInfo, answer)

    def queues(self) -> tuple[QueueStatus, ...]:
        """Ask how many jobs wait and how many workers serve them."""
        answer = self._transport.json("GET", "/queues", patient=False)
        if not isinstance(answer, list):
            raise self._transport.foreign_answer()
        return tuple(self._message(QueueStatus, item) for item in answer)

    def missing(self, addresses: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of `addresses` that the server does not have yet."""
        answer = self._transport.json("POST", "/blobs/missing", json=list(addresses))
        if not isinstance(answer, list) or not all(isinstance(item, str) for item in answer):
            raise self._transport.foreign_answer()
        return tuple(answer)

    def upload(self, address: str, path: Path) -> None:
        """Store a file under its content address."""
        headers = {"Content-Type": "application/octet-stream"}
        self._transport.request("PUT", f"/blobs/{address}", data=path.read_bytes(), headers=headers)

    def create(self, job: str, manifest: ShotManifest) -> JobStatus:
        """Create a job under an id made here; sending the same job again does not create another."""
        return self._message(JobStatus, self._transport.json("PUT", f"/jobs/{job}", json=to_json(manifest)))

    def status(self, job: str) -> JobStatus:
        """Return the status of a job."""
        return self._message(JobStatus, self._transport.json("GET", f"/jobs/{job}"))

    def events(self, job: str, after: int) -> tuple[JobEvent, ...]:
        """Return the events of a job with a number above `after`."""
        answer = self._transport.json("GET", f"/jobs/{job}/events", params={"after": after})
        if not isinstance(answer, list):
            raise self._transport.foreign_answer()
        return tuple(self._message(JobEvent, item) for item in answer)

    def guesses(self, job: str) -> tuple[GuessedFrame, ...]:
        """Return the frames of a job whose colors are a guess, in the order of frames."""
        answer = self._transport.json("GET", f"/jobs/{job}/segments")
        if not isinstance(answer, list):
            raise self._transport.foreign_answer()
        segments = [self._message(SegmentStatus, item) for item in answer]
        return tuple(sorted((guess for one in segments for guess in one.guesses), key=lambda guess: guess.frame))

    def cancel(self, job: str) -> None:
        """Ask the server to stop a job."""
        self._transport.request("POST", f"/jobs/{job}/cancel")

    def retry(self, job: str) -> None:
        """Ask the server to try a failed or cancelled job again."""
        self._transport.request("POST", f"/jobs/{job}/retry")

    def set_priority(self, job: str, priority: Priority) -> None:
        """Change the priority of a waiting job."""
        self._transport.request("POST", f"/jobs/{job}/priority", json=to_json(PriorityChange(priority)))

    def download(self, job: str, frame: int, path: Path, layer: Layer = "colored") -> None:
        """Write a colored frame, or a layer of it, to `path` atomically."""
        content = self._transport.request("GET", f"/jobs/{job}/frames/{frame}.png", params={"layer": layer}).content
        if not content.startswith(png.SIGNATURE):
            raise ServerError(
                TranslatableText(
                    "Frame {frame} of the server's answer is not a PNG image: look at the server's log.", frame=frame
                )
            )
        with replacing(path) as partial:
            partial.write_bytes(content)

    def _message(self, kind: type[Message], answer: Any) -> Message:
        try:
            message: Message = from_json(kind, answer)
        except ProtocolError as error:
            raise ServerError(
                TranslatableText(
                    "The server's answer cannot be read ({reason}): update the older side.", reason=error.sentence
                )
            ) from error
        return message
