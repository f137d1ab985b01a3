# SPDX-License-Identifier: GPL-3.0-or-later
"""What scenarios have in common: the shot, and the extension's own functions."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import numpy as np

from tests.demo import scene as cartoon_scene
from tests.demo.in_blender import EXTENSION


def extension(name: str) -> ModuleType:
    return importlib.import_module(f"{EXTENSION}.{name}")


def strips_of(scene: bpy.types.Scene) -> Any:
    editor = scene.sequence_editor
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def color_strip(strips: Any, name: str, channel: int, frames: range) -> bpy.types.Strip:
    """A strip of one color; since 5.0 the length takes the place of the end."""
    end = {"length": len(frames)} if bpy.app.version >= (5, 0) else {"frame_end": frames.stop}
    return strips.new_effect(name, "COLOR", channel, frames.start, **end)


def described(strip: bpy.types.Strip) -> dict[str, Any]:
    """Where a strip lies, and what it shows, without the numbers of its images."""
    inner = strip.strips if hasattr(strip, "strips") else getattr(strip, "sequences", ())
    found: dict[str, Any] = {
        "type": strip.type,
        "channel": strip.channel,
        "range": [int(strip.frame_final_start), int(strip.frame_final_end)],
        "blend": strip.blend_type,
        "mute": strip.mute,
    }
    if strip.type == "IMAGE":
        found |= {"directory": strip.directory, "files": [element.filename for element in strip.elements]}
    return found | ({"strips": [described(one) for one in inner]} if strip.type == "META" else {})


def shot() -> bpy.types.Scene:
    """The demonstration's shot at a quarter of its size."""
    scene = cartoon_scene.build()
    scene.render.resolution_percentage = 25
    return scene


def odd_shot() -> bpy.types.Scene:
    """The shot in a scene in which every setting that matters is set to something else, with vertex-painted fills."""
    scene = shot()
    scene.frame_set(4, subframe=0.25)
    render = scene.render
    render.engine = "CYCLES"
    render.film_transparent = render.use_border = render.use_stamp = render.use_placeholder = True
    render.use_overwrite = render.use_file_extension = False
    render.dither_intensity = 1.5
    render.filepath = "//somewhere/else_"
    render.image_settings.file_format = "OPEN_EXR"
    render.image_settings.color_mode = "RGBA"
    render.image_settings.color_depth = "16"
    scene.display.render_aa = "16"
    shading = scene.display.shading
    shading.light = "STUDIO"
    shading.color_type = "RANDOM"
    shading.single_color = (0.2, 0.4, 0.6)
    shading.show_cavity = shading.show_shadows = shading.show_xray = True
    view = scene.view_settings
    view.view_transform = "AgX"
    view.look = "AgX - High Contrast"
    view.exposure, view.gamma = 0.7, 1.3
    scene.world.color = (0.1, 0.2, 0.3)
    for item in scene.objects:
        if item.type in {"GREASEPENCIL", "GPENCIL"}:
            item.data.layers[0].tint_color = (0.0, 0.0, 1.0)
            item.data.layers[0].tint_factor = 0.4
        if item.type == "GREASEPENCIL":
            for stroke in item.data.layers[0].frames[0].drawing.strokes:
                stroke.fill_color = (0.8, 0.1, 0.3, 0.6)
        elif item.type == "GPENCIL":
            for stroke in item.data.layers[0].frames[0].strokes:
                stroke.vertex_color_fill = (0.8, 0.1, 0.3, 0.6)
    bpy.data.materials["sky"].grease_pencil.fill_style = "GRADIENT"
    return scene


def begin_export(
    scene: bpy.types.Scene,
    folder: Path,
    frames: range,
    painted: tuple[int, ...] = (1,),
    image: bpy.types.Image | None = None,
    paintings: tuple[Any, ...] = (),
) -> Any:
    """The steps of an export of `frames` into `folder`, with the keyframes `paintings`, or with those of the scene (or
    of one image) at the frames `painted`."""
    paintings = paintings or tuple(extension("shot.painted_frame").PaintedFrame(frame, image) for frame in painted)
    options = extension("shot.options").ShotOptions(frames, paintings, "tiny", "", 7, "flats")
    return extension("shot.export").export_steps(scene, options, folder)


def write_keyframe(scene: bpy.types.Scene, frame: int, path: Path) -> None:
    """Render a frame of a scene as the export renders a painted keyframe."""
    shot = extension("shot.resolved_shot").resolve(scene, scene.longanimation.options())
    extension("shot.keyframes").write_keyframe(shot, extension("shot.painted_frame").PaintedFrame(frame), path)


def finish(steps: Any) -> Any:
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value


def json_of(message: Any) -> dict[str, Any]:
    return extension("shared.protocol").to_json(message)


def color_of(drawing: int) -> list[int]:
    return [40 + 60 * drawing, 200 - 50 * drawing, 90]


def write_color(path: Path, color: list[int]) -> None:
    image = bpy.data.images.new("flat", 240, 135)
    image.pixels.foreach_set(np.tile(np.array([*color, 255], np.float32) / 255, 240 * 135))
    image.file_format = "PNG"
    image.save(filepath=str(path))
    bpy.data.images.remove(image)


def sequencer_pixel(scene: bpy.types.Scene, frame: int, path: Path) -> list[int]:
    """What the Sequencer shows in the sky of a frame, where there is no line."""
    return sequencer_image(scene, frame, path)[130, 5].tolist()


def sequencer_image(scene: bpy.types.Scene, frame: int, path: Path, channels: int = 3) -> np.ndarray:
    """A rendered frame as int [H, W, 3 or 4], the lowest row first; with three channels transparent is black."""
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode, settings.color_depth = "PNG", "RGBA"[:channels], "8"
    scene.frame_set(frame)
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return image_pixels(path, channels)


def image_pixels(path: Path, channels: int = 3) -> np.ndarray:
    """The pixels of an image file as int [H, W, 3 or 4], the lowest row first."""
    image = bpy.data.images.load(str(path))
    width, height = image.size
    pixels = np.empty(4 * width * height, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return np.round(255 * pixels.reshape(height, width, 4)[..., :channels]).astype(int)
