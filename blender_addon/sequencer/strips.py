# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts takes into the Sequencer as image strips (Blender manual, Video Editing › Strips › Image)."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Literal

import bpy

from .. import compat, png
from ..shared.digests import address_of
from ..shared.errors import ShotError
from ..shared.translatable_text import TranslatableText
from ..takes.take import Take, frame_name
from .elements import append

LAST_CHANNEL = 128
_PENDING = "pending.png"
"""A transparent image that is shown for a frame that has not arrived."""

JOB, OVERLAY = "longanimation_job", "longanimation_checks"
"""Custom properties with the job of the take that a strip shows or overlays; strips inside a meta strip also have
them."""


Half = Literal["whole", "left", "right"]


def place(scene: bpy.types.Scene, take: Take) -> list[bpy.types.Strip]:
    """Add the take's strips above the existing strips there, and return the top-level ones.

    Frames that have not arrived are transparent until `refresh` is called for them, so that an earlier take is seen
    there. A complete take mutes the earlier takes of the shot that it covers. Raises ShotError, before anything is
    added, if line art is missing or no channel is free.
    """
    frames = take.manifest.exposure.frames
    layered = take.placement.layout != "flat"
    if layered and not take.has_lines:
        _require_lineart(take)
    editor = scene.sequence_editor or scene.sequence_editor_create()
    start = take.placement.start
    layers: list[tuple[Path, Collection[int]]] = [(take.fills if layered else take.colored, take.arrived())]
    if layered:
        layers.append((take.lines, take.arrived()) if take.has_lines else (take.lineart, frames))
    if take.background.is_dir():
        layers.insert(0, (take.background, frames))
    count = 1 if take.placement.layout == "meta" else len(layers)
    channel = free_channel(editor, range(start, start + len(frames)), count)
    holder = editor
    top = []
    if take.placement.layout == "meta":
        holder = compat.strips_of(editor).new_meta(name=take.title, channel=channel, frame_start=start)
        top = [holder]
        channel = 1
    strips = [add_images(holder, take, *layer, above) for above, layer in enumerate(layers, start=channel)]
    if layered and not take.has_lines:
        strips[-1].blend_type = "MULTIPLY"
    if top:
        compat.set_length(holder, len(frames))
    for strip in (*top, *strips):
        tag(strip, take)
    if _remove_placeholders(take):
        _mute_covered(scene, take)
    return top or strips


def refresh(scene: bpy.types.Scene, take: Take, frames: Collection[int]) -> bool:
    """Show newly arrived frames in the take's strips; returns whether the take has strips."""
    found = has_new = False
    first = take.manifest.frame_start
    for strip in strips_of_take(scene, take.job):
        found = True
        if strip.type == "IMAGE":
            for frame in frames:
                element = strip.elements[frame - first]
                has_new |= element.filename == _PENDING
                element.filename = frame_name(frame)
    if _remove_placeholders(take) and has_new:
        _mute_covered(scene, take)
    return found


def _remove_placeholders(take: Take) -> bool:
    """Remove the placeholder images from the folders of a complete take. Returns whether it is complete."""
    is_complete = len(take.arrived()) == len(take.manifest.timing)
    if is_complete:
        for folder in take.results:
            (folder / _PENDING).unlink(missing_ok=True)
    return is_complete


def _mute_covered(scene: bpy.types.Scene, take: Take) -> None:
    """Mute the strips of other takes of a take's shot that end within it. Longer ones are seen beside it."""
    frames = range(take.placement.start, take.placement.start + len(take.manifest.timing))
    for strip in _of_shot(scene, take):
        if strip[JOB] != take.job:
            shown = compat.strip_range(strip)
            strip.mute = strip.mute or (frames.start <= shown.start and shown.stop <= frames.stop)


def strips_of_take(scene: bpy.types.Scene, job: str) -> Iterator[bpy.types.Strip]:
    """Yield all strips of a take, including those inside meta strips."""
    editor = scene.sequence_editor
    if editor is not None:
        yield from (strip for strip in compat.all_strips_of(editor) if strip.get(JOB) == job)


