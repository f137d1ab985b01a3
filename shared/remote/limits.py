# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares a shot with the limits of a server."""

from __future__ import annotations

from ..errors import ShotError
from ..manifest import ShotManifest
from ..server_info import Limits
from ..translatable_text import TranslatableText


def check_limits(shot: ShotManifest, limits: Limits) -> None:
    """Raise ShotError, with what to do, if a shot exceeds the limits of a server."""
    if shot.width * shot.height > limits.image_pixels:
        raise ShotError(
            TranslatableText(
                "The shot is {size}, more than the {most} pixels that the server accepts: "
                "set a smaller resolution percentage for the line art.",
                size=f"{shot.width}×{shot.height}",
                most=f"{limits.image_pixels:,}",
            )
        )
    if len(shot.timing) > limits.frames:
        raise ShotError(
            TranslatableText(
                "The shot has {count} frames, more than the {most} that the server accepts: color it in parts.",
                count=len(shot.timing),
                most=f"{limits.frames:,}",
            )
        )
    if len(shot.drawings) > limits.drawings:
        raise ShotError(
            TranslatableText(
                "The shot has {count} drawings, more than the {most} that the server accepts: color it in parts.",
                count=len(shot.drawings),
                most=f"{limits.drawings:,}",
            )
        )
