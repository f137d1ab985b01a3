# SPDX-License-Identifier: GPL-3.0-or-later
"""How a shot is seen: its camera, its size in pixels, and the view layer that renders it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import bpy

from ..errors import ShotError
from ..sentence import Sentence
from ..shared.server_info import Limits
from .changes import Changes
from .images import ImageSequence
from .source import LineArtOptions, line_art_modifiers, rendered, source_of

_LEAST_RADIUS = 2.0
"""Half the width of the thinnest line, in pixels; Grease Pencil fades the outermost."""


def uses_images(scene: bpy.types.Scene, options: LineArtOptions) -> bool:
    """Tell whether the line art comes from files."""
    return options.source == "images" or (
        options.source == "auto" and bool(options.images) and source_of(scene, options) == "images"
    )


def size_of(scene: bpy.types.Scene, options: LineArtOptions) -> tuple[int, int]:
    """Width and height of the shot's images in pixels. Raises ShotError when its image sequence cannot be read."""
    if uses_images(scene, options):
        return ImageSequence.find(options.images).size(options.percentage)
    render = scene.render
    percentage = options.percentage or render.resolution_percentage
    return render.resolution_x * percentage // 100, render.resolution_y * percentage // 100


def check_limits(scene: bpy.types.Scene, options: LineArtOptions, frames: range, limits: Limits) -> None:
    """Raise ShotError when a shot is more than a server accepts, before anything of it is rendered."""
    width, height = size_of(scene, options)
    if width * height > limits.image_pixels:
        raise ShotError(
            Sentence(
                "The shot is {size}, more than the {most} pixels that the server accepts: "
                "set a smaller resolution percentage for the line art.",
                size=f"{width}×{height}",
                most=f"{limits.image_pixels:,}",
            )
        )
    if len(frames) > limits.frames:
        raise ShotError(
            Sentence(
                "The shot has {count} frames, more than the {most} that the server accepts: color it in parts.",
                count=len(frames),
                most=f"{limits.frames:,}",
            )
        )


def set_view(scene: bpy.types.Scene, options: LineArtOptions, changes: Changes) -> None:
    """Let the scene render with the shot's camera at the shot's size."""
    render = scene.render
    if options.camera is not None:
        for marker in scene.timeline_markers:
            if marker.camera is not None:
                changes.set(marker, camera=None)
        changes.set(scene, camera=options.camera)  # last: markers that change set it, too
    if uses_images(scene, options):
        width, height = size_of(scene, options)
        changes.set(render, resolution_x=width, resolution_y=height, resolution_percentage=100)
    elif options.percentage:
        changes.set(render, resolution_percentage=options.percentage)


@contextmanager
def one_view_layer(scene: bpy.types.Scene, freestyle: bool, changes: Changes) -> Iterator[bpy.types.ViewLayer]:
    """Within the block a single view layer renders: without compositing, Blender writes only one of several.

    Where several are in use it is a new one that shows what any of them shows; for Freestyle, whose line sets belong to
    a view layer, the first that has some.
    """
    used = [layer for layer in scene.view_layers if layer.use]
    if freestyle:
        used = [layer for layer in used if layer.use_freestyle and layer.freestyle_settings.linesets] or used
    if freestyle or len(used) == 1:
        for other in scene.view_layers:
            changes.set(other, use=other == used[0])
        yield used[0]
        return
    union = scene.view_layers.new("LongAnimation")
    try:
        for layer in used:
            changes.set(layer, use=False)
        _show_what_any_shows(union.layer_collection, [layer.layer_collection for layer in used])
        yield union
    finally:
        scene.view_layers.remove(union)


def least_radius(scene: bpy.types.Scene) -> float:
    """Half the width of a line that is still dark at the middle mesh's distance from the camera, in Blender units."""
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
    """Let no Line Art modifier draw lines so thin that they are faint, as by its defaults."""
    least = least_radius(scene)
    for modifier in line_art_modifiers(item):
        if hasattr(modifier, "radius") and modifier.radius < least:
            changes.set(modifier, radius=least)


def _show_what_any_shows(branch: bpy.types.LayerCollection, examples: list[bpy.types.LayerCollection]) -> None:
    branch.exclude = all(example.exclude for example in examples)
    for place, child in enumerate(branch.children):
        _show_what_any_shows(child, [example.children[place] for example in examples])
