# SPDX-License-Identifier: GPL-3.0-or-later
"""A take parted by the objects and layers of its drawings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from benchmarks.blender.stage import FRAMES, extension, flats, shot, strips_of
from server.demo.in_blender import scene as cartoon_scene
from server.demo.shapes import Part

from .fills import _message, placed_take

_FRAME = 6


def part(folder: str, look: str) -> dict[str, Any]:
    """Part a take by objects. look: whether the shapes are filled, or only lines, and what else is special."""
    scene = _shot()
    if look == "lines":
        for material in bpy.data.materials:
            material.grease_pencil.fill_color[3] = 0.5  # such fills hide no lines, and are not in the line art
    take = placed_take(scene, Path(folder), has_holes=look == "holes")
    if look == "lines":
        _paint_stripes(take)
    _color(take)
    before = _state(scene)
    bpy.ops.longanimation.part_take(job=take.job, by="objects")
    answer = _described(scene, take)
    answer["same"] = before == _state(scene)
    answer["truths"] = [str(_rendered(scene, Path(folder), several)) for several in ((0,), (0, 1), (0, 1, 2))]
    bpy.ops.longanimation.part_take(job=take.job, by="objects")
    answer["again"] = _described(scene, take)["strips"]
    answer["undone"] = _undone(take)
    return answer


def layers(folder: str) -> dict[str, Any]:
    """Part a take of one object by its layers: the second one has a square that covers the first one's."""
    scene = _shot()
    girl = next(item for item in scene.objects if item.name == "Girl")
    for item in [one for one in scene.objects if one.name in ("Boy", "Background")]:
        bpy.data.objects.remove(item)
    upper = girl.data.layers.new("Hat/Top")
    upper.use_lights = False
    _draw_square(girl, upper)
    take = placed_take(scene, Path(folder))
    _color(take)
    bpy.ops.longanimation.part_take(job=take.job, by="layers")
    return _described(scene, take)


def refused(folder: str) -> dict[str, Any]:
    """What cannot be parted, and what is left of earlier layers."""
    scene = _shot()
    take = placed_take(scene, Path(folder))
    bpy.ops.longanimation.part_take(job=take.job, by="objects")
    before = _files(take)
    part_take = bpy.ops.longanimation.part_take
    answer = {}
    scene.render.resolution_x //= 2
    answer["proportions"] = _message(part_take, job=take.job)
    scene.render.resolution_x *= 2
    girl = next(item for item in scene.objects if item.name == "Girl")
    girl.location.x += 1.0
    answer["moved"] = _message(part_take, job=take.job)
    girl.location.x -= 1.0
    scene.longanimation.lineart.source, scene.render.use_freestyle = "freestyle", True
    answer["source"] = _message(part_take, job=take.job)
    scene.longanimation.lineart.source, scene.render.use_freestyle = "auto", False
    kept = (take.fills / "0005.png").read_bytes()
    (take.fills / "0005.png").write_bytes(b"no image")
    answer["broken"] = _message(part_take, job=take.job)
    (take.fills / "0005.png").unlink()
    answer["missing"] = _message(part_take, job=take.job)
    (take.fills / "0005.png").write_bytes(kept)
    answer["unchanged"] = before == _files(take)
    return answer


def _undone(take: Any) -> list[Any]:
    """The strips after parting a newly placed take was undone."""
    scene = bpy.context.scene
    extension("sequencer.strips").remove(scene, take.job)
    extension("sequencer.strips").place(scene, take)
    bpy.ops.ed.undo_push(message="Place")
    bpy.ops.longanimation.part_take("EXEC_DEFAULT", True, job=take.job, by="objects")
    bpy.ops.ed.undo()
    strips: list[Any] = _described(bpy.context.scene, take)["strips"]
    return strips


def _shot() -> bpy.types.Scene:
    scene = shot()
    scene.render.resolution_percentage = 50
    scene.frame_set(4)
    return scene


def _state(scene: bpy.types.Scene) -> list[Any]:
    """What parting must leave as it is."""
    pencils = [item for item in scene.objects if extension("compat").is_grease_pencil(item)]
    modifiers = [len(extension("compat").pencil_modifiers(item)) for item in pencils]
    colors = [[*material.grease_pencil.color, *material.grease_pencil.fill_color] for material in bpy.data.materials]
    return [scene.frame_current, modifiers, colors, scene.render.resolution_x, scene.render.engine]


def _paint_stripes(take: Any) -> None:
    """Give the regions between lines the colors of upright stripes of the picture."""
    images, compositing = extension("png_pixels"), extension("compositing")
    for frame in FRAMES:
        name = f"{frame:04d}.png"
        line_art = compositing.line_art_of(images.read_png(take.lineart / name))
        truth = np.zeros((*line_art.shape, 3), np.uint8)
        truth[..., 0] = 20 * (np.arange(line_art.shape[1]) // 40) + 5
        truth[..., 1] = 90
        picture = flats(truth, line_art)
        images.write_png(take.fills / name, picture)


def _color(take: Any) -> None:
    """Lay the lines over the fills, as the server does."""
    images = extension("png_pixels")
    for frame in FRAMES:
        name = f"{frame:04d}.png"
        fills, lines = images.read_png(take.fills / name), images.read_png(take.lines / name)
        images.write_png(take.colored / name, extension("compositing").lay_lines(fills, lines))


def _draw_square(item: bpy.types.Object, layer: bpy.types.GreasePencilLayer) -> None:
    materials = {slot.material.name: index for index, slot in enumerate(item.material_slots)}
    square = Part("meadow", ((200, 200), (420, 200), (420, 420), (200, 420)))
    frame = layer.frames.new(1)
    if hasattr(frame, "drawing"):
        cartoon_scene._add_strokes(frame.drawing, [square], materials)
    else:
        cartoon_scene._add_old_strokes(frame, [square], materials)


def _described(scene: bpy.types.Scene, take: Any) -> dict[str, Any]:
    (meta,) = (strip for strip in strips_of(scene) if strip.type == "META")
    inner = extension("compat").strips_of(meta)
    return {
        "folder": str(take.folder),
        "layers": str(take.folder / "layers.oca"),
        "strips": sorted((strip.channel, strip.name, strip.mute) for strip in inner),
        "folders": sorted(path.name for path in take.folder.iterdir() if path.is_dir()),
    }


def _rendered(scene: bpy.types.Scene, folder: Path, shown: tuple[int, ...]) -> Path:
    """What a frame shows of some of the objects, the farthest first."""
    items = [next(one for one in scene.objects if one.name == name) for name in ("Background", "Girl", "Boy")]
    for index, item in enumerate(items):
        item.hide_render = index not in shown
    scene.frame_set(_FRAME)
    scene.render.use_sequencer = False
    scene.render.image_settings.file_format = "PNG"
    path = folder / f"truth_{len(shown)}.png"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    for item in items:
        item.hide_render = False
    return path


def _files(take: Any) -> dict[str, int]:
    return {
        str(path.relative_to(take.folder)): path.stat().st_mtime_ns
        for path in sorted(take.folder.rglob("*"))
        if path.is_file() and "fills" not in path.parts
    }
