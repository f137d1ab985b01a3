# SPDX-License-Identifier: GPL-3.0-or-later
"""Helpers of the scenarios: the shot, and the extension's own functions."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from benchmarks.blender.stage import extension, shot


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


def write_keyframe(scene: bpy.types.Scene, frame: int, path: Path) -> None:
    """Render a frame of a scene as the export renders a painted keyframe."""
    shot = extension("shot.resolved_shot").resolve(scene, scene.longanimation.options())
    extension("shot.keyframes").write_keyframe(shot, extension("shot.painted_frame").PaintedFrame(frame), path)


def json_of(message: Any) -> dict[str, Any]:
    return extension("shared.codec").to_json(message)


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


def take_of_one_frame(scene: bpy.types.Scene, folder: Path, image: Path, frame: int) -> Any:
    """A finished take, in one flat strip, whose only frame is an image."""
    module, messages = extension("takes.take"), extension("shared.manifest")
    (folder / "colored").mkdir(parents=True)
    (folder / "colored" / f"{frame:04d}.png").write_bytes(image.read_bytes())
    address = module.address_of_file(image)
    width, height = extension("png").size_of(image.read_bytes())
    manifest = messages.ShotManifest(
        name="Chart", frame_start=frame, fps=24.0, width=width, height=height, drawings=(address,), timing=(0,),
        keyframes=(messages.Keyframe(frame, address),),
    )  # fmt: skip
    return module.Take(folder, str(uuid.uuid4()), manifest, module.Placement("", scene.name, frame, "flat"))
