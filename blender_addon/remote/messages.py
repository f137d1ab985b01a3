# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session reports about its take, to whoever reads its messages."""

from __future__ import annotations

from dataclasses import dataclass

from ..takes.take import Take


@dataclass(frozen=True)
class Progress:
    """How far the take is (0 to 1), and what is being done.

    eta: seconds that are left, where the server can tell. trouble: why nothing goes on at the moment, or "".
    waiting: the job waits for its turn.
    """

    fraction: float
    text: str
    eta: float | None = None
    trouble: str = ""
    waiting: bool = False


@dataclass(frozen=True)
class Arrived:
    """These frames are in the take's folder now, complete."""

    frames: tuple[int, ...]


@dataclass(frozen=True)
class Remark:
    """A remark of the server about the job."""

    sentence: str


@dataclass(frozen=True)
class Guessed:
    """So far the colors of these frames are a guess: by frame, the share of the picture."""

    shares: dict[int, float]


@dataclass(frozen=True)
class Finished:
    """All colored frames are in the take's folder."""

    take: Take


@dataclass(frozen=True)
class Failed:
    """The take ended without its frames; the sentence says why and what to do. remedy: as in errors.ServerError."""

    sentence: str
    remedy: str = ""


@dataclass(frozen=True)
class Cancelled:
    """The take was cancelled, here or on the server."""


Outcome = Finished | Failed | Cancelled
Message = Progress | Arrived | Remark | Guessed | Outcome
