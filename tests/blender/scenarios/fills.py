# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's fills as Grease Pencil, beside the take's own images."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from benchmarks.blender.stage import FRAMES, begin_export, extension, finish, flats, shot, with_placement, write_lines

from .stage import write_keyframe

_CLEAR = (247, 251, 255)
"""The color of the clouds, which are transparent in a take with holes."""


def make(folder: str, look: str) -> dict[str, Any]:
    """Make fills from a take, and render them alone at two frames. look: what is special about the shot."""
    scene = _shot(look)
    take = placed_take(scene, Path(folder), has_holes=look == "holes")
    before = _state()
    bpy.ops.longanimation.make_fills(job=take.job)
    (item,) = _fills(scene)
    answer = _described(scene, item)
    answer["untouched"] = before == (scene.frame_current, scene.camera.name)
    answer["rendered"] = {frame: str(_rendered(scene, [item], frame, Path(folder))) for frame in (3, 6)}
    answer["whole"] = str(_whole(scene, item, Path(folder)))
    again = finish(begin_export(scene, Path(folder) / "again", FRAMES, (5,)))
    answer["same_line_art"] = again.manifest.drawings == take.manifest.drawings
    answer["folder"], answer["lineart"] = str(take.fills), str(take.lineart)
    bpy.ops.longanimation.make_fills(job=take.job)
    answer["again"] = [[one.name, one.hide_render] for one in _fills(scene)]
    return answer


def make_by_objects(folder: str, look: str) -> dict[str, Any]:
    """Make fills of each object, and render them together at two frames. look: what is special about the shot."""
    scene = _shot(look)
    take = placed_take(scene, Path(folder))
    bpy.ops.longanimation.make_fills(job=take.job, by="objects")
    made = _fills(scene)
    camera = scene.camera.matrix_world.inverted()
    answer: dict[str, Any] = {"names": [one.name for one in made]}
    answer["depths"] = [-(camera @ one.matrix_world.translation).z for one in made]
    drawn = [one for one in _pencils(scene) if one not in made]
    answer["drawn"] = {one.name: -(camera @ one.matrix_world.translation).z for one in drawn}
    answer["materials"] = [sorted(slot.material.name for slot in one.material_slots) for one in made]
    answer["rendered"] = {frame: str(_rendered(scene, made, frame, Path(folder))) for frame in (3, 6)}
    answer["alone"] = str(_rendered(scene, made[-1:], 6, Path(folder) / "alone"))
    answer["folder"], answer["lineart"] = str(take.fills), str(take.lineart)
    scene.frame_set(6)
    bpy.ops.longanimation.fill_drawing()
    answer["again"] = [[one.name, one.hide_render] for one in _fills(scene)]
    return answer


def fill_drawing(folder: str) -> dict[str, Any]:
    """Fill the drawing at one frame, then at another one."""
    scene = _shot("plain")
    placed_take(scene, Path(folder))
    answer = {}
    for name, frame in (("first", 6), ("second", 3)):
        scene.frame_set(frame)
        bpy.ops.longanimation.fill_drawing()
        answer[name] = _described(scene, _fills(scene)[0])
    answer["objects"] = len(_fills(scene))
    scene.frame_set(100)
    answer["beside"] = _message(bpy.ops.longanimation.fill_drawing)
    return answer


def refused(folder: str) -> dict[str, Any]:
    """Takes and scenes of which no fills can be made."""
    scene = _shot("plain")
    take = placed_take(scene, Path(folder))
    count = len(bpy.data.objects), len(bpy.data.materials)
    answer = {}
    scene.render.resolution_x //= 2
    answer["proportions"] = _message(bpy.ops.longanimation.make_fills, job=take.job)
    scene.render.resolution_x *= 2
    camera, scene.camera = scene.camera, None
    answer["camera"] = _message(bpy.ops.longanimation.make_fills, job=take.job)
    scene.camera = camera
    (take.fills / "0005.png").write_bytes(b"no image")
    answer["broken"] = _message(bpy.ops.longanimation.make_fills, job=take.job)
    (take.fills / "0005.png").unlink()
    answer["missing"] = _message(bpy.ops.longanimation.make_fills, job=take.job)
    answer["unchanged"] = count == (len(bpy.data.objects), len(bpy.data.materials))
    return answer


