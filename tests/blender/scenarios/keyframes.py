# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyframes that are painted in Blender, or come from files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from benchmarks.blender.stage import begin_export, extension, finish, shot, with_placement, write_color

from .stage import described, image_pixels, sequencer_image, take_of_one_frame, write_keyframe
from .studio_scene import studio_shot


def painted(folder: str) -> dict[str, Any]:
    """Paint frame 3 green all over, lines and all, save and open the file, and export it as a keyframe."""
    home = Path(folder)
    home.mkdir()
    scene = shot()
    scene.frame_set(3)
    bpy.ops.longanimation.paint_keyframe()
    (keyframe,) = scene.longanimation.keyframes
    image = keyframe.image
    answer: dict[str, Any] = {"frame": keyframe.frame, "size": list(image.size), "name": image.name}
    pixels = np.tile(np.array([0.0, 0.8, 0.4, 1.0], np.float32), image.size[0] * image.size[1])
    image.pixels.foreach_set(pixels)
    image.pack()
    bpy.ops.longanimation.paint_keyframe()
    answer["keyframes"] = len(scene.longanimation.keyframes)
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(home / "shot.blend"))
    scene = bpy.context.scene
    (keyframe,) = scene.longanimation.keyframes
    paintings = (extension("shot.painted_frame").PaintedFrame(keyframe.frame, keyframe.image),)
    take = finish(begin_export(scene, home / "take", range(1, 5), paintings=paintings))
    lines = image_pixels(take.lineart / "0003.png")
    result = image_pixels(take.keyframes / "0003.png")
    answer["off"] = int(np.abs(result - lines * np.array([0.0, 0.8, 0.4])).max())
    answer["has lines"] = bool(lines.min() < 40)
    return answer


def files(folder: str) -> dict[str, Any]:
    """Load keyframes from files whose names tell the frame, or do not; one is no image."""
    home = Path(folder)
    home.mkdir()
    scene = shot()
    scene.frame_set(9)
    scene.frame_end = 20
    for name in ("sc01_v2_0005.png", "walk_0006_paint_v2.png", "300_7.png", "take_3_4.png", "painted.png"):
        write_color(home / name, [10, 20, 30])
    (home / "notes_0007.txt").write_text("no image", encoding="utf-8")
    answer: dict[str, Any] = {"messages": []}
    for names in (
        ("sc01_v2_0005.png", "painted.png", "notes_0007.txt"),
        ("walk_0006_paint_v2.png",),
        ("300_7.png",),
        ("take_3_4.png",),
    ):
        try:
            bpy.ops.longanimation.load_keyframes(directory=folder, files=[{"name": name} for name in names])
        except RuntimeError as error:
            answer["messages"].append(str(error))
    answer["keyframes"] = [[one.frame, one.image.name] for one in scene.longanimation.keyframes]
    bpy.ops.longanimation.add_keyframe()
    answer["from the scene"] = [[one.frame, one.image is None] for one in scene.longanimation.keyframes]
    return answer


def scenery(folder: str, engine: str = "CYCLES") -> dict[str, Any]:
    """The largest difference of a keyframe, shown as a strip, from the scene's own render, in two view transforms; and
    the keyframe's color of the sky."""
    home = Path(folder)
    home.mkdir()
    scene = studio_shot(engine)
    keyframe = home / "keyframe.png"
    write_keyframe(scene, 125, keyframe)
    sky = image_pixels(keyframe)[120, 10].tolist()
    answer: dict[str, Any] = {"version": list(bpy.app.version[:2]), "sky": sky}
    take = take_of_one_frame(scene, home / "take", keyframe, 125)
    for view in ("Standard", "AgX"):
        scene.view_settings.view_transform = view
        scene.render.dither_intensity = 0.0
        scene.render.use_sequencer = False
        own = sequencer_image(scene, 125, home / f"{view} scene.png")
        scene.render.use_sequencer = True
        extension("sequencer.strips").place(scene, take)
        shown = sequencer_image(scene, 125, home / f"{view} strip.png")
        extension("sequencer.strips").remove(scene, take.job)
        answer[view] = int(np.abs(own - shown).max())
    return answer


