# SPDX-License-Identifier: GPL-3.0-or-later
"""Many shots at once: listed from markers, strips and scenes, and colored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from benchmarks.blender.stage import extension, finished_take, shot, strips_of, with_placement
from server.demo.in_blender.extension import EXTENSION

from .stage import color_strip

_OPERATORS = bpy.ops.longanimation


def _batch(scene: bpy.types.Scene) -> Any:
    return extension("properties.batch").of_file(scene)


def _rows(scene: bpy.types.Scene) -> list[list[object]]:
    """Each shot of the batch: name, scene, frames, timeline, and where it begins there."""
    return [
        [item.name, item.scene.name, item.frame_start, item.frame_end, item.timeline.name, item.as_shot().start]
        for item in _batch(scene).shots
    ]


def _error(call: Any) -> str:
    try:
        call()
    except RuntimeError as error:
        return str(error).removeprefix("Error: ").strip()
    return ""


def _drawn_scene() -> bpy.types.Scene:
    scene = shot()
    scene.frame_end = 12
    return scene


def lists() -> dict[str, Any]:
    """Fill, change and empty the batch; tells what is in it after each step."""
    scene = _drawn_scene()
    answer: dict[str, Any] = {"no markers": _error(_OPERATORS.batch_markers)}
    answer["no strips"] = _error(_OPERATORS.batch_strips)
    answer["nothing to clear"] = _OPERATORS.batch_clear.poll()
    for frame, name in ((-5, "intro"), (5, "a/b"), (9, "a b"), (40, "later")):
        scene.timeline_markers.new(name, frame=frame)
    _OPERATORS.batch_markers()
    answer["markers"] = _rows(scene)
    _OPERATORS.batch_markers()
    answer["again"] = _rows(scene)

    scene.longanimation.keyframes.add().frame = 6
    answer["problems"] = [item.problem for item in _batch(scene).shots]
    first = _batch(scene).shots[0]
    first.frame_end = first.frame_start - 1
    answer["ends before it begins"] = first.problem
    first.scene = None
    answer["no scene"] = first.problem

    other = bpy.data.scenes.new("Other")
    other.frame_start, other.frame_end = 3, 7
    bpy.context.window.scene = other
    answer["shown in another scene"] = len(_batch(other).shots)
    _batch(other).active = 1
    _OPERATORS.batch_jump()
    answer["jumped"] = [bpy.context.scene.name, bpy.context.scene.frame_current]
    _OPERATORS.batch_remove()
    answer["removed"] = [item.name for item in _batch(other).shots]
    _OPERATORS.batch_add()
    answer["added"] = _rows(scene)[-1] if _batch(scene).shots[0].scene else [item.name for item in _batch(scene).shots]
    _OPERATORS.batch_clear()
    answer["cleared"] = len(_batch(scene).shots)
    _OPERATORS.batch_scenes()
    answer["scenes"] = _rows(scene)
    other.camera = scene.camera
    _OPERATORS.batch_scenes()
    answer["scenes with a camera"] = _rows(scene)
    return answer


def strips(folder: str) -> dict[str, Any]:
    """Add the selected strips of a timeline; tells the shots, and for scene strips what the Sequencer shows there."""
    drawn, timeline = _gradient_scene(), bpy.data.scenes.new("Edit")
    bpy.context.window.scene = timeline
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        bpy.context.workspace.sequencer_scene = timeline
    timeline.sequence_editor_create()
    strips = strips_of(timeline)
    cut = strips.new_scene("cut", drawn, 1, 100)
    cut.frame_final_start, cut.frame_final_end = 104, 110
    trimmed = strips.new_scene("trimmed", drawn, 1, 200)
    trimmed.animation_offset_start = 2
    trimmed.frame_final_start = trimmed.frame_final_start + 3
    held = strips.new_scene("held", drawn, 1, 300)
    held.frame_final_end = held.frame_final_end + 4
    for name, channel in (("color", 2), ("same frames", 3)):
        color_strip(strips, name, channel, range(400, 412))
    reversed_ = strips.new_scene("reversed", drawn, 4, 500)
    reversed_.use_reverse_frames = True
    edit = strips.new_scene("an edit", drawn, 4, 600)
    edit.scene_input = "SEQUENCER"
    taken = color_strip(strips, "a take", 5, range(700, 710))
    taken["longanimation_job"] = "1"
    unselected = color_strip(strips, "unselected", 5, range(800, 810))
    for strip in strips:
        strip.select = strip != unselected
    reports = _reports("LONGANIMATION_OT_batch_strips")
    rows = _rows(timeline)
    shown: dict[str, list[Any]] = {}
    for name, scene_name, first, last, _, start in rows:
        if scene_name == drawn.name:
            for frame in (first, last):
                seen = _picture(timeline, start + frame - first, Path(folder) / "seen.png")
                shown[f"{name} {frame}"] = [seen, _picture(drawn, frame, Path(folder) / "seen.png")]
    return {"rows": rows, "shown": shown, "reports": reports}


def _reports(name: str) -> list[str]:
    """What an operator reports: Blender only prints it, and a report of an error becomes an exception."""
    said: list[str] = []
    kind = getattr(extension("operators.batch"), name)
    parts = {
        "report": lambda _self, _kinds, sentence: said.append(sentence),
        "requests": getattr(kind, "requests", None),
    }
    kind.execute(type("StandIn", (extension("operators.export").ExportsShots,), parts)(), bpy.context)
    return said


def _gradient_scene() -> bpy.types.Scene:
    """A scene of frames 11 to 30, each of a gray of its own."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    scene.name = "Gradient"
    scene.frame_start, scene.frame_end = 11, 30
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    scene.world = bpy.data.worlds.new("Gray")
    for frame in (0, 40):
        scene.world.color = [frame / 40] * 3
        scene.world.keyframe_insert("color", frame=frame)
    _plain(scene)
    return scene


