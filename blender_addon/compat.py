# SPDX-License-Identifier: GPL-3.0-or-later
"""All differences between Blender 4.2 and 5.2 that affect the extension."""

import contextlib
from collections.abc import Iterator, Sequence

import bpy
import numpy as np

BLEND_RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
"""Options of a path property that may begin with //; before 4.5 every path property could."""

_FILL = "brushes/essentials_brushes-mesh_texture.blend/Brush/Fill"
"""The brush that fills, among Blender's own assets."""


def strips_of(holder: "bpy.types.SequenceEditor | bpy.types.MetaStrip") -> "bpy.types.bpy_prop_collection":
    """The top-level strips of an editor, or those of a meta strip (`sequences` before 4.4)."""
    return holder.strips if hasattr(holder, "strips") else holder.sequences


def all_strips_of(editor: "bpy.types.SequenceEditor") -> "bpy.types.bpy_prop_collection":
    """The editor's strips, including those in meta strips (`sequences_all` before 4.4)."""
    return editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all


def set_length(strip: "bpy.types.Strip", frames: int) -> None:
    """Make a strip end `frames` frames after its start: a meta strip does not grow with its content."""
    if hasattr(strip, "right_handle"):
        strip.right_handle = strip.left_handle + frames
    else:
        strip.frame_final_end = strip.frame_final_start + frames


def strip_range(strip: "bpy.types.Strip") -> range:
    """The frames a strip covers. Since 5.1 `left_handle` and `duration` replace the `frame_final_…` names."""
    if hasattr(strip, "left_handle"):
        return range(int(strip.left_handle), int(strip.left_handle + strip.duration))
    return range(strip.frame_final_start, strip.frame_final_end)


def content_start(strip: "bpy.types.Strip") -> int:
    """The frame at which a strip's content would begin if nothing were cut off (`frame_start` before 5.1)."""
    return int(strip.content_start if hasattr(strip, "content_start") else strip.frame_start)


def sequencer_scene(context: "bpy.types.Context") -> "bpy.types.Scene":
    """The scene whose strips the Sequencer edits: since 5.0 the workspace may choose another one."""
    workspace = context.workspace
    return getattr(workspace, "sequencer_scene", None) or context.scene


def timeline(context: "bpy.types.Context") -> "bpy.types.Scene":
    """The scene whose frames the current editor shows."""
    in_sequencer = context.area is not None and context.area.type == "SEQUENCE_EDITOR"
    return sequencer_scene(context) if in_sequencer else context.scene


def show_in_sequencer(scene: "bpy.types.Scene", workspace: "bpy.types.WorkSpace | None" = None) -> None:
    """Show a scene in the Sequencer of a workspace; without a workspace, in every Sequencer that shows no scene.

    Since 5.0 a Sequencer shows no scene until one is chosen. Before, it shows the window's scene.
    """
    for one in [workspace] if workspace else bpy.data.workspaces:
        if hasattr(one, "sequencer_scene") and (workspace or one.sequencer_scene is None):
            one.sequencer_scene = scene


def is_grease_pencil(item: "bpy.types.Object") -> bool:
    """Tell whether an object is Grease Pencil (the type was GPENCIL before 4.3)."""
    return item.type in {"GREASEPENCIL", "GPENCIL"}


def pencil_modifiers(item: "bpy.types.Object") -> "bpy.types.bpy_prop_collection":
    """The modifiers of a Grease Pencil object; before 4.3 they were a separate kind."""
    return item.grease_pencil_modifiers if item.type == "GPENCIL" else item.modifiers


