# SPDX-License-Identifier: GPL-3.0-or-later
"""Line art of every source, and scenes in which an export could go wrong."""

from __future__ import annotations

import re
import resource
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import bpy

from benchmarks.blender.stage import extension, finish, shot
from tests.blender.settings import differences, settings_of

from .line_scenes import add_shadow, face_scene, mesh_scene, monkey_scene, odd_scene, pencil_scene
from .stage import json_of


def begin(scene: bpy.types.Scene, folder: Path, frames: range = range(1, 2), **lineart: Any) -> Any:
    """Begin an export that has its first frame as keyframe, painted or not, with these settings of the line art."""
    for name, value in lineart.items():
        setattr(scene.longanimation.lineart, name, value)
    painted = (extension("shot.painted_frame").PaintedFrame(frames.start),)
    options = replace(scene.longanimation.options(frames), painted=painted, accept_errors=True)
    return extension("shot.export").export_steps(scene, options, folder)


def export(scene: bpy.types.Scene, folder: Path, frames: range = range(1, 2), **lineart: Any) -> dict[str, Any]:
    return json_of(finish(begin(scene, folder, frames, **lineart)).manifest)


def below_zero(folder: str) -> dict[str, Any]:
    """Export a figure that moves from frame -3 to 0."""
    scene = pencil_scene()
    for name in ("Behind", "Figure"):
        item = bpy.data.objects[name]
        for layer in item.data.layers:
            if bpy.app.version >= (4, 3):
                layer.frames.move(1, -3)
            else:
                layer.frames[0].frame_number = -3
        for frame in (-3, 0):
            item.location.x = frame / 10
            item.keyframe_insert("location", frame=frame)
    manifest = export(scene, Path(folder), range(-3, 1))
    return {"timing": manifest["timing"], "frame": scene.frame_current}


def set_roles(scene: bpy.types.Scene, **roles: str) -> None:
    for name, role in roles.items():
        bpy.ops.longanimation.set_layer_role(layer=name, role=role)


def message_of(call: Callable[[], Any]) -> str:
    try:
        call()
    except extension("shared.errors").ShotError as error:
        return str(error)
    return ""


def layers(folder: str) -> None:
    """Export a scene of several layers with each way of telling lines from fills."""
    home = Path(folder)
    scene = pencil_scene()
    export(scene, home / "by name")
    set_roles(scene, Fills="lines")
    export(scene, home / "colors")
    export(scene, home / "all lines", keep_colors=False)
    set_roles(scene, Fills="fills", Notes="none")
    export(scene, home / "roles")
    set_roles(scene, Fills="lines", Notes="lines")
    export(scene, home / "layer pass", fills_by="layer", fill_pass=3)
    export(scene, home / "material pass", fills_by="material", fill_pass=5)
    export(scene, home / "collection", fills_by="none", collection=bpy.data.collections["Back"])
    scene.view_layers[0].layer_collection.children["Front"].exclude = True
    scene.view_layers.new("Second").layer_collection.children["Back"].exclude = True
    scene.view_layers.new("Off").use = False
    export(scene, home / "view layers", collection=None)
    bpy.data.objects["Behind"].hide_render = True
    export(scene, home / "hidden")


def traces(folder: str) -> dict[str, Any]:
    """Export a layer or a material of color-trace lines, and lines whose color is chosen; and a refusal's message."""
    home = Path(folder)
    scene = pencil_scene()
    set_roles(scene, Notes="traces")
    answer = {}
    for name, lineart in (
        ("layer", {}),
        ("black", {"keep_colors": False}),
        ("color", {"keep_colors": True, "traces": {"#0000ff"}, "trace_fill": "darker"}),
    ):
        manifest = export(scene, home / name, **lineart)
        answer[name] = [manifest["traces"], manifest["trace_fill"]]
    answer["message"] = message_of(lambda: export(scene, home / "none", keep_colors=False))
    scene.longanimation.lineart.traces = set()
    set_roles(scene, Notes="lines")
    bpy.data.materials["blue"].grease_pencil.pass_index = 3
    for number, name in ((7, "no material"), (3, "material"), (3, "black material")):
        answer[name] = export(scene, home / name, keep_colors="black" not in name, trace_pass=number)["traces"]
    return answer


def named_layers(*names: str) -> list[str]:
    """What the layers of these names hold, as nobody chose it, beside a layer Ink and, at last, alone."""
    layers = bpy.data.objects["Figure"].data.layers if pencil_scene() else ()
    roles = bpy.context.scene.longanimation.lineart.options().roles
    held = []
    for name in names:
        for layer in [*layers]:
            layers.remove(layer)
        layers.new("Ink")
        held.append(roles.of(layers.new(name)))
    layers.remove(layers["Ink"])
    return [*held, roles.of(layers[0])]


