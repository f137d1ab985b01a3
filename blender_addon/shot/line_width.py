# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the lines of Line Art modifiers wide enough to be dark."""

from __future__ import annotations

from statistics import median

import bpy

from .changes import Changes
from .scene_objects import line_art_modifiers, rendered

_LEAST_RADIUS = 2.0
"""Half the width of the thinnest line, in pixels; Grease Pencil fades the outermost pixels."""


def least_radius(scene: bpy.types.Scene) -> float:
    """Half the width of the thinnest dark line at the meshes' median distance from the camera, in Blender units."""
    camera, render = scene.camera, scene.render
    corners = camera.data.view_frame(scene=scene)
    width = max(corner.x for corner in corners) - min(corner.x for corner in corners)
    if camera.data.type == "PERSP":
        into = camera.matrix_world.inverted()
        meshes = [item for item in rendered(scene) if item.type == "MESH"]
        depths = [-(into @ item.matrix_world.translation).z for item in meshes]
        width *= median([depth for depth in depths if depth > 0] or [0.0]) / -corners[0].z
    return _LEAST_RADIUS * width / (render.resolution_x * render.resolution_percentage / 100)


def thicken(scene: bpy.types.Scene, item: bpy.types.Object, changes: Changes) -> None:
    """Thicken the lines of Line Art modifiers that would be so thin that they are faint, as they are by default."""
    least = least_radius(scene)
    for modifier in line_art_modifiers(item):
        if hasattr(modifier, "radius") and modifier.radius < least:
            changes.set(modifier, radius=least)
