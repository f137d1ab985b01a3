# SPDX-License-Identifier: GPL-3.0-or-later
"""Small scenes for line art: of Grease Pencil layers, of meshes, and one in which every setting is odd."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from benchmarks.blender.stage import strips_of

from .stage import odd_shot

WIDTH, HEIGHT, UNIT = 200, 100, 50
"""Size of `pencil_scene` in pixels, and of a Blender unit in it."""

Points = list[tuple[float, float]]


def square(x: float, z: float, half: float) -> Points:
    return [(x - half, z - half), (x + half, z - half), (x + half, z + half), (x - half, z + half)]


def pencil_scene() -> bpy.types.Scene:
    """A figure in front of a line, and a note.

    From the left: a square drawn with black lines, one that is filled and outlined with red, across whose middle a line
    passes behind, and one with pale lines. Above them is a blue note. Each kind has a layer of its own.
    """
    scene = _empty_scene()
    materials = {
        "black": _material("black", (0, 0, 0)),
        "pale": _material("pale", (0.9, 0.8, 0.8)),
        "red": _material("red", (1, 0, 0), (1, 0, 0)),
        "blue": _material("blue", (0, 0, 1)),
    }
    materials["red"].grease_pencil.pass_index = 5
    back, front = (bpy.data.collections.new(name) for name in ("Back", "Front"))
    for collection in (back, front, bpy.data.collections.new("Empty")):
        scene.collection.children.link(collection)
    behind = _pencil("Behind", 1.0, materials, back)
    _stroke(behind, "Lines", "black", [(-0.7, 0), (0.7, 0)], False)
    figure = _pencil("Figure", 0.0, materials, front)
    _stroke(figure, "Fills", "red", square(0, 0, 0.4))
    _stroke(figure, "Lines", "black", square(-1.4, 0, 0.4))
    _stroke(figure, "Lines", "pale", square(1.4, 0, 0.4))
    _stroke(figure, "Notes", "blue", [(-1, 0.8), (1, 0.8)], False)
    figure.data.layers["Fills"].pass_index = 3
    return scene


def face_scene(fills: tuple[int, ...] = (1, 2), layer: str = "Art", stroke: bool = False) -> bpy.types.Scene:
    """A head that moves to the right, in two drawings, with a blue pupil without a line.

    The head is filled if the pupil is on its layer, Art. fills: the drawings with the pupil. layer: the layer of the
    pupil; the layer Paint is below Art. stroke: a yellow stroke is drawn on the pupil.
    """
    scene = _empty_scene()
    materials = {
        "head": _material("head", (0, 0, 0), (0.9, 0.6, 0.4)),
        "pupil": _material("pupil", (0, 0, 1), (0, 0, 1)),
        "shine": _material("shine", (1, 1, 0)),
    }
    materials["head"].grease_pencil.show_fill = layer == "Art"
    materials["pupil"].grease_pencil.show_stroke = False
    face = _pencil("Face", 0.0, materials, scene.collection)
    face.data.layers.new("Paint")
    for frame in (1, 2):
        x = -0.5 + 0.5 * (frame - 1)
        outline = square(x, 0, 0.7)
        _stroke(face, "Art", "head", outline if layer == "Art" else [*outline, outline[0]], layer == "Art", frame=frame)
        if frame in fills:
            _stroke(face, layer, "pupil", square(x, 0.2, 0.2), frame=frame, has_line=False)
        if stroke:
            _stroke(face, layer, "shine", [(x - 0.1, 0.2), (x + 0.1, 0.2)], False, frame=frame)
    return scene


def monkey_scene() -> bpy.types.Scene:
    """Blender's own monkey, which moves to the right."""
    scene = _empty_scene()
    add = bpy.ops.object.grease_pencil_add if bpy.app.version >= (4, 3) else bpy.ops.object.gpencil_add
    add(type="MONKEY")
    scene.camera.data.ortho_scale = 5
    for frame, x in ((1, -0.5), (2, 0.5)):
        bpy.context.object.location.x = x
        bpy.context.object.keyframe_insert("location", frame=frame)
    return scene