def shadows(folder: str) -> None:
    """Export a figure without a shadow and under each kind of translucent shadow, and under an opaque fill."""
    home = Path(folder)
    scene = pencil_scene()
    scene.longanimation.lineart.keep_colors = False
    export(scene, home / "none")
    for name, alpha, settings in (
        ("material", 0.4, {}),
        ("opacity", 1.0, {"opacity": 0.6}),
        ("multiply", 1.0, {"blend_mode": "MULTIPLY"}),
        ("opaque", 1.0, {}),
    ):
        layer = add_shadow(name, alpha)
        for key, value in settings.items():
            setattr(layer, key, value)
        export(scene, home / name)
        if name == "opacity":
            set_roles(scene, opacity="fills")
            export(scene, home / "layer of fills")
        layer.hide = True


def lineless(folder: str) -> None:
    """Export figures with fills without lines: drawn, painted in a keyframe, and on layers of paint; and the monkey."""
    home = Path(folder)
    export(face_scene(), home / "drawn", range(1, 3))
    export(face_scene(fills=(1,)), home / "painted", range(1, 3))
    scene = face_scene(layer="Paint")
    set_roles(scene, Paint="lines")
    export(scene, home / "chosen", range(1, 3))
    for name in ("layer", "ground"):
        export(face_scene(layer="Paint", stroke=name == "ground"), home / name, range(1, 3))
    export(monkey_scene(), home / "monkey", range(1, 3))


