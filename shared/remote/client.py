# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed calls to the server."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from urllib3.util import Retry

from ..codec import from_json, to_json
from ..digests import ADDRESS_PATTERN, address_of
from ..errors import RefusedError, ServerError, UnreachableError, VersionError
from ..manifest import Priority, ShotManifest
from ..palette import Palette, PaletteSummary, PaletteVersion
from ..protocol import PROTOCOL_VERSION, ProtocolError
from ..server_info import ServerInfo
from ..status import GuessedFrame, JobEvent, JobStatus, PriorityChange, QueueStatus, SegmentStatus
from ..translatable_text import TranslatableText
from .reachability import why_unreachable
from .transport import RETRIES, Transport

Layer = Literal["colored", "fills", "lines", "regions"]
"""The finished frame, its colors without the lines, its lines alone, or the regions of its drawing in random colors."""

Message = TypeVar("Message")

_EXTENSION = TranslatableText("the extension in Blender")
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Frame:
    """A frame of a job. address: the SHA-256 of the colored frame, empty if it is not known. content: the PNG, or
    nothing if the caller has it already."""

    address: str
    content: bytes


class Client:
    """Calls one server. Every method raises ServerError (or a kind of it) with a sentence for people."""

    def __init__(self, server: str, token: str = "", retries: Retry | int = RETRIES, program: str = _EXTENSION) -> None:
        """`server` is an address like http://127.0.0.1:7860; `token` is sent as a bearer token; `program` is what to
        update if it is older than the server."""
        self._program = program
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
                (self._program, "update_addon")
                if theirs > PROTOCOL_VERSION
                else (TranslatableText("the server"), "update_server")
            )
            raise VersionError(
                TranslatableText(
                    "The server uses protocol version {theirs}, this side version {ours}: update {older}.",
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

    def frame(self, job: str, frame: int, layer: Layer = "colored", known: Iterable[str] = (), **query: float) -> Frame:
        """Return a colored frame, which is verified, or a layer of it.

        known: the addresses of colored frames that the caller has. These are not sent again. query: `gap` and
        `smallest_region`, if the regions are to be seen by other settings than the job's.
        """
        condition = ", ".join(f'"{address}-{layer}"' for address in known)
        answer = self._transport.request(
            "GET",
            f"/jobs/{job}/frames/{frame}.png",
            params={"layer": layer, **query},
            headers={"If-None-Match": condition} if condition else {},
        )
        tag = re.search(f"({ADDRESS_PATTERN})-{layer}", answer.headers.get("ETag", ""))
        address = tag[1] if tag else ""  # a proxy may have dropped it
        if answer.status_code == 304:
            return Frame(address, b"")
        if not answer.content.startswith(_PNG):
            raise ServerError(
                TranslatableText(
                    "Frame {frame} of the server's answer is not a PNG image: look at the server's log.", frame=frame
                )
            )
        found = address_of(answer.content)
        if layer == "colored" and address not in ("", found):
            raise UnreachableError(TranslatableText("Frame {frame} arrived damaged: fetch it again.", frame=frame))
        return Frame(found if layer == "colored" else address, answer.content)

    def palettes(self) -> tuple[PaletteSummary, ...]:
        """Return the newest version of each palette in the library, by name."""
        return self._palettes("/palettes")

    def palette_versions(self, name: str) -> tuple[PaletteSummary, ...]:
        """Return the versions of a palette, the newest first."""
        return self._palettes(f"/palettes/{quote(name, safe='')}/versions")

    def palette(self, name: str, version: int = 0) -> PaletteVersion:
        """Return a version of a palette of the library; 0 is the newest."""
        answer = self._transport.json("GET", f"/palettes/{quote(name, safe='')}", params={"version": version})
        return self._message(PaletteVersion, answer)

    def put_palette(self, name: str, palette: Palette, replaces: int) -> PaletteVersion:
        """Add a version of a palette to the library. replaces: the version that it replaces, 0 for a new palette.

        Raises RefusedError with the code `palette_changed` if somebody else was faster.
        """
        headers = {"If-Match": f'"{replaces}"'} if replaces else {"If-None-Match": "*"}
        path = f"/palettes/{quote(name, safe='')}"
        return self._message(PaletteVersion, self._transport.json("PUT", path, json=to_json(palette), headers=headers))

    def _palettes(self, path: str) -> tuple[PaletteSummary, ...]:
        answer = self._transport.json("GET", path)
        if not isinstance(answer, list):
            raise self._transport.foreign_answer()
        return tuple(self._message(PaletteSummary, item) for item in answer)

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
