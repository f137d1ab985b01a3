# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests do inside Blender. Each scenario returns plain values; the tests judge them outside."""

from __future__ import annotations

import importlib
import json
import shutil
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import numpy as np

from tests.demo import scene as cartoon_scene
from tests.demo.in_blender import EXTENSION, install_extension

from .settings import differences, settings_of


def run(name: str, archive: str, answer: str, *arguments: Any) -> None:
    """Install the extension, run the scenario `name`, and write what it returns as JSON to `answer`."""
    install_extension(archive)
    result = globals()[name](*arguments)
    Path(answer).write_text(json.dumps(result), encoding="utf-8")


def registration() -> dict[str, Any]:
    """What the enabled extension adds, and what is left of it when it is disabled."""

    def added() -> dict[str, bool]:
        return {
            "scene settings": hasattr(bpy.types.Scene, "longanimation"),
            "operator": "color_shot" in dir(bpy.ops.longanimation),
            "sequencer panel": hasattr(bpy.types, "LONGANIMATION_PT_sequencer"),
            "3D view panel": hasattr(bpy.types, "LONGANIMATION_PT_view3d"),
        }

    server = bpy.context.preferences.addons[EXTENSION].preferences.server
    enabled = added()
    bpy.ops.preferences.addon_disable(module=EXTENSION)
    disabled = added()
    bpy.ops.preferences.addon_enable(module=EXTENSION)
    return {"server": server, "enabled": enabled, "disabled": disabled, "again": added()}


def export(folder: str) -> dict[str, Any]:
    """Export eight frames of a scene whose settings are all odd; tells what differs afterwards."""
    scene = _odd_shot()
    before = settings_of(scene)
    take = _finish(_export(scene, Path(folder), range(1, 9)))
    return {"differences": differences(before, settings_of(scene)), "manifest": _json_of(take.manifest)}


def interrupted_exports(folder: str) -> dict[str, Any]:
    """An export that fails at its last image, and one that is abandoned in the middle."""
    scene = _odd_shot()
    before = settings_of(scene)
    empty = bpy.data.images.new("unpainted", 1, 1)
    empty.source = "FILE"
    empty.filepath = "/nowhere/unpainted.png"
    answer: dict[str, Any] = {}
    try:
        _finish(_export(scene, Path(folder), range(1, 5), image=empty))
    except _extension("errors").ShotError as error:
        answer["message"] = str(error)
    bpy.data.images.remove(empty)
    answer["after error"] = differences(before, settings_of(scene))
    steps = _export(scene, Path(folder), range(1, 9))
    next(steps), next(steps)
    answer["within"] = differences(before, settings_of(scene))
    steps.close()
    answer["after abandoning"] = differences(before, settings_of(scene))
    return answer


def bad_shots(folder: str) -> dict[str, str]:
    """The message for each shot that cannot be exported."""
    scene = _shot()
    pencils = [item for item in scene.objects if item.type != "CAMERA"]
    camera = scene.camera

    def message(frames: range = range(1, 3), painted: tuple[int, ...] = (1,), **other: Any) -> str:
        try:
            _finish(_export(scene, Path(folder), frames, painted, **other))
        except _extension("errors").ShotError as error:
            return str(error)
        return ""

    answers = {
        "no keyframe": message(painted=()),
        "keyframe outside": message(painted=(9,)),
        "empty range": message(frames=range(5, 5)),
        "two keyframes of one drawing": message(painted=(1, 2)),
        "other size": message(image=bpy.data.images.new("small", 8, 8)),
    }
    scene.camera = None
    answers["no camera"] = message()
    scene.camera = camera
    camera.location.x += 1000
    answers["all white"] = message()
    camera.location.x -= 1000
    for item in pencils:
        item.hide_render = True
    answers["no drawing"] = message()
    answers["no server"] = _operator_error(scene, folder)
    bpy.context.preferences.addons[EXTENSION].preferences.server = "http://studio.example:7860"
    answers["offline"] = _operator_error(scene, folder)
    return answers


def place_strips(folder: str) -> dict[str, Any]:
    """Place the same take twice on a timeline that is in use; tells where everything is and what it shows."""
    scene = _shot()
    take = _finish(_export(scene, Path(folder), range(3, 9), (5,)))
    missing = _place_error(scene, take)
    take.colored.mkdir()
    for frame in take.manifest.exposure.frames:
        _write_color(take.colored / f"{frame:04d}.png", _color_of(take.manifest.exposure.drawing_at(frame)))
    scene.sequence_editor_create()
    strips = _strips(scene)
    for name, channel, start, length in (("edge", 2, 8, 5), ("before", 6, 1, 2), ("after", 7, 9, 4)):
        strip = strips.new_image(name, str(take.lineart / "0003.png"), channel, start)
        strip.frame_final_duration = length
    for _ in range(2):
        bpy.ops.longanimation.place_strips(directory=folder)
    placed = [
        {
            "name": strip.name,
            "channel": strip.channel,
            "range": [strip.frame_final_start, strip.frame_final_end],
            "files": [element.filename for element in strip.elements],
            "blend": strip.blend_type,
            "job": strip.get("longanimation_job"),
            "seed": strip.get("longanimation_seed"),
            "preset": strip.get("longanimation_preset"),
        }
        for strip in strips
        if "longanimation_job" in strip
    ]
    shown = {frame: _sequencer_pixel(scene, frame, Path(folder) / "shown.png") for frame in (3, 5, 7)}
    wanted = {frame: _color_of(take.manifest.exposure.drawing_at(frame)) for frame in shown}
    return {"missing": missing, "placed": placed, "job": take.job, "shown": shown, "wanted": wanted}


