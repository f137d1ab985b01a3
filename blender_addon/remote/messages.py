# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session reports about its take, to whoever reads its messages."""

from __future__ import annotations

from dataclasses import dataclass

from ..takes.take import Take


@dataclass(frozen=True)
class Progress:
    """The progress of the take (0 to 1), and the current step.

    eta: seconds left, if the server knows. trouble: why there is no progress at the moment, or "". waiting: the job
    waits for its turn. remedy: as in errors.ServerError, if the server does not answer.
    """

    fraction: float
    text: str
    eta: float | None = None
    trouble: str = ""
    waiting: bool = False
    remedy: str = ""


@dataclass(frozen=True)
class Arrived:
    """These frames are now complete in the take's folder."""

    frames: tuple[int, ...]


@dataclass(frozen=True)
class Remark:
    """A remark of the server about the job."""

    sentence: str


@dataclass(frozen=True)
class Guessed:
    """The frames with guessed colors so far: the guessed share of the picture, by frame."""

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
