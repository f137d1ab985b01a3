# SPDX-License-Identifier: GPL-3.0-or-later
"""Coloured frames and line art → image strips in the Sequencer, at the frames of the shot."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from .. import compat
from ..errors import ShotError
from ..takes.take import Take, frame_name

_LAST_CHANNEL = 128


def place(scene: bpy.types.Scene, take: Take) -> tuple[bpy.types.Strip, bpy.types.Strip]:
    """Add the take's strips above whatever the timeline holds there: colour, and line art one channel higher.

    The line art darkens the colour below it, so muting the colour strip shows the drawing alone. Raises ShotError,
    before anything is added, when frames are missing or the channels are all taken.
    """
    for folder in (take.colored, take.lineart):
        absent = [frame for frame in take.manifest.exposure.frames if not (folder / frame_name(frame)).is_file()]
        if absent:
            raise ShotError(
                f"{folder} lacks {len(absent)} frames, the first of them {absent[0]}: "
                "fetch the take from the server again."
            )
    editor = scene.sequence_editor or scene.sequence_editor_create()
    channel = free_channel(editor, take.manifest.exposure.frames)
    color = _add(editor, take, take.colored, f"{take.manifest.name} colour", channel)
    lines = _add(editor, take, take.lineart, f"{take.manifest.name} line art", channel + 1)
    lines.blend_type = "DARKEN"
    return color, lines


def free_channel(editor: bpy.types.SequenceEditor, frames: range) -> int:
    """Return the lowest channel above every strip of `frames`; the one above it is free as well."""
    taken = [
        strip.channel
        for strip in compat.strips_of(editor)
        if compat.strip_range(strip).start < frames.stop and frames.start < compat.strip_range(strip).stop
    ]
    channel = max(taken, default=0) + 1
    if channel + 1 > _LAST_CHANNEL:
        raise ShotError(
            f"No two channels are free above frames {frames.start}..{frames.stop - 1}: move strips to lower channels."
        )
    return channel


def _add(editor: bpy.types.SequenceEditor, take: Take, folder: Path, name: str, channel: int) -> bpy.types.Strip:
    frames = take.manifest.exposure.frames
    strip = compat.strips_of(editor).new_image(
        name=name,
        filepath=str(folder / frame_name(frames.start)),
        channel=channel,
        frame_start=frames.start,
        fit_method="FIT",
    )
    for frame in frames[1:]:
        strip.elements.append(frame_name(frame))
    strip.directory = _blender_path(folder)
    strip["longanimation_job"] = take.job
    strip["longanimation_seed"] = take.manifest.seed
    strip["longanimation_preset"] = take.manifest.preset
    return strip


def _blender_path(folder: Path) -> str:
    """The folder as Blender writes it: relative to the .blend file where there is one on the same drive."""
    if bpy.data.filepath:
        try:
            return bpy.path.relpath(str(folder)) + os.sep
        except ValueError:  # another drive, on Windows
            pass
    return str(folder) + os.sep
