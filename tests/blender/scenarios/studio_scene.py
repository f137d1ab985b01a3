# SPDX-License-Identifier: GPL-3.0-or-later
"""A shot as studios have it: drawn figures before scenery of meshes with textures, a moving camera, and AgX."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from server.demo.in_blender import scene as cartoon_scene

FIRST, LAST = 101, 148
"""The shot's frames."""

SKY = (159, 208, 234)
"""Color of the sky, a plane that emits light, in sRGB."""


def studio_shot(engine: str = "CYCLES", view: str = "AgX") -> bpy.types.Scene:
    """The demo's girl and boy, on twos, before its drawn hills, a plane as sky and one with a picture as moon.

    The camera pans and zooms. A colored world shows where nothing else is.
    """
    scene = cartoon_scene.build()
    scene.name = "sc030"
    scene.frame_start, scene.frame_end = FIRST, LAST
    scene.render.resolution_x, scene.render.resolution_y = 240, 135
    scene.render.engine = engine
    scene.view_settings.view_transform = view
    if engine == "CYCLES":
        scene.cycles.samples = 4
        scene.cycles.use_denoising = False
        scene.cycles.device = "CPU"
    _set_world(scene)
    bpy.data.materials["sky"].grease_pencil.hide = True
    for name in ("Background", "Girl", "Boy"):
        _move_keys(bpy.data.objects[name].data.layers[0], FIRST - 1)
    _plane("Sky", (4.8, 3.0, 3.9), (9.6, 3.0), _emission("Sky", SKY))
    _plane("Moon", (2.0, 2.5, 4.5), (1.2, 1.2), _emission("Moon", (255, 255, 255), _moon()))
    camera = scene.camera
    for frame, x, scale in ((FIRST, 4.8, 9.6), (LAST, 5.4, 8.6)):
        camera.location.x, camera.data.ortho_scale = x, scale
        camera.keyframe_insert("location", frame=frame)
        camera.data.keyframe_insert("ortho_scale", frame=frame)
    scene.frame_set(125)
    return scene


def _set_world(scene: bpy.types.Scene) -> None:
    world = bpy.data.worlds.new("Dusk")
    world.use_nodes = True
    color = (0.25, 0.1, 0.3)
    world.color = color
    background = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (*color, 1.0)
    scene.world = world


def _move_keys(layer: Any, by: int) -> None:
    for number in sorted((key.frame_number for key in layer.frames), reverse=True):
        if bpy.app.version >= (4, 3):
            layer.frames.move(number, number + by)
        else:
            next(key for key in layer.frames if key.frame_number == number).frame_number = number + by


def _plane(
    name: str, place: tuple[float, float, float], size: tuple[float, float], material: bpy.types.Material
) -> None:
    mesh = bpy.data.meshes.new(name)
    width, height = (value / 2 for value in size)
    mesh.from_pydata(
        [(-width, 0, -height), (width, 0, -height), (width, 0, height), (-width, 0, height)], [], [range(4)]
    )
    corners = mesh.uv_layers.new().data
    for corner, place_in_image in zip(corners, ((0, 0), (1, 0), (1, 1), (0, 1)), strict=True):
        corner.uv = place_in_image
    mesh.materials.append(material)
    item = bpy.data.objects.new(name, mesh)
    item.location = place
    bpy.context.scene.collection.objects.link(item)


def _emission(name: str, color: tuple[int, int, int], image: bpy.types.Image | None = None) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    light, output = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    light.inputs["Color"].default_value = (*(cartoon_scene._linear(value / 255) for value in color), 1.0)
    tree.links.new(light.outputs[0], output.inputs["Surface"])
    if image is not None:
        texture = tree.nodes.new("ShaderNodeTexImage")
        texture.image = image
        tree.links.new(texture.outputs["Color"], light.inputs["Color"])
    return material


def _moon() -> bpy.types.Image:
    """A picture of sixteen squares of different colors."""
    image = bpy.data.images.new("moon", 64, 64)
    random = np.random.default_rng(3).random((4, 4, 3), np.float32).repeat(16, axis=0).repeat(16, axis=1)
    image.pixels.foreach_set(np.concatenate([random, np.ones((64, 64, 1), np.float32)], axis=2).ravel())
    image.pack()
    return image