def _plain(scene: bpy.types.Scene) -> None:
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.resolution_x = scene.render.resolution_y = 8
    scene.render.dither_intensity = 0
    scene.view_settings.view_transform = "Standard"


def _picture(scene: bpy.types.Scene, frame: int, path: Path) -> int:
    """The gray of a frame of a scene, or of its Sequencer."""
    _plain(scene)
    scene.frame_set(frame)
    scene.render.filepath = str(path)
    with bpy.context.temp_override(scene=scene):  # by its name another scene is rendered at this scene's frame
        bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    pixels = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return round(255 * float(pixels[0]))


def color_all(folder: str, server: str) -> dict[str, Any]:
    """Color a batch of which one shot has no keyframe and one cannot be exported."""
    scene = _drawn_scene()
    home = Path(folder)
    home.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "film.blend"))
    bpy.context.preferences.addons[EXTENSION].preferences.server = server
    answer: dict[str, Any] = {"nothing": _OPERATORS.color_batch.poll()}
    for frame, name in ((1, "walk"), (5, "pause"), (7, "unpainted"), (9, "run")):
        scene.timeline_markers.new(name, frame=frame)
    _OPERATORS.batch_markers()
    answer["not ready"] = _error(_OPERATORS.color_batch)
    for frame in (2, 5, 11):
        scene.longanimation.keyframes.add().frame = frame
    blind = bpy.data.scenes.new("Blind")
    blind.longanimation.keyframes.add().frame = 1
    row = _batch(scene).shots.add()
    row.name, row.scene, row.timeline, row.frame_start, row.frame_end = "blind", blind, scene, 1, 2
    pause = next(item for item in _batch(scene).shots if item.name == "pause")
    pause.enabled = False
    run = next(item for item in _batch(scene).shots if item.name == "run")
    run.shift = 91
    bpy.context.window.scene = blind  # what is drawn need not be in sight
    answer["reports"] = _reports("LONGANIMATION_OT_color_batch")
    answer["strips"] = sorted(
        [strip.frame_final_start, strip.frame_final_end, strip["longanimation_shot"]] for strip in strips_of(scene)
    )
    take = extension("takes.take").Take
    answer["takes"] = sorted(
        [one.manifest.name, one.manifest.frame_start, one.manifest.timing, one.state, one.folder.name]
        for one in (take.load(path.parent) for path in home.glob("longanimation/*/take.json"))
    )
    return answer


def timeline(folder: str) -> dict[str, Any]:
    """Write a timeline of a batch of four shots, of which two have finished takes; tells what is said before."""
    home = Path(folder)
    scene = _drawn_scene()
    path = str(home / "film")
    answer: dict[str, Any] = {"no batch": _OPERATORS.batch_timeline.poll()}
    for frame, name in ((1, "walk"), (5, "run"), (9, "jump"), (11, "left out")):
        scene.timeline_markers.new(name, frame=frame)
    _OPERATORS.batch_markers()
    answer["no takes"] = _error(lambda: _OPERATORS.batch_timeline(filepath=path))
    answer["nothing written"] = sorted(one.name for one in home.iterdir())
    manager = extension("take_manager")
    for name, number, start, hidden in (
        ("walk", 1, 1, False),
        ("walk", 2, 1, False),
        ("walk", 3, 1, True),
        ("run", 1, 20, False),
        ("left out", 1, 60, False),
    ):
        take = with_placement(finished_take(scene, home / f"{name} {number}"), scene, start)
        take = take.changed(
            job=f"{name} {number}",
            number=number,
            hidden=hidden,
            state="done",
            manifest=replace(take.manifest, name=name),
            placement=take.placement,
        )
        manager.register(take)
    _batch(scene).shots[3].enabled = False
    for _ in manager.wait(list(manager.entries)):
        pass
    answer["result"] = list(_OPERATORS.batch_timeline(filepath=path))
    answer["unwritable"] = _error(lambda: _OPERATORS.batch_timeline(filepath=str(home / "gone" / "film.otio")))
    return answer