def animated_paint(folder: str) -> None:
    """Export a scene whose fill, exposure and resolution are animated, and whose fill is instanced."""
    scene = pencil_scene()
    set_roles(scene, Fills="lines")
    paint = bpy.data.materials["red"].grease_pencil
    paint.keyframe_insert("fill_color", frame=1)
    scene.view_settings.exposure = -3
    scene.view_settings.keyframe_insert("exposure", frame=1)
    scene.render.resolution_percentage = 50
    figure = bpy.data.objects["Figure"]
    inner = bpy.data.collections.new("Inner")
    inner.objects.link(figure)
    for holder in list(figure.users_collection):
        if holder != inner:
            holder.objects.unlink(figure)
    instance = bpy.data.objects.new("Instance", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", inner
    scene.collection.objects.link(instance)
    export(scene, Path(folder), use_scene_percentage=False, percentage=100, keep_colors=False)


def meshes(folder: str) -> dict[str, Any]:
    """Export the lines of meshes by Line Art, by Freestyle, and everything mixed."""
    home = Path(folder)
    scene = mesh_scene()
    scene.longanimation.lineart.keep_colors = False
    answer = {"line_art": export(scene, home / "line_art", range(1, 3))}
    scene.render.use_freestyle = True
    answer["freestyle"] = export(scene, home / "freestyle", range(1, 3), source="freestyle")
    bpy.data.objects["Lines"].hide_render = True
    answer["mixed"] = export(scene, home / "mixed", range(1, 3), source="mixed")
    return answer


def views(folder: str) -> dict[str, Any]:
    """Export with another camera, a percentage and a step, and with cameras that markers bind."""
    home = Path(folder)
    scene = shot()
    other = bpy.data.objects.new("Close", scene.camera.data.copy())
    other.matrix_world = scene.camera.matrix_world
    other.data.ortho_scale /= 4
    scene.collection.objects.link(other)
    answer = {"percentage": export(scene, home / "percentage", use_scene_percentage=False, percentage=12)}
    answer["step"] = export(scene, home / "step", range(1, 8), use_scene_percentage=True, step=3)
    export(scene, home / "own", range(4, 6), step=1)
    export(scene, home / "close", range(4, 6), camera=other)
    for frame, camera in ((1, other), (5, scene.camera)):
        scene.timeline_markers.new("cut", frame=frame).camera = camera
    export(scene, home / "markers", range(4, 6), camera=None)
    export(scene, home / "chosen", range(4, 6), camera=other)
    return answer


def images(folder: str, *paths: str) -> dict[str, Any]:
    """Export frames 8 to 11 of image sequences, in color when the last path is "keep"; tells what was said."""
    answer: dict[str, Any] = {}
    keep = paths[-1] == "keep"
    for path in paths[: -1 if keep else None]:
        settings = {"source": "images", "images": path, "keep_colors": keep}
        steps = partial(begin, pencil_scene(), Path(folder) / Path(path).name, range(8, 12), **settings)
        answer[path] = message_of(lambda steps=steps: finish(steps()))
    return answer


def sheet(folder: str, images: str, path: str, column: str = "", end: int = 18) -> dict[str, Any]:
    """Export an image sequence by an exposure sheet, from the scene's start frame 11 on; tells what was said."""
    scene = pencil_scene()
    scene.frame_start, scene.frame_end = 11, end
    home = Path(folder)
    settings = {"source": "images", "images": images, "sheet": path, "column": column}
    said = message_of(lambda: finish(begin(scene, home, range(11, end + 1), **settings)))
    if said:
        return {"said": said, "files": [one.name for one in home.rglob("*")] if home.exists() else []}
    take = extension("takes.take").Take.load(home).changed(state="done")
    take.colored.mkdir()
    for drawn in take.lineart.iterdir():
        (take.colored / drawn.name).write_bytes(drawn.read_bytes())
    extension("take_manager").register(take)
    bpy.ops.longanimation.write_sheet(job=take.job)
    return {
        "timing": list(take.manifest.timing),
        "start": take.manifest.frame_start,
        "drawings": len(take.manifest.drawings),
    }


def restored(folder: str) -> dict[str, Any]:
    """What differs after exports from each source, and after ones that were abandoned or failed, in an odd scene."""
    scene = odd_scene(folder)
    before = settings_of(scene)
    save_result(scene, Path(folder) / "rendered.png")
    answer: dict[str, Any] = {}
    for source in ("pencil", "line_art", "freestyle", "mixed", "images"):
        home = Path(folder) / source
        sources = {"source": source, "images": str(Path(folder) / "drawn_1.png")}
        finish(begin(scene, home, range(1, 2), **sources))
        reset_lineart(scene)
        answer[source] = differences(before, settings_of(scene))
        steps = begin(scene, home, range(1, 2), **sources)
        next(steps)
        answer[f"{source} within"] = len(differences(before, settings_of(scene)))
        steps.close()
        reset_lineart(scene)
        answer[f"{source} abandoned"] = differences(before, settings_of(scene))
        if source != "images":
            steps = begin(scene, home, range(1, 4), **sources)
            next(steps)
            camera, marker = scene.camera, scene.timeline_markers["cut"]
            scene.camera = marker.camera = None
            answer[f"{source} message"] = message_of(lambda steps=steps: next(steps))
            scene.camera = marker.camera = camera
            reset_lineart(scene)
            answer[f"{source} failed"] = differences(before, settings_of(scene))
    save_result(scene, Path(folder) / "still rendered.png")
    return answer


def outputs(folder: str) -> dict[str, list[str]]:
    """Export from scenes that render to each format of files; tells what differs afterwards."""
    scene = pencil_scene()
    scene.frame_set(1)  # else some values are not known before it is rendered
    settings = scene.render.image_settings
    answer = {}
    for media in ("IMAGE", "MULTI_LAYER_IMAGE", "VIDEO") if hasattr(settings, "media_type") else ("",):
        if media:
            settings.media_type = media
        for name in choices(settings, "file_format"):
            settings.file_format = name
            for depth in choices(settings, "color_depth"):
                settings.color_depth = depth  # the last is the deepest
            before = settings_of(scene)
            export(scene, Path(folder) / f"{media} {name}")
            answer[f"{media} {name}"] = differences(before, settings_of(scene))
    return answer


def choices(settings: bpy.types.ImageFormatSettings, name: str) -> list[str]:
    """What a property takes: Blender names the choices when it refuses another one."""
    try:
        setattr(settings, name, "?")
    except TypeError as error:
        return re.findall(r"'([A-Z0-9_]+)'", str(error).partition("not found in")[2])
    return []


def modes(folder: str) -> dict[str, Any]:
    """Export while a Grease Pencil object is drawn, edited, painted: by mode, what differs from an export in Object
    Mode, what differs in the scene afterwards, and the mode afterwards."""
    scene = shot()
    item = scene.objects["Boy"]
    bpy.context.view_layer.objects.active = item
    wanted = export(scene, Path(folder) / "OBJECT", range(1, 4))
    answer: dict[str, Any] = {}
    for mode in [one.identifier for one in item.bl_rna.properties["mode"].enum_items]:
        try:
            bpy.ops.object.mode_set(mode=mode)
        except (TypeError, RuntimeError):  # not a mode of such objects
            continue
        before = settings_of(scene)
        given = export(scene, Path(folder) / mode, range(1, 4))
        answer[mode] = [
            [name for name in ("drawings", "keyframes") if given[name] != wanted[name]],
            differences(before, settings_of(scene)),
            item.mode,
        ]
        bpy.ops.object.mode_set(mode="OBJECT")
    return answer


def save_result(scene: bpy.types.Scene, path: Path) -> None:
    """Save what was rendered last."""
    render = scene.render
    before = (render.use_multiview, render.image_settings.file_format)
    render.use_multiview, render.image_settings.file_format = False, "PNG"
    bpy.data.images["Render Result"].save_render(str(path), scene=scene)
    render.use_multiview, render.image_settings.file_format = before


def reset_lineart(scene: bpy.types.Scene) -> None:
    lineart = scene.longanimation.lineart
    for item in lineart.bl_rna.properties:
        if not item.is_readonly:
            lineart.property_unset(item.identifier)


def held(folder: str) -> dict[str, Any]:
    """How many images are rendered of eight frames on twos: of a still scene, and of ones in which something moves."""
    home = Path(folder)
    rendered: list[int] = []
    count = bpy.app.handlers.persistent(lambda scene, *_: rendered.append(scene.frame_current))
    bpy.app.handlers.render_post.append(count)
    answer: dict[str, Any] = {}

    def note(name: str, scene: bpy.types.Scene) -> None:
        rendered.clear()
        manifest = export(scene, home / name, range(1, 9))
        answer[name] = {"rendered": len(rendered), "manifest": manifest}

    note("still", shot())
    scene = shot()
    scene.camera.keyframe_insert("location", frame=1)
    note("animated", scene)
    scene = shot()
    scene.camera.driver_add("location", 0).driver.expression = "4.8 + frame / 100"
    note("driven", scene)
    scene = shot()
    pencil = bpy.data.objects["Girl"]
    old = pencil.type == "GPENCIL"
    modifiers = pencil.grease_pencil_modifiers if old else pencil.modifiers
    modifiers.new("Noise", "GP_NOISE" if old else "GREASE_PENCIL_NOISE").step = 1
    note("noise", scene)
    scene = shot()
    bpy.app.handlers.frame_change_pre.append(_move_girl)
    note("handler", scene)
    bpy.app.handlers.frame_change_pre.remove(_move_girl)
    return answer


def _move_girl(scene: bpy.types.Scene, *_: Any) -> None:
    bpy.data.objects["Girl"].location.x = scene.frame_current / 10


def preview(folder: str) -> dict[str, Any]:
    """Preview frames 3 and 41; tells about the image and what else has changed."""
    scene = shot()
    before = settings_of(scene)
    answer: dict[str, Any] = {}
    for frame in (3, 41):
        scene.frame_set(frame)
        bpy.ops.longanimation.preview_lineart()
        image = bpy.data.images["Line Art Preview"]
        (Path(folder) / f"{frame}.png").write_bytes(image.packed_file.data)
    scene.frame_set(int(before["frame"].split()[0]))
    answer["size"], answer["packed"] = list(image.size), bool(image.packed_file)
    bpy.data.images.remove(image)
    answer["differences"] = differences(before, settings_of(scene))
    scene.longanimation.lineart.source = "freestyle"
    try:
        bpy.ops.longanimation.preview_lineart()
    except RuntimeError as error:
        answer["message"] = str(error)
    return answer


def odd_names(folder: str) -> list[str]:
    """Export into folders with odd names, of a scene with an odd name; returns the names of those that are complete."""
    scene = shot()
    scene.name = 'Nuit #3 {blend} %d "☃"'
    complete = []
    for name in ("a#b##", "a{blend_name}b", "50%d", "nuit d'été ☃", "{{", " spaced "):
        export(scene, Path(folder) / name)
        if sorted(path.name for path in (Path(folder) / name).iterdir()) == ["keyframes", "lineart", "take.json"]:
            complete.append(name)
    return complete


def bad(folder: str) -> dict[str, Any]:
    """The message for each kind of line art that cannot be exported, and what an export left in its folder."""
    home = Path(folder)
    scene = pencil_scene()
    target = home / "take"

    def message(frames: range = range(1, 5), where: Path = target, **lineart: Any) -> str:
        text = message_of(lambda: finish(begin(scene, where, frames, **lineart)))
        reset_lineart(scene)
        return text

    answers = {
        "no line art modifier": message(source="line_art"),
        "freestyle is off": message(source="freestyle"),
        "no images": message(source="images"),
        "step": message(step=9),
        "empty collection": message(collection=bpy.data.collections["Empty"]),
    }
    set_roles(scene, Lines="none", Fills="fills", Notes="none")
    answers["no layer"] = message_of(lambda: finish(begin(scene, target)))
    set_roles(scene, Lines="lines")
    scene.render.use_freestyle = True
    for lines in list(scene.view_layers[0].freestyle_settings.linesets):
        scene.view_layers[0].freestyle_settings.linesets.remove(lines)
    answers["no line set"] = message(source="freestyle")
    scene.render.use_freestyle = False
    scene.view_layers[0].use = False
    answers["no view layer"] = message(source="mixed")
    scene.view_layers[0].use = True
    (home / "file").write_text("")
    answers["folder"] = message(where=home / "file" / "take")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))
    answers["disk full"] = message()
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    answers["left"] = [str(path) for path in target.rglob("*")]
    return answers
