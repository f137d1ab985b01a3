# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes placed in the Sequencer."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from benchmarks.blender.stage import (
    FRAMES,
    begin_export,
    color_of,
    extension,
    finish,
    finished_take,
    shot,
    strips_of,
    with_placement,
    write_lines,
)

from .stage import (
    color_strip,
    described,
    image_pixels,
    sequencer_image,
    sequencer_pixel,
    take_of_one_frame,
    write_keyframe,
)


def layouts(folder: str) -> dict[str, Any]:
    """Place a take in each layout on a timeline that is in use, later than the shot's own frames."""
    scene = shot()
    take = finished_take(scene, Path(folder))
    scene.sequence_editor_create()
    strips = strips_of(scene)
    for name, channel, start, length in (("edge", 2, 27, 5), ("before", 6, 1, 21), ("after", 7, 28, 4)):
        strip = strips.new_image(name, str(take.lineart / "0003.png"), channel, start)
        strip.frame_final_duration = length
    answer: dict[str, Any] = {"job": take.job}
    for layout in ("meta", "strips", "flat"):
        placed = extension("sequencer.strips").place(scene, with_placement(take, scene, start=22, layout=layout))
        answer[layout] = [described(strip) for strip in placed]
        answer["properties"] = {name: value for name, value in placed[0].items() if name.startswith("longanimation")}
    take = with_placement(replace(take, has_lines=False), scene, start=22, layout="strips")
    answer["older"] = [described(strip) for strip in extension("sequencer.strips").place(scene, take)]
    return answer


def lineart_missing(folder: str) -> dict[str, Any]:
    """Try to place a take of an older version, one of whose drawings was deleted."""
    scene = shot()
    take = replace(finished_take(scene, Path(folder)), has_lines=False)
    (take.lineart / "0004.png").unlink()
    try:
        extension("sequencer.strips").place(scene, take)
    except extension("shared.errors").ShotError as error:
        return {"message": str(error), "strips": len(strips_of(scene)) if scene.sequence_editor else 0}
    return {}


def arrival(folder: str) -> dict[str, Any]:
    """Place a take of which two frames are here, then let the others come; tells what is shown each time."""
    scene = shot()
    scene.render.film_transparent = True
    take = finished_take(scene, Path(folder))
    for path in [path for layer in take.results for path in layer.glob("*.png")]:
        if path.stem not in ("0003", "0004"):
            path.rename(path.with_suffix(".later"))
    strips = extension("sequencer.strips")
    take = with_placement(take, scene, start=3)
    strips.place(scene, take)
    answer: dict[str, Any] = {"pending": [_shown(scene, take, frame) for frame in FRAMES]}
    for path in [path for layer in take.results for path in layer.glob("*.later")]:
        path.rename(path.with_suffix(".png"))
    answer["found"] = strips.refresh(scene, take, range(5, 9))
    answer["arrived"] = [_shown(scene, take, frame) for frame in FRAMES]
    answer["wanted"] = [color_of(take.manifest.exposure.drawing_at(frame)) for frame in FRAMES]
    answer["left"] = sorted(path.name for path in take.fills.iterdir())
    strips.remove(scene, take.job)
    answer["removed"] = len(strips_of(scene))
    answer["not found"] = strips.refresh(scene, take, FRAMES)
    return answer


def gone(folder: str) -> dict[str, Any]:
    """Place a take and delete its images: the sizes that its strips know, and whether a frame is still rendered."""
    scene = shot()
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 240, 135, 100
    take = finished_take(scene, Path(folder))
    (meta,) = extension("sequencer.strips").place(scene, with_placement(take, scene, start=3))
    elements = [one for strip in extension("compat").strips_of(meta) for one in strip.elements]
    sizes = {(one.orig_width, one.orig_height) for one in elements}
    for layer in (take.fills, take.lines):
        shutil.rmtree(layer)
    shown = sequencer_image(scene, 8, Path(folder) / "shown.png")
    return {"sizes": sorted(sizes), "size": [take.manifest.width, take.manifest.height], "shown": shown.shape[:2]}