def add_tint(
    item: "bpy.types.Object",
    mode: str,
    color: tuple[float, float, float],
    layer: str = "",
    material: "bpy.types.Material | None" = None,
    material_pass: int = 0,
    others: bool = False,
) -> "bpy.types.Modifier":
    """Add a Tint modifier that recolors the lines ("STROKE"), the fills ("FILL") or "BOTH" of a Grease Pencil object.

    layer, material: recolor only this layer, only this material. material_pass: recolor only materials with this pass
    index, or, if `others`, only the other materials.
    """
    if item.type == "GPENCIL":
        modifier = item.grease_pencil_modifiers.new("LongAnimation", "GP_TINT")
        modifier.vertex_mode = mode
        modifier.layer, modifier.material = layer, material
        modifier.pass_index, modifier.invert_material_pass = material_pass, others
    else:
        modifier = item.modifiers.new("LongAnimation", "GREASE_PENCIL_TINT")
        modifier.color_mode = mode
        setattr(modifier, "layer_filter" if hasattr(modifier, "layer_filter") else "tree_node_filter", layer)
        modifier.material_filter = material
        modifier.use_material_pass_filter = bool(material_pass)
        modifier.material_pass_filter, modifier.invert_material_pass_filter = material_pass, others
    modifier.color = color
    modifier.factor = 1.0
    return modifier


def hide_kind(item: "bpy.types.Object", mode: str, layer: str) -> "bpy.types.Modifier":
    """Add an Opacity modifier that hides the lines ("STROKE") or the fills ("FILL") of a layer of an object."""
    if item.type == "GPENCIL":
        modifier = item.grease_pencil_modifiers.new("LongAnimation", "GP_OPACITY")
        modifier.modify_color, modifier.layer, modifier.factor = mode, layer, 0.0
    else:
        modifier = item.modifiers.new("LongAnimation", "GREASE_PENCIL_OPACITY")
        modifier.color_mode, modifier.color_factor = mode, 0.0
        setattr(modifier, "layer_filter" if hasattr(modifier, "layer_filter") else "tree_node_filter", layer)
    return modifier


def key_at(layer: "bpy.types.GreasePencilLayer", frame: int) -> int | None:
    """The frame of the key whose drawing a Grease Pencil layer shows at a frame; None when it shows none."""
    if hasattr(layer, "get_frame_at"):
        shown = layer.get_frame_at(frame)
        return None if shown is None else shown.frame_number
    return max((key.frame_number for key in layer.frames if key.frame_number <= frame), default=None)


def strokes_of(
    key: "bpy.types.GreasePencilFrame", materials: "list[bpy.types.Material | None]"
) -> list[tuple[int, bool, bool]]:
    """The strokes of a drawing in their order: the index of their material, and whether they show a line and a fill.

    Before 5.2 their material says what they show, and since then each stroke itself.
    """
    if not hasattr(key, "drawing"):
        indices = np.zeros(len(key.strokes), np.int32)
        key.strokes.foreach_get("material_index", indices)
    else:
        indices = _values(key.drawing, "material_index", np.int32)
        if bpy.app.version >= (5, 2, 0):
            lines, fills = ~_values(key.drawing, "hide_stroke", bool), _values(key.drawing, "fill_id", np.int32) > 0
            return list(zip(indices.tolist(), lines.tolist(), fills.tolist(), strict=True))
    styles = [material and material.grease_pencil for material in materials]
    shown = [(bool(style and style.show_stroke), bool(style and style.show_fill)) for style in styles]
    return [(index, *shown[index]) for index in indices.tolist() if index < len(shown)]


HAS_HOLES = bpy.app.version >= (5, 2, 0)
"""Whether a fill may have holes: since 5.2 the strokes that share the number of a fill make it together."""


def new_pencil(name: str) -> "bpy.types.GreasePencil":
    """New Grease Pencil data for an object; 4.3 and 4.5 also have those of 4.2, by the old name."""
    kind = bpy.data.grease_pencils_v3 if hasattr(bpy.data, "grease_pencils_v3") else bpy.data.grease_pencils
    return kind.new(name)


def remove_key(layer: "bpy.types.GreasePencilLayer", frame: int) -> None:
    """Remove the key at a frame of a Grease Pencil layer."""
    if hasattr(layer, "get_frame_at"):
        layer.frames.remove(frame)
    else:
        layer.frames.remove(next(key for key in layer.frames if key.frame_number == frame))


