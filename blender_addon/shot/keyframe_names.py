# SPDX-License-Identifier: GPL-3.0-or-later
"""The frames that painted images show, by the names of their files. Does not use Blender."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from ..shared.frame_names import Numbering, UnclearFrame


def frames_of(stems: Sequence[str], frames: range) -> list[int | tuple[int, ...] | None]:
    """Find the frame of each file from its name without suffix: None if the name has no number, and several numbers if
    it is not clear which of them is the frame.

    frames: those of the shot. In a name with several numbers, the frame is the number that varies among files of one
    form, and else the only number that is a frame of the shot.
    """
    if len(stems) > 1:
        with suppress(UnclearFrame):
            return [*Numbering.of(stems).frames]
    shot = Numbering(tuple(frames), {}, frozenset())
    return [_frame_of(stem, shot) for stem in stems]


def _frame_of(stem: str, shot: Numbering) -> int | tuple[int, ...] | None:
    try:
        return shot.frame_of(stem)
    except UnclearFrame as error:
        return error.numbers if len(error.numbers) > 1 else None
