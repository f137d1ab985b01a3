# SPDX-License-Identifier: GPL-3.0-or-later
"""The painted keyframes of a shot: rendered with the scene's fills, or images painted elsewhere."""

from __future__ import annotations

from pathlib import Path

from .. import png
from ..shared.errors import ShotError
from ..shared.translatable_text import TranslatableText
from .painted_frame import PaintedFrame
from .rendering import render_frame, rendering
from .resolved_shot import ResolvedShot


def write_keyframe(shot: ResolvedShot, keyframe: PaintedFrame, path: Path) -> None:
    """Write a keyframe to a PNG of the shot's size; a held drawing is rendered at the frame where it is drawn.

    Raises ShotError if that is not possible, or OSError.
    """
    if keyframe.image is not None:
        keyframe.write_image(path, shot.size)
        return
    with rendering(shot, "keyframe"):
        render_frame(shot.scene, shot.drawn_at(keyframe.frame), path)
    path.write_bytes(png.without_metadata(path.read_bytes()))


def check(keyframes: tuple[PaintedFrame, ...], frames: range) -> None:
    """Raise ShotError unless there is at least one keyframe and all of them are in `frames`."""
    if not keyframes:
        raise ShotError(
            TranslatableText("The shot has no keyframe: go to a painted frame and press Use This Frame as Keyframe.")
        )
    for keyframe in keyframes:
        if keyframe.frame not in frames:
            raise ShotError(
                TranslatableText(
                    "Keyframe {frame} lies outside the frame range {first}..{last}: "
                    "widen the range or choose a frame inside it.",
                    frame=keyframe.frame,
                    first=frames.start,
                    last=frames.stop - 1,
                )
            )