def job_at(scene: bpy.types.Scene, frame: int) -> str:
    """The job of the take that a timeline frame shows: that of our highest unmuted strip, or ""."""
    if scene.sequence_editor is None:
        return ""
    strips = compat.strips_of(scene.sequence_editor)
    shown = [strip for strip in strips if JOB in strip and not strip.mute and frame in compat.strip_range(strip)]
    return max(shown, key=lambda strip: strip.channel)[JOB] if shown else ""


def halves(scene: bpy.types.Scene) -> dict[str, Half]:
    """The jobs of the takes whose strips are not muted, and what of them is shown: all, or a half in a comparison."""
    if scene.sequence_editor is None:
        return {}
    shown = [strip for strip in compat.strips_of(scene.sequence_editor) if JOB in strip and not strip.mute]
    return {strip[JOB]: "left" if strip.crop.max_x else "right" if strip.crop.min_x else "whole" for strip in shown}


def overlaid(scene: bpy.types.Scene) -> set[str]:
    """The jobs of the takes whose findings are shown."""
    if scene.sequence_editor is None:
        return set()
    return {strip[OVERLAY] for strip in compat.strips_of(scene.sequence_editor) if OVERLAY in strip}


def remove(scene: bpy.types.Scene, job: str, kind: str = JOB) -> bool:
    """Remove the strips of a take, or of its overlay; its files are kept. Returns whether there were any."""
    if scene.sequence_editor is None:
        return False
    strips = compat.strips_of(scene.sequence_editor)
    found = [strip for strip in strips if strip.get(kind) == job]
    for strip in found:
        strips.remove(strip)
    return bool(found)


def free_channel(editor: bpy.types.SequenceEditor, frames: range, count: int) -> int:
    """Return the lowest channel above every strip in `frames`; `count` channels are free from there up.

    Raises ShotError if there are not enough channels.
    """
    taken = [
        strip.channel
        for strip in compat.strips_of(editor)
        if compat.strip_range(strip).start < frames.stop and frames.start < compat.strip_range(strip).stop
    ]
    channel = max(taken, default=0) + 1
    if channel + count - 1 > LAST_CHANNEL:
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
                "{count} frames are missing from {folder} (the first is {first}): color the shot again.",
                folder=take.lineart,
                count=len(absent),
                first=absent[0],
            )
        )


def add_images(holder: object, take: Take, folder: Path, here: Collection[int], channel: int) -> bpy.types.Strip:
    """Add an image strip of a folder, one element per frame; frames not in `here` are transparent."""
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


def tag(strip: bpy.types.Strip, take: Take) -> None:
    """Set the custom properties that identify a strip."""
    strip[JOB] = take.job
    strip["longanimation_shot"] = take.manifest.name
    strip["longanimation_seed"] = take.manifest.seed
    strip["longanimation_preset"] = take.manifest.preset
    strip["longanimation_hash"] = address_of(repr(take.manifest).encode())


def _blender_path(folder: Path) -> str:
    """The folder as Blender writes it: relative to the .blend file if there is one on the same drive."""
    if bpy.data.filepath:
        try:
            return bpy.path.relpath(str(folder)) + os.sep
        except ValueError:  # another drive, on Windows
            pass
    return str(folder) + os.sep


def show(scene: bpy.types.Scene, take: Take) -> None:
    """Show a take's strips uncropped, and mute those of its shot's other takes that it covers or that lie above."""
    own = [strip for strip in _of_shot(scene, take) if strip[JOB] == take.job]
    top = max((strip.channel for strip in own), default=0)
    for strip in _of_shot(scene, take):
        strip.mute = strip[JOB] != take.job and (strip.mute or strip.channel > top)
        strip.crop.min_x = strip.crop.max_x = 0
    _mute_covered(scene, take)


def compare(scene: bpy.types.Scene, take: Take) -> bool:
    """Show a take in the left half of the picture, and the currently shown take in the right half.

    If the take is already compared, show it whole again. Returns whether two takes are compared now.
    """
    strips = list(_of_shot(scene, take))
    mine = [strip for strip in strips if strip[JOB] == take.job]
    others = [strip for strip in strips if strip[JOB] != take.job and not strip.mute]
    if not others or any(strip.crop.min_x or strip.crop.max_x for strip in mine):
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
    """Show a take's findings over the timeline, one strip per overlay image, or remove them again.

    If no take of the shot is shown yet, its line art is placed below.
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
        add_images(editor, take, take.lineart, exposure.frames, channel)[OVERLAY] = take.job
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
