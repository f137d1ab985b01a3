# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes → image strips in the Sequencer, at the frames of the shot (Blender manual, Video Editing › Strips › Image)."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from itertools import takewhile
from pathlib import Path

import bpy

from .. import compat, png
from ..errors import ShotError
from ..shared.digests import address_of
from ..takes.take import Take, frame_name
from ..translatable_text import TranslatableText
from .elements import append

_LAST_CHANNEL = 128
_PENDING = "pending.png"
"""A transparent image in the place of a frame that has not arrived."""

JOB, OVERLAY = "longanimation_job", "longanimation_checks"
"""The custom properties by which a strip knows the take that it shows, or lies over; strips inside a meta strip have
them too."""


def place(scene: bpy.types.Scene, take: Take) -> list[bpy.types.Strip]:
    """Add the take's strips above whatever the timeline holds there, and return the top-level ones.

    Frames that have not arrived are transparent until `refresh` is called for them. Earlier takes of the shot at this
    place are muted: kept, but out of sight. Raises ShotError, before anything is added, when line art is missing or
    the channels are all taken.
    """
    frames = take.manifest.exposure.frames
    layered = take.placement.layout != "flat"
    if layered:
        _require_lineart(take)
    editor = scene.sequence_editor or scene.sequence_editor_create()
    start = take.placement.start
    count = 2 if take.placement.layout == "strips" else 1
    channel = free_channel(editor, range(start, start + len(frames)), count)
    for strip in _of_shot(scene, take):
        strip.mute = True
    holder = editor
    top = []
    if take.placement.layout == "meta":
        holder = compat.strips_of(editor).new_meta(name=take.title, channel=channel, frame_start=start)
        top = [holder]
        channel = 1
    strips = [_add(holder, take, take.fills if layered else take.colored, take.arrived(), channel)]
    if layered:
        if take.transparent:
            lines = _add(holder, take, take.lines, take.arrived(), channel + 1)
        else:
            lines = _add(holder, take, take.lineart, frames, channel + 1)
            lines.blend_type = "MULTIPLY"
        strips.append(lines)
    if top:
        compat.set_length(holder, len(frames))
    for strip in (*top, *strips):
        _tag(strip, take)
    _remove_placeholders(take)
    return top or strips


def refresh(scene: bpy.types.Scene, take: Take, frames: Collection[int]) -> bool:
    """Show frames that have arrived in the take's strips; tells whether there are such strips."""
    found = False
    first = take.manifest.frame_start
    for strip in strips_of_take(scene, take.job):
        found = True
        if strip.type == "IMAGE":
            for frame in frames:
                strip.elements[frame - first].filename = frame_name(frame)
    _remove_placeholders(take)
    return found


def _remove_placeholders(take: Take) -> None:
    """Leave nothing but frames in the folders of a take that is complete."""
    if len(take.arrived()) == len(take.manifest.timing):
        for folder in take.results:
            (folder / _PENDING).unlink(missing_ok=True)


def strips_of_take(scene: bpy.types.Scene, job: str) -> Iterator[bpy.types.Strip]:
    """Yield the strips of a take wherever they are, those inside meta strips too."""
    editor = scene.sequence_editor
    if editor is not None:
        yield from (strip for strip in compat.all_strips_of(editor) if strip.get(JOB) == job)


def job_at(scene: bpy.types.Scene, frame: int) -> str:
    """The take that is shown at a frame of the timeline: that of the highest strip of ours that is not muted, or ""."""
    if scene.sequence_editor is None:
        return ""
    strips = compat.strips_of(scene.sequence_editor)
    shown = [strip for strip in strips if JOB in strip and not strip.mute and frame in compat.strip_range(strip)]
    return max(shown, key=lambda strip: strip.channel)[JOB] if shown else ""


def remove(scene: bpy.types.Scene, job: str, kind: str = JOB) -> bool:
    """Remove the strips of a take, or of its overlay; its files stay. Tells whether there were any."""
    if scene.sequence_editor is None:
        return False
    strips = compat.strips_of(scene.sequence_editor)
    found = [strip for strip in strips if strip.get(kind) == job]
    for strip in found:
        strips.remove(strip)
    return bool(found)


def free_channel(editor: bpy.types.SequenceEditor, frames: range, count: int) -> int:
    """Return the lowest channel above every strip of `frames`, with `count` free ones from there.

    Raises ShotError when there are not so many.
    """
    taken = [
        strip.channel
        for strip in compat.strips_of(editor)
        if compat.strip_range(strip).start < frames.stop and frames.start < compat.strip_range(strip).stop
    ]
    channel = max(taken, default=0) + 1
    if channel + count - 1 > _LAST_CHANNEL:
        raise ShotError(
            TranslatableText(
                "No channel is free above frames {first}..{last}: move strips to lower channels.",
                first=frames.start,
                last=frames.stop - 1,
            )
        )
    return channel