def write_fills(key: "bpy.types.GreasePencilFrame", fills: list[tuple[int, tuple[np.ndarray, ...]]]) -> None:
    """Draw fills into an empty key, from the lowest to the uppermost: the index of each one's material, and its closed
    polygons, float32 [P, 3], the first of which is the outline and the others are holes.

    Their lines do not show, even if the material has lines. Raises ValueError if there are holes and not HAS_HOLES.
    """
    if not HAS_HOLES and any(len(polygons) > 1 for _, polygons in fills):
        raise ValueError("this Blender's fills have no holes: bridge them")
    if not hasattr(key, "drawing"):
        for material, (outline,) in fills:
            stroke = key.strokes.new()
            stroke.points.add(len(outline), pressure=0.0, strength=0.0)
            stroke.points.foreach_set("co", outline.ravel())
            stroke.use_cyclic, stroke.material_index = True, material
            stroke.points.update()
        return
    polygons = [polygon for _, several in fills for polygon in several]
    if not polygons:
        return
    counts = [len(several) for _, several in fills]
    drawing = key.drawing
    drawing.add_strokes([len(polygon) for polygon in polygons])
    drawing.attributes["position"].data.foreach_set("vector", np.concatenate(polygons).ravel())
    points = sum(map(len, polygons))
    _set_values(drawing, "opacity", "FLOAT", "POINT", np.zeros(points, np.float32))
    _set_values(drawing, "radius", "FLOAT", "POINT", np.zeros(points, np.float32))
    _set_values(drawing, "cyclic", "BOOLEAN", "CURVE", np.ones(len(polygons), bool))
    materials = np.repeat(np.array([material for material, _ in fills], np.int32), counts)
    _set_values(drawing, "material_index", "INT", "CURVE", materials)
    if HAS_HOLES:
        _set_values(drawing, "hide_stroke", "BOOLEAN", "CURVE", np.ones(len(polygons), bool))
        numbers = np.repeat(np.arange(1, len(fills) + 1, dtype=np.int32), counts)
        _set_values(drawing, "fill_id", "INT", "CURVE", numbers)
    drawing.tag_positions_changed()


def _set_values(
    drawing: "bpy.types.GreasePencilDrawing", name: str, kind: str, domain: str, values: np.ndarray
) -> None:
    attribute = drawing.attributes.get(name) or drawing.attributes.new(name, kind, domain)
    attribute.data.foreach_set("value", values)


def _values(drawing: "bpy.types.GreasePencilDrawing", name: str, kind: type) -> np.ndarray:
    """The values of an attribute of a drawing's strokes; 0 or False if the drawing does not have it."""
    attribute = drawing.attributes.get(name)
    values: np.ndarray = np.zeros(len(drawing.curve_offsets) - 1, kind)
    if attribute is not None:
        attribute.data.foreach_get("value", values)
    return values


def curves_of(block: "bpy.types.ID | None") -> "Iterator[bpy.types.FCurve]":
    """Everything that animates or drives a datablock; since 4.4 an action has a set of curves for each of its slots."""
    animation = getattr(block, "animation_data", None)
    if animation is None:
        return
    yield from animation.drivers
    strips = [strip for track in animation.nla_tracks for strip in track.strips]
    for user in (animation, *strips):
        if user.action is None:
            continue
        if not hasattr(user.action, "layers"):
            yield from user.action.fcurves
            continue
        for bag in (bag for layer in user.action.layers for strip in layer.strips for bag in strip.channelbags):
            if user.action_slot is not None and bag.slot_handle == user.action_slot.handle:
                yield from bag.fcurves


def paint_color(color: tuple[int, int, int]) -> tuple[float, float, float]:
    """A color, sRGB 0 to 255, as a palette or a brush stores it: since 5.0 in linear light."""
    if bpy.app.version < (5, 0, 0):
        red, green, blue = (value / 255 for value in color)
        return red, green, blue
    return linear_color(color)


def painted_color(stored: "Sequence[float]") -> tuple[int, int, int]:
    """The color, sRGB 0 to 255, that a palette stores: the inverse of `paint_color`."""
    has_levels = bpy.app.version < (5, 0, 0)
    red, green, blue = (round(255 * min(max(v, 0.0), 1.0)) if has_levels else srgb_level(v) for v in stored[:3])
    return red, green, blue


def brush_color(scene: "bpy.types.Scene") -> tuple[int, int, int]:
    """The color, sRGB 0 to 255, that texture painting paints with."""
    paint = scene.tool_settings.image_paint
    unified = getattr(paint, "unified_paint_settings", None) or scene.tool_settings.unified_paint_settings
    return painted_color((unified if unified.use_unified_color or paint.brush is None else paint.brush).color)


