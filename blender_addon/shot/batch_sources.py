# SPDX-License-Identifier: GPL-3.0-or-later
"""The shots that markers, scenes and strips of the open file stand for."""

from __future__ import annotations

import bpy

from .. import compat
from ..errors import ShotError
from ..translatable_text import TranslatableText
from .batch import BatchShot, Span, from_markers, of_scene


def shots_of_markers(scene: bpy.types.Scene) -> list[BatchShot]:
    """The shots that the markers of a scene's timeline begin. Raises ShotError when there is none."""
    frames = range(scene.frame_start, scene.frame_end + 1)
    return from_markers(scene.name, frames, [(marker.frame, marker.name) for marker in scene.timeline_markers])


def shots_of_scenes() -> list[BatchShot]:
    """A shot of every scene of the file that has a camera, with the frames that its settings say. Raises ShotError when
    there is none."""
    shots = [of_scene(scene.name, scene.longanimation.frames) for scene in bpy.data.scenes if scene.camera]
    if not shots:
        raise ShotError(TranslatableText("No scene of the file has a camera: add one to each scene that is drawn."))
    return shots


def span_of(timeline: bpy.types.Scene, strip: bpy.types.Strip) -> Span:
    """What a strip shows. Raises ShotError when it does not show the frames of a scene one after the other."""
    frames = compat.strip_range(strip)
    if strip.type != "SCENE":
        return Span(strip.name, frames, timeline.name, frames.start)
    scene = strip.scene
    if scene is None or strip.scene_input != "CAMERA":
        raise ShotError(
            TranslatableText(
                "The strip {name} shows no scene's camera: choose its scene, and Camera as its input.",
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
    # Before and after its content a strip holds the first and the last image.
    shift = scene.frame_start + strip.animation_offset_start - compat.content_start(strip)
    first = max(frames.start + shift, scene.frame_start)
    stop = min(frames.stop + shift, scene.frame_end + 1)
    return Span(strip.name, range(first - shift, stop - shift), scene.name, first)