def takes(folder: str) -> dict[str, Any]:
    """Two takes of one shot and one of another: which are muted, and what is shown when they are compared."""
    scene = shot()
    first = with_placement(finished_take(scene, Path(folder) / "first"), scene, start=3)
    second = with_placement(finished_take(scene, Path(folder) / "second", shift=1), scene, start=3)
    other = with_placement(finished_take(scene, Path(folder) / "other"), scene, start=3)
    other = replace(other, manifest=replace(other.manifest, name="Another shot"))
    strips = extension("sequencer.strips")
    for take in (other, first, second):
        strips.place(scene, take)

    def muted() -> dict[str, bool]:
        names = {first.job: "first", second.job: "second", other.job: "other"}
        return {names[strip["longanimation_job"]]: strip.mute for strip in strips_of(scene)}

    def marked() -> dict[str, str]:
        names = {first.job: "first", second.job: "second", other.job: "other"}
        return {names[job]: half for job, half in strips.halves(scene).items()}

    answer: dict[str, Any] = {"placed": muted()}
    strips.show(scene, first)
    answer["shown"] = muted()
    answer["marked"] = [marked()]
    answer["comparing"] = strips.compare(scene, second)
    answer["marked"].append(marked())
    image = sequencer_image(scene, 3, Path(folder) / "compared.png")
    answer["halves"] = [image[130, x].tolist() for x in (5, 110, 130, 235)]
    answer["wanted"] = [color_of(1), color_of(0)]
    answer["comparing again"] = strips.compare(scene, second)
    answer["in the end"] = muted()
    strips.compare(scene, first)
    answer["ended from the other half"] = not strips.compare(scene, second)
    answer["marked"].append(marked())
    return answer


def takes_arriving(folder: str) -> dict[str, Any]:
    """A second take of a shot whose last frames arrive later, and one that begins later: what is muted and shown."""
    scene = shot()
    home, strips = Path(folder), extension("sequencer.strips")
    first = with_placement(finished_take(scene, home / "first"), scene, start=3)
    second = with_placement(finished_take(scene, home / "second", shift=1), scene, start=3)
    later = with_placement(finished_take(scene, home / "later", shift=2), scene, start=5)
    late = [f"{frame:04d}.png" for frame in FRAMES[4:]]
    (home / "aside").mkdir()
    for layer in second.results:
        for name in late:
            (layer / name).rename(home / "aside" / f"{layer.name}{name}")
    answer: dict[str, Any] = {"muted": []}

    def note() -> None:
        jobs = {first.job: "first", second.job: "second", later.job: "later"}
        answer["muted"].append(sorted(jobs[strip["longanimation_job"]] for strip in strips_of(scene) if strip.mute))

    strips.place(scene, first)
    strips.place(scene, second)
    note()
    answer["arriving"] = [sequencer_pixel(scene, frame, home / f"a{frame}.png") for frame in (3, 8)]
    for layer in second.results:
        for name in late:
            (home / "aside" / f"{layer.name}{name}").rename(layer / name)
    strips.refresh(scene, second, FRAMES[4:])
    note()
    answer["arrived"] = [sequencer_pixel(scene, frame, home / f"b{frame}.png") for frame in (3, 8)]
    strips.place(scene, later)
    note()
    strips.show(scene, second)
    note()
    answer["wanted"] = [color_of(1), color_of(2), color_of(3)]
    return answer


def colors(folder: str) -> dict[str, Any]:
    """A chart of colors as a shot: picked in the scene, rendered as a keyframe, and shown by a strip."""
    home = Path(folder)
    home.mkdir()
    scene = _chart()
    picked = [[round(255 * _encoded(value)) for value in item.color[:3]] for item in _cells(scene)]
    keyframe = home / "keyframe.png"
    write_keyframe(scene, 1, keyframe)
    answer: dict[str, Any] = {"picked": picked, "keyframe": _cell_colors(image_pixels(keyframe))}
    take = take_of_one_frame(scene, home / "take", keyframe, 1)
    for view in ("Standard", "AgX"):
        scene.view_settings.view_transform = view
        scene.render.use_sequencer = False
        answer[f"{view} scene"] = _cell_colors(sequencer_image(scene, 1, home / "scene.png"))
        scene.render.use_sequencer = True
        extension("sequencer.strips").place(scene, take)
        answer[f"{view} strip"] = _cell_colors(sequencer_image(scene, 1, home / "strip.png"))
        extension("sequencer.strips").remove(scene, take.job)
    return answer


