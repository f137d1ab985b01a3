# SPDX-License-Identifier: GPL-3.0-or-later
"""The line art of a shot, written frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import png
from .rendering import render_frame, rendering
from .resolved_shot import ResolvedShot


@contextmanager
def line_art(shot: ResolvedShot) -> Iterator[Callable[[int, Path], None]]:
    """Provide, within the block, a function that writes the line art of a frame to a PNG, from any source.

    The block and the function raise ShotError.
    """
    sequence = shot.sequence
    if sequence is not None:

        def write(frame: int, path: Path) -> None:
            sequence.require([frame])
            sequence.write(frame, path, shot.percentage, shot.keep_colors)

        yield write
        return
    with rendering(shot, "line art"):

        def render(frame: int, path: Path) -> None:
            render_frame(shot.scene, frame, path)
            path.write_bytes(png.without_metadata(path.read_bytes()))

        yield render