def kept_background(folder: str, engine: str = "CYCLES") -> dict[str, Any]:
    """A shot whose background is kept: what its keyframe and its background show, and what its strips show when it is
    colored as the keyframe."""
    home = Path(folder)
    scene = studio_shot(engine, "Standard")
    scene.render.dither_intensity = 0.0
    actors = bpy.data.collections.new("Actors")
    scene.collection.children.link(actors)
    for name in ("Girl", "Boy"):
        actors.objects.link(bpy.data.objects[name])
    settings = scene.longanimation
    settings.lineart.collection = actors
    settings.keep_background = True
    settings.put_keyframe(125, None)
    options = settings.options(range(124, 127))
    take = finish(extension("shot.export").export_steps(scene, options, home))
    keyframe, behind = (image_pixels(path / "0125.png", channels=4) for path in (take.keyframes, take.background))
    own = sequencer_image(scene, 125, home / "own.png")
    empty, drawn = (_inside(keyframe[..., 3] == alpha) for alpha in (0, 255))
    answer: dict[str, Any] = {
        "drawn": float(drawn.mean()),
        "behind": _share_off(behind[..., :3], own, empty),
        "before": _share_off(keyframe[..., :3], own, drawn),
        "frames": sorted(path.name for path in take.background.iterdir()),
        "moves": bool((image_pixels(take.background / "0124.png") != image_pixels(take.background / "0126.png")).any()),
    }
    for layer in take.results:
        layer.mkdir()
        for frame in range(124, 127):
            shutil.copy(take.keyframes / "0125.png", layer / f"{frame:04d}.png")
    (meta,) = extension("sequencer.strips").place(scene, with_placement(take, scene, start=124))
    answer["strips"] = [strip["channel"] for strip in described(meta)["strips"]]
    answer["shown"] = _share_off(sequencer_image(scene, 125, home / "shown.png"), own, empty | drawn)
    return answer


def _share_off(picture: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    """The share of the pixels there that differ."""
    return float((np.abs(picture - other)[where] > 2).any(axis=1).mean())


def _inside(area: np.ndarray) -> np.ndarray:
    """An area, bool [H, W], without its edges, which Blender smooths after all is drawn."""
    for axis in (0, 1):
        for step in (-2, -1, 1, 2):
            area = area & np.roll(area, step, axis)
    return area


def worlds(folder: str) -> dict[str, Any]:
    """How far the keyframes of drawings alone, before worlds of several kinds, are from what Cycles renders."""
    home = Path(folder)
    home.mkdir()
    scene = studio_shot("CYCLES", "Standard")
    scene.render.dither_intensity = 0.0
    for name in ("Sky", "Moon"):
        bpy.data.objects[name].hide_render = True
    gray = bpy.data.worlds.new("Gray")
    gray.use_nodes = False
    gray.color = (0.05, 0.05, 0.05)
    bright = scene.world.copy()
    next(node for node in bright.node_tree.nodes if node.type == "BACKGROUND").inputs["Strength"].default_value = 1.7
    tinted = scene.world.copy()
    nodes = tinted.node_tree.nodes
    color = nodes.new("ShaderNodeRGB")
    color.outputs[0].default_value = (0.2, 0.6, 0.1, 1.0)
    tinted.node_tree.links.new(color.outputs[0], next(one for one in nodes if one.type == "BACKGROUND").inputs["Color"])
    answer = {}
    for name, world in (("plain", scene.world), ("gray", gray), ("bright", bright), ("tinted", tinted), ("none", None)):
        scene.world = world
        write_keyframe(scene, 125, home / f"{name}.png")
        own = sequencer_image(scene, 125, home / f"{name} scene.png")
        answer[name] = int(np.abs(image_pixels(home / f"{name}.png") - own).max())
    return answer


def thumbnails(folder: str) -> dict[str, Any]:
    """The thumbnails of a keyframe without and with a lamp that lights the paint, and when its frame is changed."""
    scene = studio_shot("BLENDER_WORKBENCH")
    scene.frame_set(125)
    answer: dict[str, Any] = {}
    bpy.ops.longanimation.add_keyframe()
    (keyframe,) = scene.longanimation.keyframes
    answer["size"] = list(keyframe.thumbnail.size)
    answer["plain"] = keyframe.is_lit
    lamp = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "SUN"))
    lamp.data.energy, lamp.rotation_euler = 0.5, (0.3, 0.2, 0.0)
    scene.collection.objects.link(lamp)
    for name in ("Girl", "Boy", "Background"):
        bpy.data.objects[name].data.layers[0].use_lights = True
    bpy.ops.longanimation.add_keyframe()
    answer["lit"] = keyframe.is_lit
    keyframe.frame = 127
    answer["after"] = [keyframe.thumbnail is None, keyframe.is_lit]
    scene.camera = None
    bpy.ops.longanimation.add_keyframe()
    answer["keyframes"] = [one.frame for one in scene.longanimation.keyframes]
    return answer