def transparent(folder: str) -> dict[str, Any]:
    """A shot whose sky is not painted, with orange lines, colored with a flat color on nothing: how its strips differ
    from the finished frames, by themselves and over a color."""
    scene = shot()
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 240, 135, 100
    home = Path(folder)
    bpy.data.materials["sky"].grease_pencil.hide = True
    scene.render.film_transparent = True
    take = finish(begin_export(scene, home / "take", FRAMES, (5,)))
    images, compositing = extension("png_pixels"), extension("compositing")
    keyframe = images.read_png(take.keyframes / "0005.png")
    answer: dict[str, Any] = {"share of the keyframe": float((keyframe[..., 3] < 128).mean())}
    write_lines(take, [230, 120, 0])
    for layer in (take.colored, take.fills):
        layer.mkdir()
    for name in [f"{frame:04d}.png" for frame in FRAMES]:
        lines = images.read_png(take.lines / name)
        fills = np.zeros_like(lines)
        fills[:, :120] = (200, 60, 90, 255)
        images.write_png(take.fills / name, fills)
        images.write_png(take.colored / name, compositing.lay_lines(fills, lines))
    (meta,) = extension("sequencer.strips").place(scene, with_placement(take, scene, start=3))
    answer["strips"] = described(meta)["strips"]
    wanted = image_pixels(take.colored / "0004.png", channels=4)
    off = sequencer_image(scene, 4, home / "shown.png", channels=4) - wanted
    off[..., :3][wanted[..., 3] == 0] = 0
    answer["alone"] = int(np.abs(off).max())
    ground = (51, 102, 204)
    meta.channel = 2
    color_strip(strips_of(scene), "ground", 1, range(1, 10)).color = [value / 255 for value in ground]
    alpha = wanted[..., 3:] / 255
    over = wanted[..., :3] * alpha + np.array(ground) * (1 - alpha)
    answer["over a color"] = float(np.abs(sequencer_image(scene, 4, home / "shown.png") - over).max())
    answer["found in the palette"] = [list(color) for color in extension("takes.recolor").palette_of(take)]
    return answer


def _shown(scene: bpy.types.Scene, take: Any, frame: int) -> list[int]:
    return sequencer_pixel(scene, frame, take.folder / "shown.png")


def _chart() -> bpy.types.Scene:
    """Sixteen by nine flat squares before a camera, of all sorts of colors, drawn as their objects' colors."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.resolution_x, scene.render.resolution_y = 160, 90
    scene.render.dither_intensity = 0.0
    scene.display.render_aa = "OFF"
    scene.display.shading.light = "FLAT"
    scene.display.shading.color_type = "OBJECT"
    scene.frame_start = scene.frame_end = 1
    scene.longanimation.lineart.source = "mixed"
    random = np.random.default_rng(7)
    square = bpy.data.meshes.new("square")
    square.from_pydata([(0, 0, 0), (1, 0, 0), (1, 0, 1), (0, 0, 1)], [], [(0, 1, 2, 3)])
    corners = [(r, g, b) for r in (0, 255) for g in (0, 255) for b in (0, 255)]
    for index in range(16 * 9):
        item = bpy.data.objects.new(f"cell {index:03d}", square)
        item.location = (index % 16, 0, index // 16)
        color = corners[index] if index < len(corners) else random.integers(0, 256, 3).tolist()
        item.color = (*(_linear(value / 255) for value in color), 1)
        scene.collection.objects.link(item)
    camera = bpy.data.cameras.new("Camera")
    camera.type = "ORTHO"
    camera.ortho_scale = 16
    holder = bpy.data.objects.new("Camera", camera)
    holder.location, holder.rotation_euler = (8, -10, 4.5), (np.pi / 2, 0, 0)
    scene.collection.objects.link(holder)
    scene.camera = holder
    return scene


def _cells(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    return sorted((item for item in scene.objects if item.type == "MESH"), key=lambda item: item.name)


def _cell_colors(image: np.ndarray) -> list[list[int]]:
    """The color in the middle of each cell; the first row of the image is the lowest."""
    return [image[5 + 10 * (index // 16), 5 + 10 * (index % 16)].tolist() for index in range(16 * 9)]


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _encoded(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
