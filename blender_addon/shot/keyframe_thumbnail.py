# SPDX-License-Identifier: GPL-3.0-or-later
"""A small picture of a keyframe that the scene paints, and whether the scene itself renders differently."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np

from ..png_pixels import read_png
from .changes import Changes
from .rendering import Part, render_frame, rendering
from .resolved_shot import ResolvedShot, resolve_at
from .scene_objects import pencils_of, rendered

_SIDE = 192
"""The longer side of the picture, in pixels."""
_SAMPLES = 16
"""The most samples of a pixel."""
_VISIBLE, _SPECKS = 8, 0.01
"""Pictures differ if more than this share of their pixels is off by more than this, of 255."""


def thumbnail(scene: bpy.types.Scene, frame: int) -> tuple[bpy.types.Image, bool]:
    """Render the keyframe of a frame as a small image, which is saved with the .blend file.

    Returns the image, and whether the scene's own render looks different: light falls on the paint, or motion blurs it.
    Raises ShotError.
    """
    shot = resolve_at(scene, frame)
    scale = min(1.0, _SIDE / max(shot.size))
    shot = replace(shot, size=(max(1, round(shot.size[0] * scale)), max(1, round(shot.size[1] * scale))))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keyframe.png"
        picture = _rendered(shot, "keyframe", path)
        image = bpy.data.images.load(str(path))
        image.pack()
        image.name = f".{scene.name} keyframe {frame}"  # a leading dot keeps it out of Blender's lists
        if not _may_differ(scene):
            return image, False
        own = _rendered(shot, "scene", Path(folder) / "scene.png")
    off = np.abs(picture[..., :3].astype(np.int16) - own[..., :3]).max(axis=2) > _VISIBLE
    return image, float(off.mean()) > _SPECKS


def _rendered(shot: ResolvedShot, part: Part, path: Path) -> np.ndarray:
    scene = shot.scene
    with rendering(shot, part):
        changes = Changes()
        try:
            for owner, name in ((getattr(scene, "cycles", None), "samples"), (scene.eevee, "taa_render_samples")):
                if owner is not None:
                    changes.set(owner, **{name: min(_SAMPLES, getattr(owner, name))})
            render_frame(scene, shot.frames.start, path)
        finally:
            changes.undo()
    return read_png(path)


def _may_differ(scene: bpy.types.Scene) -> bool:
    """Tell whether something in the scene could change the colors of paint."""
    is_lit = any(item.type == "LIGHT" for item in rendered(scene))
    return scene.render.use_motion_blur or (
        is_lit and any(item.use_grease_pencil_lights for item in pencils_of(scene, None))
    )