def add_shadow(layer: str, alpha: float = 1.0) -> bpy.types.GreasePencilLayer:
    """Add a black fill without a stroke, on a layer of its own, over the middle of the figure of `pencil_scene`."""
    figure = bpy.data.objects["Figure"]
    material = _material(layer, (0, 0, 0), (0, 0, 0))
    material.grease_pencil.show_stroke = False
    material.grease_pencil.fill_color = (0, 0, 0, alpha)
    figure.data.materials.append(material)
    _stroke(figure, layer, layer, square(0, 0, 0.95), has_line=False)
    return figure.data.layers[layer]


def mesh_scene() -> bpy.types.Scene:
    """A cube that turns, with Line Art and a line set of Freestyle, and nothing drawn."""
    scene = _empty_scene()
    bpy.ops.mesh.primitive_cube_add(size=1.2)
    cube = bpy.context.object
    cube.name = "Cube"
    for frame, turn in ((1, 0.3), (2, 0.6)):
        cube.rotation_euler = (0.5, 0.2, turn)
        cube.keyframe_insert("rotation_euler", frame=frame)
    add = bpy.ops.object.grease_pencil_add if bpy.app.version >= (4, 3) else bpy.ops.object.gpencil_add
    add(type="LINEART_SCENE")
    bpy.context.object.name = "Lines"
    add_line_set(scene.view_layers[0])
    return scene


def add_line_set(layer: bpy.types.ViewLayer) -> None:
    sets = layer.freestyle_settings.linesets
    lines = sets[0] if len(sets) else sets.new("Lines")
    lines.linestyle = lines.linestyle or bpy.data.linestyles.new("Lines")
    lines.linestyle.color = (0.9, 0.9, 0.2)
    lines.linestyle.color_modifiers.new("Fade", "ALONG_STROKE")


def odd_scene(folder: str) -> bpy.types.Scene:
    """A shot in which everything that an export touches is set to something else, used twice, linked, or animated."""
    scene = odd_shot()
    scene.use_nodes = True
    render = scene.render
    render.use_compositing = render.use_sequencer = render.use_multiview = render.use_motion_blur = True
    render.use_simplify = render.simplify_gpencil = render.use_freestyle = render.use_crop_to_border = True
    render.use_single_layer = True
    render.border_min_x, render.border_max_x = 0.2, 0.7
    render.image_settings.compression = 77
    scene.world = None
    scene.cycles.samples = 33
    scene.sequence_editor_create()
    strips = strips_of(scene)
    make = {"length": 9} if bpy.app.version >= (5, 0) else {"frame_end": 10}
    strips.new_effect("color", "COLOR", 1, frame_start=1, **make).color = (1, 0, 0)
    add_line_set(scene.view_layers[0])
    second = scene.view_layers.new("Second")
    second.use_solid = False
    add_line_set(second)
    scene.view_layers.new("Off").use = False
    _link_and_override(scene, Path(folder) / "library.blend")
    _share_and_hide(scene)
    _animate(scene)
    bpy.ops.mesh.primitive_cube_add(size=1, calc_uvs=False, location=(4.8, 1.5, 2.7), rotation=(0.5, 0.2, 0.3))
    lines = bpy.data.objects["Boy"]
    old = lines.type == "GPENCIL"
    modifiers = lines.grease_pencil_modifiers if old else lines.modifiers
    modifiers.new("Lines", "GP_LINEART" if old else "LINEART").source_type = "SCENE"
    lines.shader_effects.new("Blur", "FX_BLUR")
    render.filepath = str(Path(folder) / "own.png")
    render.use_sequencer = render.use_freestyle = render.use_multiview = False
    bpy.ops.render.render()
    render.use_sequencer = render.use_freestyle = render.use_multiview = True
    image = bpy.data.images.new("drawn", 24, 16)
    image.pixels.foreach_set(np.tile(np.array([0, 0, 0, 1], np.float32), 24 * 16))
    image.file_format = "PNG"
    image.save(filepath=str(Path(folder) / "drawn_1.png"))
    bpy.data.images.remove(image)
    scene.frame_set(4, subframe=0.25)
    bpy.data.objects["Girl"].location.x = 7.5  # posed and not keyed
    bpy.data.objects["Girl"]["mood"] = 3.5
    return scene


def _link_and_override(scene: bpy.types.Scene, library: Path) -> None:
    bpy.data.libraries.write(str(library), {bpy.data.objects["Girl"]}, fake_user=True)
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.objects = ["Girl"]
    linked = wanted.objects[0]
    scene.collection.objects.link(linked)
    overridden = linked.override_create()
    overridden.name = "Overridden"
    scene.collection.objects.link(overridden)