def _shot(look: str) -> bpy.types.Scene:
    scene = shot()
    scene.render.resolution_percentage = 50
    if look == "moving":
        camera = scene.camera
        camera.data.type, camera.data.lens = "PERSP", 50.0
        for frame, x, turn in ((FRAMES.start, 4.4, 0.0), (FRAMES.stop, 5.2, 0.1)):
            camera.location.x, camera.location.y = x, -12.0
            camera.rotation_euler.y = turn
            camera.keyframe_insert("location", frame=frame)
            camera.keyframe_insert("rotation_euler", frame=frame)
    scene.frame_set(4)
    return scene


def _state() -> tuple[int, str]:
    return bpy.context.scene.frame_current, bpy.context.scene.camera.name


def placed_take(scene: bpy.types.Scene, folder: Path, has_holes: bool = False) -> Any:
    """A finished, placed take of the shot, whose regions have the scene's own colors and meet in the lines' middles."""
    images, take_manager = extension("png_pixels"), extension("take_manager")
    take = finish(begin_export(scene, folder / "take", FRAMES, (5,)))
    write_lines(take, [0, 0, 0])
    for layer in (take.fills, take.colored):
        layer.mkdir()
    for frame in FRAMES:
        write_keyframe(scene, frame, folder / "truth.png")
        truth = images.read_png(folder / "truth.png")[..., :3]
        line_art = extension("compositing").line_art_of(images.read_png(take.lineart / f"{frame:04d}.png"))
        picture = flats(truth, line_art)
        if has_holes:
            clear = (np.abs(picture.astype(int) - _CLEAR) <= 1).all(axis=2)
            picture = np.dstack([picture, np.where(clear, 0, 255).astype(np.uint8)])
        for layer in (take.fills, take.colored):
            images.write_png(layer / f"{frame:04d}.png", picture)
    take = with_placement(take, scene, FRAMES.start).changed(state="done")
    take_manager.register(take)
    for _ in take_manager.wait([take.job]):
        pass
    return take_manager.entries[take.job].take


def _described(scene: bpy.types.Scene, item: bpy.types.Object) -> dict[str, Any]:
    compat = extension("compat")
    materials = [slot.material for slot in item.material_slots]
    layer = item.data.layers[0]
    keys = sorted(layer.frames, key=lambda key: key.frame_number)
    strokes = [compat.strokes_of(key, materials) for key in keys]
    own = {slot.material for one in _pencils(scene) if one != item for slot in one.material_slots}
    return {
        "name": item.name,
        "keys": [[key.frame_number, len(found)] for key, found in zip(keys, strokes, strict=True)],
        "fills": all(has_fill for found in strokes for _, _, has_fill in found),
        "materials": [[one.name, one in own, one.grease_pencil.show_stroke] for one in materials],
    }


def _fills(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    return [one for one in scene.objects if "longanimation_fills" in one]


def _pencils(scene: bpy.types.Scene) -> Iterable[bpy.types.Object]:
    return filter(extension("compat").is_grease_pencil, scene.objects)


def _rendered(scene: bpy.types.Scene, items: Collection[bpy.types.Object], frame: int, folder: Path) -> Path:
    """What a frame shows of some objects alone, as a PNG with alpha."""
    others = [one for one in _pencils(scene) if one not in items and not one.hide_render]
    for one in others:
        one.hide_render = True
    scene.render.film_transparent, scene.render.use_sequencer = True, False
    settings = scene.render.image_settings
    settings.file_format, settings.color_mode = "PNG", "RGBA"
    scene.frame_set(frame)
    path = folder / f"rendered_{frame}.png"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    for one in others:
        one.hide_render = False
    return path


def _whole(scene: bpy.types.Scene, item: bpy.types.Object, folder: Path) -> Path:
    """What frame 6 shows of the fills and the lines, without the fills that the lines have themselves."""
    compat = extension("compat")
    pencils = [one for one in _pencils(scene) if one != item]
    hidden = [(one, compat.hide_kind(one, "FILL", "")) for one in pencils]
    path = folder / "whole.png"
    scene.frame_set(6)
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    for one, modifier in hidden:
        compat.pencil_modifiers(one).remove(modifier)
    return path


def _message(operator: Any, **arguments: Any) -> str:
    try:
        operator(**arguments)
    except RuntimeError as error:
        return str(error)
    return ""
