# SPDX-License-Identifier: GPL-3.0-or-later
"""What line art is made from, and what of a scene belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import bpy

from .. import compat
from ..errors import ShotError
from ..sentence import Sentence

Source = Literal["auto", "pencil", "line_art", "freestyle", "images", "mixed"]
Role = Literal["lines", "fills", "none"]

_GEOMETRY = {"MESH", "CURVE", "SURFACE", "FONT", "META", "CURVES", "POINTCLOUD", "VOLUME", "GREASEPENCIL", "GPENCIL"}


@dataclass(frozen=True)
class LineArtOptions:
    """How line art is made.

    source: "pencil" is every Grease Pencil object, "line_art" those with a Line Art modifier, "freestyle" the lines of
    Freestyle, "images" files that are there already, "mixed" all of the scene; "auto" is the first of them that the
    scene has. images: path of one file of the sequence, or of its folder. collection: only its objects.
    roles: what the layers of a name hold: lines, fills, which hide the lines behind them, or neither; lines when it is
    not said. fills_by: layers or materials with the index `fill_pass` hold fills, too. camera: None for the scene's.
    percentage: of the scene's resolution, or of the images'; 0 for the scene's own, or all of the images'.
    step: frames from one drawing to the next. keep_colors: lines keep their colors; else they are black.
    """

    source: Source = "auto"
    images: str = ""
    collection: bpy.types.Collection | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)
    fills_by: Literal["none", "layer", "material"] = "none"
    fill_pass: int = 0
    camera: bpy.types.Object | None = None
    percentage: int = 0
    step: int = 1
    keep_colors: bool = False

    def role_of(self, layer: bpy.types.GreasePencilLayer) -> Role:
        """What a Grease Pencil layer holds."""
        if self.fills_by == "layer" and layer.pass_index == self.fill_pass:
            return "fills"
        return self.roles.get(layer_name(layer), "lines")

    def drawn_at(self, frame: int, first: int) -> int:
        """The frame whose drawing is shown at `frame` of a shot that begins at `first`."""
        return frame - (frame - first) % self.step


def layer_name(layer: bpy.types.GreasePencilLayer) -> str:
    """What the animator calls a layer."""
    return layer.info if hasattr(layer, "info") else layer.name


def source_of(scene: bpy.types.Scene, options: LineArtOptions) -> Source:
    """The source that "auto" stands for in this scene. Raises ShotError, with what to do, when there is no line art."""
    if not any(layer.use for layer in scene.view_layers):
        raise ShotError(Sentence("No view layer of the scene renders: switch one on in the View Layer properties."))
    pencils = pencils_of(scene, options)
    drawn = [item for item in pencils if not has_line_art(item)]
    found: dict[Source, bool] = {
        "pencil": bool(drawn),
        "line_art": len(drawn) < len(pencils),
        "freestyle": scene.render.use_freestyle,
        "images": bool(options.images),
    }
    source = options.source
    if source == "auto":
        source = next((name for name, there in found.items() if there), source)
    within = Sentence(" in the collection {name}", name=repr(options.collection.name)) if options.collection else ""
    if source == "auto":
        raise ShotError(
            Sentence(
                "The scene has no line art{within}, such as a Grease Pencil object that renders: draw the shot with "
                "Grease Pencil, enable the object in renders, use Line Art or Freestyle, or choose an image sequence.",
                within=within,
            )
        )
    if source == "pencil" and not pencils:
        raise ShotError(
            Sentence(
                "The scene has no Grease Pencil object that renders{within}: draw the shot with Grease Pencil, enable "
                "the object in renders, or choose another source of line art.",
                within=within,
            )
        )
    if source == "line_art" and not found["line_art"]:
        raise ShotError(
            Sentence(
                "The scene has no Line Art modifier that renders{within}: add one (Add › Grease Pencil › Scene Line "
                "Art), or choose another source of line art.",
                within=within,
            )
        )
    if source in ("pencil", "line_art") and not _has_line_layer(pencils, options):
        raise ShotError(
            Sentence(
                "No layer is left for the line art: set at least one of its layers to Lines, "
                "and check that no layer of lines is hidden."
            )
        )
    return source


def pencils_of(scene: bpy.types.Scene, options: LineArtOptions) -> list[bpy.types.Object]:
    """The Grease Pencil objects that a render of the scene shows, as far as they are chosen."""
    return [item for item in chosen(scene, options) if compat.is_grease_pencil(item)]


def chosen(scene: bpy.types.Scene, options: LineArtOptions) -> list[bpy.types.Object]:
    """The objects that a render of the scene shows, as far as they are chosen; those of instanced collections, too."""
    among = None if options.collection is None else set(options.collection.all_objects)
    return list(_with_instances(item for item in rendered(scene) if among is None or item in among))


def left_out(scene: bpy.types.Scene, options: LineArtOptions) -> list[bpy.types.Object]:
    """The objects of the scene that would be seen but are not chosen."""
    if options.collection is None:
        return []
    among = set(options.collection.all_objects)
    return [
        item
        for item in rendered(scene)
        if item not in among and (item.type in _GEOMETRY or item.instance_type != "NONE")
    ]


def rendered(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The objects of the scene that render in one of its view layers."""
    shown = {
        item: None
        for layer in scene.view_layers
        if layer.use
        for item in _shown_by(layer.layer_collection)
        if not item.hide_render
    }
    return list(shown)


def has_line_art(item: bpy.types.Object) -> bool:
    """Tell whether a Grease Pencil object draws lines of meshes with a Line Art modifier."""
    return any(one.show_render for one in line_art_modifiers(item))


def line_art_modifiers(item: bpy.types.Object) -> list[bpy.types.Modifier]:
    """The Line Art modifiers of a Grease Pencil object."""
    return [one for one in compat.pencil_modifiers(item) if one.type in {"LINEART", "GP_LINEART"}]


def _shown_by(branch: bpy.types.LayerCollection) -> Iterator[bpy.types.Object]:
    if branch.exclude or branch.collection.hide_render:
        return
    yield from branch.collection.objects
    for child in branch.children:
        yield from _shown_by(child)


def _with_instances(items: Iterator[bpy.types.Object]) -> dict[bpy.types.Object, None]:
    """The objects, and those of the collections that they are instances of, each once."""
    found: dict[bpy.types.Object, None] = {}
    waiting = list(items)
    while waiting:
        item = waiting.pop(0)
        if item in found:
            continue
        found[item] = None
        if item.instance_type == "COLLECTION" and item.instance_collection:
            waiting.extend(one for one in item.instance_collection.all_objects if not one.hide_render)
    return found


def _has_line_layer(pencils: list[bpy.types.Object], options: LineArtOptions) -> bool:
    return any(not layer.hide and options.role_of(layer) == "lines" for item in pencils for layer in item.data.layers)