def _require_lineart(take: Take) -> None:
    absent = [frame for frame in take.manifest.exposure.frames if not (take.lineart / frame_name(frame)).is_file()]
    if absent:
        raise ShotError(
            TranslatableText(
                "{folder} lacks {count} frames, the first of them {first}: color the shot again.",
                folder=take.lineart,
                count=len(absent),
                first=absent[0],
            )
        )


def _add(holder: object, take: Take, folder: Path, here: Collection[int], channel: int) -> bpy.types.Strip:
    """Add an image strip of a folder, one element a frame; those that are not `here` are transparent."""
    frames = take.manifest.exposure.frames
    here = set(here)
    names = [frame_name(frame) if frame in here else _PENDING for frame in frames]
    if len(here) < len(frames):
        folder.mkdir(exist_ok=True)
        (folder / _PENDING).write_bytes(png.transparent(take.manifest.width, take.manifest.height))
    strip = compat.strips_of(holder).new_image(
        name=f"{take.title} {folder.name}",
        filepath=str(folder / names[0]),
        channel=channel,
        frame_start=take.placement.start,
        fit_method="FIT",
    )
    append(strip, names[1:], take.manifest.width, take.manifest.height)
    strip.directory = _blender_path(folder)
    strip.colorspace_settings.name = "sRGB"
    return strip


def _tag(strip: bpy.types.Strip, take: Take) -> None:
    """Give a strip the properties by which it is recognized."""
    strip[JOB] = take.job
    strip["longanimation_shot"] = take.manifest.name
    strip["longanimation_seed"] = take.manifest.seed
    strip["longanimation_preset"] = take.manifest.preset
    strip["longanimation_hash"] = address_of(repr(take.manifest).encode())


def _blender_path(folder: Path) -> str:
    """The folder as Blender writes it: relative to the .blend file where there is one on the same drive."""
    if bpy.data.filepath:
        try:
            return bpy.path.relpath(str(folder)) + os.sep
        except ValueError:  # another drive, on Windows
            pass
    return str(folder) + os.sep


def show(scene: bpy.types.Scene, take: Take) -> None:
    """Show a take's strips whole, and mute those of the other takes of its shot."""
    for strip in _of_shot(scene, take):
        strip.mute = strip[JOB] != take.job
        strip.crop.min_x = strip.crop.max_x = 0


def compare(scene: bpy.types.Scene, take: Take) -> bool:
    """Show a take in the left half of the picture, beside the one that is shown now; if it is there already, show it
    whole again. Tells whether two are compared now."""
    strips = list(_of_shot(scene, take))
    mine = [strip for strip in strips if strip[JOB] == take.job]
    others = [strip for strip in strips if strip[JOB] != take.job and not strip.mute]
    if not others or any(strip.crop.max_x for strip in mine):
        show(scene, take)
        return False
    width = scene.render.resolution_x if take.placement.layout == "meta" else take.manifest.width
    for strip in mine:
        strip.mute = False
        strip.crop.min_x, strip.crop.max_x = 0, width // 2
    for strip in others:
        strip.crop.min_x, strip.crop.max_x = width // 2, 0
    return True


def toggle_overlay(scene: bpy.types.Scene, take: Take) -> None:
    """Lay what was found out about a take over the timeline, a strip a picture, or take it away again.

    Where no take of the shot is shown yet, its line art lies below.
    """
    if remove(scene, take.job, OVERLAY):
        return
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strips = compat.strips_of(editor)
    exposure = take.manifest.exposure
    frames = [frame for frame in exposure.frames if (take.folder / "checks" / frame_name(frame)).is_file()]
    start = take.placement.start
    is_bare = all(strip.mute for strip in _of_shot(scene, take))
    channel = free_channel(editor, range(start, start + len(exposure.frames)), 2 if is_bare else 1)
    if is_bare:
        _require_lineart(take)
        _add(editor, take, take.lineart, exposure.frames, channel)[OVERLAY] = take.job
        channel += 1
    for frame in frames:
        shown = (exposure.drawing_at(other) for other in range(frame, exposure.frames.stop))
        held = takewhile(exposure.drawing_at(frame).__eq__, shown)
        strip = strips.new_image(
            name=f"{take.title} checks",
            filepath=str(take.folder / "checks" / frame_name(frame)),
            channel=channel,
            frame_start=start + frame - exposure.frame_start,
            fit_method="FIT",
        )
        compat.set_length(strip, len(list(held)))
        strip[OVERLAY] = take.job


def _of_shot(scene: bpy.types.Scene, take: Take) -> Iterator[bpy.types.Strip]:
    """Yield the top-level strips of all takes of a take's shot."""
    if scene.sequence_editor is not None:
        for strip in compat.strips_of(scene.sequence_editor):
            if JOB in strip and strip.get("longanimation_shot") == take.manifest.name:
                yield strip
