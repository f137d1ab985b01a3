# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the cartoon in Blender as Grease Pencil strokes, with fills, on twos."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import bpy

from .. import cartoon
from ..shapes import Part

UNIT = 0.01
"""Blender units per pixel."""

LINE_RADIUS = 2 * UNIT
"""Lines are four pixels wide."""


def build() -> bpy.types.Scene:
    """Replace the open file with the demonstration's shot and return its scene."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    scene.name = "Crossing"
    scene.frame_start, scene.frame_end = cartoon.FRAMES[0], cartoon.FRAMES[-1]
    scene.render.fps = cartoon.FPS
    scene.render.resolution_x, scene.render.resolution_y = cartoon.WIDTH, cartoon.HEIGHT
    _flat_look(scene)
    materials = {name: _material(name, color) for name, color in cartoon.PAINTS.items()}
    materials["line"] = _material("line", None)
    _draw(scene, "Background", 2.0, materials, {cartoon.FRAMES[0]: cartoon.background()})
    _draw(scene, "Girl", 1.0, materials, {frame: cartoon.girl(frame) for frame in cartoon.drawn_frames()})
    _draw(scene, "Boy", 0.0, materials, {frame: cartoon.boy(frame) for frame in cartoon.drawn_frames()})
    _camera(scene)
    scene.frame_set(cartoon.KEYFRAME)
    return scene


def _flat_look(scene: bpy.types.Scene) -> None:
    """Set up rendering for cartoons: colors are rendered exactly as picked, on white."""
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.dither_intensity = 0.0
    scene.render.image_settings.color_mode = "RGB"
    scene.display.shading.light = "FLAT"
    scene.display.render_aa = "OFF"
    if hasattr(scene.grease_pencil_settings, "aa_samples"):
        scene.grease_pencil_settings.aa_samples = 1  # since 5.0 the default is higher and ten times slower
    scene.view_settings.view_transform = "Standard"
    scene.world = bpy.data.worlds.new("Paper")
    scene.world.color = (1.0, 1.0, 1.0)


def render_truth(scene: bpy.types.Scene, folder: Path) -> None:
    """Write the shot with its fills, NNNN.png for every frame, as the ground truth for the coloring."""
    folder.mkdir()
    for first in cartoon.drawn_frames():
        drawn = folder / f"{first:04d}.png"
        scene.frame_set(first)
        scene.render.filepath = str(drawn)
        bpy.ops.render.render(write_still=True)
        for held in range(first + 1, min(first + cartoon.HOLD, cartoon.FRAMES.stop)):
            shutil.copyfile(drawn, folder / f"{held:04d}.png")
    scene.frame_set(cartoon.KEYFRAME)


def _material(name: str, color: str | None) -> bpy.types.Material:
    """Return a Grease Pencil material with a black line and, if a color (sRGB hex) is given, a fill."""
    material = bpy.data.materials.new(name)
    bpy.data.materials.create_gpencil_data(material)
    paint = material.grease_pencil
    paint.show_stroke = True
    paint.color = (0, 0, 0, 1)
    paint.show_fill = color is not None
    if color is not None:
        paint.fill_color = (*(_linear(int(color[at : at + 2], 16) / 255) for at in (0, 2, 4)), 1)
    return material


def _linear(value: float) -> float:
    """Convert sRGB to linear light, both 0..1."""
    return value / 12.92 if value <= 0.04045 else math.pow((value + 0.055) / 1.055, 2.4)


def _draw(
    scene: bpy.types.Scene,
    name: str,
    depth: float,
    materials: dict[str, bpy.types.Material],
    drawings: dict[int, list[Part]],
) -> None:
    """Add a Grease Pencil object `depth` units behind the picture plane, with one drawing per key of `drawings`."""
    # The collection was renamed twice. Versions 4.3 to 4.5 keep the old kind of data next to the new one.
    pencils = bpy.data.grease_pencils_v3 if hasattr(bpy.data, "grease_pencils_v3") else bpy.data.grease_pencils
    pencil = pencils.new(name)
    slots = {material: index for index, material in enumerate(materials)}
    for material in materials.values():
        pencil.materials.append(material)
    layer = pencil.layers.new("Drawing")
    layer.use_lights = False
    for number, parts in drawings.items():
        frame = layer.frames.new(number)
        if hasattr(frame, "drawing"):
            _add_strokes(frame.drawing, parts, slots)
        else:
            _add_old_strokes(frame, parts, slots)
    figure = bpy.data.objects.new(name, pencil)
    figure.location.y = depth
    scene.collection.objects.link(figure)


def _add_strokes(drawing: bpy.types.GreasePencilDrawing, parts: list[Part], slots: dict[str, int]) -> None:
    if not parts:
        return
    drawing.add_strokes([len(part.outline) for part in parts])
    for index, (stroke, part) in enumerate(zip(drawing.strokes, parts, strict=True)):
        stroke.cyclic = part.closed
        stroke.material_index = slots[part.paint]
        if hasattr(stroke, "fill_id") and part.closed:
            stroke.fill_id = index + 1  # since 5.2 only strokes with a fill of their own are filled
        for point, (x, y) in zip(stroke.points, part.outline, strict=True):
            point.position = (x * UNIT, 0.0, y * UNIT)
            point.radius = LINE_RADIUS
            point.opacity = 1.0


def _add_old_strokes(frame: bpy.types.GPencilFrame, parts: list[Part], slots: dict[str, int]) -> None:
    """Add strokes in Blender 4.2's format."""
    for part in parts:
        stroke = frame.strokes.new()
        stroke.display_mode = "3DSPACE"
        stroke.use_cyclic = part.closed
        stroke.material_index = slots[part.paint]
        stroke.line_width = round(2 * LINE_RADIUS * 1000)  # in thousandths of a unit
        stroke.points.add(len(part.outline), pressure=1.0, strength=1.0)
        for point, (x, y) in zip(stroke.points, part.outline, strict=True):
            point.co = (x * UNIT, 0.0, y * UNIT)


def _camera(scene: bpy.types.Scene) -> None:
    camera = bpy.data.cameras.new("Camera")
    camera.type = "ORTHO"
    camera.ortho_scale = cartoon.WIDTH * UNIT
    holder = bpy.data.objects.new("Camera", camera)
    holder.location = (cartoon.WIDTH * UNIT / 2, -10.0, cartoon.HEIGHT * UNIT / 2)
    holder.rotation_euler = (math.pi / 2, 0.0, 0.0)
    scene.collection.objects.link(holder)
    scene.camera = holder