def linear_color(color: tuple[int, int, int]) -> tuple[float, float, float]:
    """A color, sRGB 0 to 255, in linear light."""
    red, green, blue = (linear(value / 255) for value in color)
    return red, green, blue


def srgb_level(value: float) -> int:
    """A channel in linear light as sRGB, 0 to 255."""
    value = min(max(value, 0.0), 1.0)
    return round(255 * (12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055))


def linear(value: float) -> float:
    """A value of sRGB, 0 to 1, in linear light."""
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def allows_override(has_threads: bool) -> bool:
    """Tell whether a context may be overridden: Blender up to 5.0 reads such a context without Python's lock, and
    crashes while Python threads run."""
    return bpy.app.version >= (5, 1, 0) or not has_threads


def take_fill_brush(context: "bpy.types.Context", area: "bpy.types.Area") -> None:
    """Take the brush that fills, in an Image Editor in paint mode; since 4.3 brushes are assets of Blender's own.

    Nothing happens if Blender's assets are not installed.
    """
    paint = context.scene.tool_settings.image_paint
    if bpy.app.version < (4, 3, 0):
        paint.brush = bpy.data.brushes.get("Fill", paint.brush)
        return
    region = next(one for one in area.regions if one.type == "WINDOW")
    window = next(one for one in context.window_manager.windows if area in [*one.screen.areas])
    with contextlib.suppress(RuntimeError), context.temp_override(window=window, area=area, region=region):
        bpy.ops.brush.asset_activate(asset_library_type="ESSENTIALS", relative_asset_identifier=_FILL)


def is_composited(scene: "bpy.types.Scene") -> bool:
    """Tell whether the compositor's nodes make the picture that the scene renders."""
    return scene.render.use_compositing and _compositor(scene) is not None


def compositor_nodes(scene: "bpy.types.Scene") -> "Iterator[bpy.types.Node]":
    """The nodes of the scene's compositor, including those in groups."""
    trees = [_compositor(scene)]
    for tree in trees:
        for node in tree.nodes if tree else ():
            yield node
            if node.type == "GROUP" and node.node_tree not in trees:
                trees.append(node.node_tree)


def _compositor(scene: "bpy.types.Scene") -> "bpy.types.NodeTree | None":
    """The compositor's node tree (`node_tree` before 5.0), None if the scene uses none."""
    if hasattr(scene, "compositing_node_group"):
        return scene.compositing_node_group
    return scene.node_tree if scene.use_nodes else None


def color_world(world: "bpy.types.World", color: tuple[float, float, float]) -> None:
    """Make a new world have one color in Workbench and Cycles; since 5.0 it has nodes from the start."""
    world.color = color
    for node in world.node_tree.nodes if world.node_tree else ():
        if node.type == "BACKGROUND":
            node.inputs["Color"].default_value = (*color, 1.0)


def world_color(world: "bpy.types.World | None") -> tuple[float, float, float] | None:
    """The only color of a world as EEVEE and Cycles render it, in linear light; None if it may have several."""
    if world is None:
        return 0.0, 0.0, 0.0
    if not world.use_nodes or world.node_tree is None:
        return tuple(world.color)
    output = world.node_tree.get_output_node("ALL")
    links = [*output.inputs["Surface"].links, *output.inputs["Volume"].links] if output else []
    background = links[0].from_node if len(links) == 1 else None
    if background is None or background.type != "BACKGROUND" or any(one.is_linked for one in background.inputs):
        return None
    color, strength = (background.inputs[name].default_value for name in ("Color", "Strength"))
    return tuple(strength * value for value in color[:3])


def literal_path(path: str) -> str:
    """A path for the render settings: since 4.5 braces in it stand for variables unless they are doubled."""
    return path.replace("{", "{{").replace("}", "}}") if bpy.app.version >= (4, 5) else path


def optional(owner: object, **values: object) -> dict[str, object]:
    """Those of `values` that `owner` has in this Blender: for settings that were added or removed between versions."""
    return {name: value for name, value in values.items() if hasattr(owner, name)}