def _share_and_hide(scene: bpy.types.Scene) -> None:
    twin = bpy.data.objects.new("Twin", bpy.data.objects["Background"].data)
    hidden = bpy.data.objects.new("Hidden", bpy.data.objects["Boy"].data)
    hidden.hide_render = hidden.hide_viewport = True
    collections = [bpy.data.collections.new(name) for name in ("Shown", "Excluded", "Not rendered")]
    for collection in collections:
        scene.collection.children.link(collection)
        collection.objects.link(twin)
    collections[2].hide_render = True
    scene.collection.objects.link(hidden)
    for layer in scene.view_layers:
        layer.layer_collection.children["Excluded"].exclude = True


def _animate(scene: bpy.types.Scene) -> None:
    girl = bpy.data.objects["Girl"]
    for frame in (1, 9):
        girl.location.x = frame
        girl.keyframe_insert("location", frame=frame)
        girl["mood"] = float(frame)
        girl.keyframe_insert('["mood"]', frame=frame)
    bpy.data.materials["sky"].grease_pencil.keyframe_insert("fill_color", frame=1)
    scene.view_settings.keyframe_insert("exposure", frame=1)
    girl.driver_add("hide_render").driver.expression = "frame > 99"
    other = scene.camera.copy()
    scene.collection.objects.link(other)
    scene.timeline_markers.new("cut", frame=1).camera = other


def _empty_scene() -> bpy.types.Scene:
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = WIDTH, HEIGHT
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.world = bpy.data.worlds.new("Paper")
    scene.world.color = (1.0, 1.0, 1.0)
    if hasattr(scene.grease_pencil_settings, "aa_samples"):  # since 5.0; with more, thin lines have no black pixel
        scene.grease_pencil_settings.aa_samples = 1
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.type = "ORTHO"
    camera.data.ortho_scale = WIDTH / UNIT
    camera.location, camera.rotation_euler = (0, -9, 0), (math.pi / 2, 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    return scene


def _material(name: str, line: Any, fill: Any = None) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    bpy.data.materials.create_gpencil_data(material)
    paint = material.grease_pencil
    paint.color = (*line, 1)
    paint.show_fill = fill is not None
    if fill is not None:
        paint.fill_color = (*fill, 1)
    return material


def _pencil(
    name: str, depth: float, materials: dict[str, bpy.types.Material], collection: bpy.types.Collection
) -> bpy.types.Object:
    # The collection was renamed twice: 4.3 to 4.5 keep the old kind of data beside the new.
    pencils = bpy.data.grease_pencils_v3 if hasattr(bpy.data, "grease_pencils_v3") else bpy.data.grease_pencils
    item = bpy.data.objects.new(name, pencils.new(name))
    for material in materials.values():
        item.data.materials.append(material)
    item.location.y = depth
    collection.objects.link(item)
    return item


def _stroke(
    item: bpy.types.Object,
    layer_name: str,
    material: str,
    points: Points,
    closed: bool = True,
    frame: int = 1,
    has_line: bool = True,
) -> None:
    """Add a stroke to the drawing of a frame. has_line: whether the material shows lines."""
    layers = item.data.layers
    layer = layers.get(layer_name) or layers.new(layer_name)
    key = next((key for key in layer.frames if key.frame_number == frame), None) or layer.frames.new(frame)
    index = item.data.materials.find(material)
    if hasattr(key, "drawing"):
        key.drawing.add_strokes([len(points)])
        stroke = key.drawing.strokes[-1]
        stroke.cyclic = closed
        stroke.material_index = index
        if hasattr(stroke, "fill_id") and closed:
            stroke.fill_id = len(key.drawing.strokes)  # since 5.2 only strokes with a fill of their own are filled
        if hasattr(stroke, "hide_stroke"):
            stroke.hide_stroke = not has_line  # since 5.2 each stroke says so, and not the material
        for point, (x, z) in zip(stroke.points, points, strict=True):
            point.position, point.radius, point.opacity = (x, 0, z), 0.04, 1.0
        return
    stroke = key.strokes.new()  # Blender 4.2's kind
    stroke.display_mode, stroke.use_cyclic, stroke.material_index, stroke.line_width = "3DSPACE", closed, index, 80
    stroke.points.add(len(points), pressure=1.0, strength=1.0)
    for point, (x, z) in zip(stroke.points, points, strict=True):
        point.co = (x, 0, z)