def color_shot(folder: str, server: str) -> dict[str, Any]:
    """Colour six frames in every way there is in background Blender; tells which strips each way adds."""
    scene = _shot()
    scene.frame_end = 6
    home = Path(folder)
    home.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "shot.blend"))
    bpy.context.preferences.addons[EXTENSION].preferences.server = server
    scene.frame_set(3)
    bpy.ops.longanimation.test_connection()
    bpy.ops.longanimation.add_keyframe()
    seen = 0
    answer: dict[str, Any] = {}

    def note(way: str) -> None:
        nonlocal seen
        strips = list(_strips(scene))
        answer[way] = sorted(
            [strip.directory, strip.channel, strip.frame_final_start, strip.frame_final_end] for strip in strips[seen:]
        )
        seen = len(strips)

    bpy.ops.longanimation.color_shot(directory=str(home / "take"))
    note("operator")
    shutil.rmtree(home / "take" / "colored")
    bpy.ops.longanimation.fetch_take(directory=str(home / "take"))
    note("fetched")
    bpy.ops.longanimation.color_shot()
    note("folder of the preferences")
    answer["status"] = _extension("cli")._run(["colorize", "--directory", str(home / "terminal"), "--seed", "3"])
    note("terminal")

    # Timers do not fire in the background: call what they would.
    monitor = _extension("monitor")
    take = _extension("take").Take.load(home / "take")
    monitor.follow(_extension("session").Session(_extension("preferences").make_client(), take, resume=True), scene)
    while monitor.takes and not isinstance(monitor.takes[0].latest, _extension("session").Failed):
        monitor._look()
        time.sleep(0.1)
    answer["failed"] = [running.latest.sentence for running in monitor.takes]
    note("monitor")
    bpy.ops.wm.open_mainfile(filepath=str(home / "shot.blend"))
    answer["saved"] = len(_strips(bpy.context.scene))
    return answer


def _extension(name: str) -> ModuleType:
    return importlib.import_module(f"{EXTENSION}.{name}")


def _strips(scene: bpy.types.Scene) -> Any:
    editor = scene.sequence_editor
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def _shot() -> bpy.types.Scene:
    """The demonstration's shot at a quarter of its size."""
    scene = cartoon_scene.build()
    scene.render.resolution_percentage = 25
    return scene


def _odd_shot() -> bpy.types.Scene:
    """The shot in a scene in which every setting that matters is set to something else, with vertex-painted fills."""
    scene = _shot()
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


def _export(
    scene: bpy.types.Scene,
    folder: Path,
    frames: range,
    painted: tuple[int, ...] = (1,),
    image: bpy.types.Image | None = None,
) -> Any:
    painted_frames = tuple(_extension("keyframes").PaintedFrame(frame, image) for frame in painted)
    options = _extension("export").ShotOptions(frames, painted_frames, "tiny", "", 7, "flats")
    return _extension("export").export_steps(scene, options, folder)


def _finish(steps: Any) -> Any:
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value


def _json_of(message: Any) -> dict[str, Any]:
    return _extension("shared.protocol").to_json(message)


def _operator_error(scene: bpy.types.Scene, folder: str) -> str:
    try:
        bpy.ops.longanimation.color_shot(directory=folder)
    except RuntimeError as error:
        return str(error)
    return ""


def _place_error(scene: bpy.types.Scene, take: Any) -> str:
    try:
        _extension("strips").place(scene, take)
    except _extension("errors").ShotError as error:
        return str(error)
    return ""


def _color_of(drawing: int) -> list[int]:
    return [40 + 60 * drawing, 200 - 50 * drawing, 90]


def _write_color(path: Path, color: list[int]) -> None:
    image = bpy.data.images.new("flat", 240, 135)
    image.pixels.foreach_set(np.tile(np.array([*color, 255], np.float32) / 255, 240 * 135))
    image.file_format = "PNG"
    image.save(filepath=str(path))
    bpy.data.images.remove(image)


def _sequencer_pixel(scene: bpy.types.Scene, frame: int, path: Path) -> list[int]:
    """What the Sequencer shows in the sky of a frame, where there is no line."""
    scene.frame_set(frame)
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    pixels = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return [round(255 * float(value)) for value in pixels.reshape(135, 240, 4)[130, 5, :3]]
