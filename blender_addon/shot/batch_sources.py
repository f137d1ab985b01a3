# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the shots of the markers, scenes and strips of the open file."""

from __future__ import annotations

import bpy

from .. import compat
from ..shared.errors import ShotError
from ..shared.translatable_text import TranslatableText
from .batch import BatchShot, Span, from_markers, of_scene


def shots_of_markers(scene: bpy.types.Scene) -> list[BatchShot]:
    """The shots that begin at the markers of a scene's timeline. Raises ShotError if there is none."""
    frames = range(scene.frame_start, scene.frame_end + 1)
    return from_markers(scene.name, frames, [(marker.frame, marker.name) for marker in scene.timeline_markers])


def shots_of_scenes() -> list[BatchShot]:
    """One shot for each scene of the file with a camera, with the frames from its settings. Raises ShotError if there
    is none."""
    shots = [of_scene(scene.name, scene.longanimation.frames) for scene in bpy.data.scenes if scene.camera]
    if not shots:
        raise ShotError(TranslatableText("No scene in the file has a camera: add one to each scene with drawings."))
    return shots


def span_of(timeline: bpy.types.Scene, strip: bpy.types.Strip) -> Span:
    """What a strip shows. Raises ShotError if it does not show consecutive frames of a scene."""
    frames = compat.strip_range(strip)
    if strip.type != "SCENE":
        return Span(strip.name, frames, timeline.name, frames.start)
    scene = strip.scene
    if scene is None or strip.scene_input != "CAMERA":
        raise ShotError(
            TranslatableText(
                "The strip {name} does not show a scene's camera: choose its scene, and Camera as its input.",
                name=repr(strip.name),
            )
        )
    if strip.use_reverse_frames or len(getattr(strip, "retiming_keys", ())) > 0:
        raise ShotError(
            TranslatableText(
                "The strip {name} is retimed or reversed: add its scene's frames to the batch by hand.",
                name=repr(strip.name),
            )
        )
    # A strip repeats its first image before its content and its last image after it.
    shift = scene.frame_start + strip.animation_offset_start - compat.content_start(strip)
    first = max(frames.start + shift, scene.frame_start)
    stop = min(frames.stop + shift, scene.frame_end + 1)
    return Span(strip.name, range(first - shift, stop - shift), scene.name, first)
