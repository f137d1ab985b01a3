# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows Grease Pencil objects as lines with white fills, which still hide the lines behind them.

Fills that are drawn content, such as pupils, stay as drawn. Fills that do not hide what is behind them, such as
shadows, are left out: white, they would bleach the lines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import bpy

from .. import compat
from .changes import Changes
from .lineless_fills import drawn_materials, paint_layers
from .resolved_shot import ResolvedShot
from .scene_objects import layer_name

WHITE = (1.0, 1.0, 1.0)
_BLACK = (0.0, 0.0, 0.0)
_TRACE = (1.0, 0.0, 1.0)
"""TRACE_COLOR, in channels that are alike in every color space."""
_SOFT = {"FX_BLUR", "FX_COLORIZE", "FX_GLOW", "FX_PIXEL", "FX_RIM", "FX_SHADOW"}
"""Effects that keep lines from being crisp and dark."""


@contextmanager
def as_line_art(items: Collection[bpy.types.Object], shot: ResolvedShot, changes: Changes) -> Iterator[None]:
    """Within the block, Grease Pencil objects show only their lines and what else is drawn content."""
    paint = {item: paint_layers(item, shot) for item in items}
    drawn = {item: drawn_materials(item, shot, paint[item]) for item in items}
    added: list[tuple[bpy.types.Object, bpy.types.Modifier]] = []
    try:
        for material in {slot.material for item in items for slot in item.material_slots}:
            if material and material.grease_pencil:
                keeps_fill = any(material in materials for materials in drawn.values())
                _recolor(material.grease_pencil, shot, keeps_fill, changes)
        for item in items:
            for modifier in _show_lines(item, shot, paint[item], drawn[item], changes):
                added.append((item, modifier))  # those that were added before an error are removed, too
        yield
    finally:
        for item, modifier in added:
            compat.pencil_modifiers(item).remove(modifier)


def _show_lines(
    item: bpy.types.Object,
    shot: ResolvedShot,
    paint: frozenset[str],
    drawn: frozenset[bpy.types.Material],
    changes: Changes,
) -> Iterator[bpy.types.Modifier]:
    """Show only the lines of an object. Yields the modifiers that it adds.

    paint: names of the layers of paint, besides those with the role. drawn: materials whose fills are drawn content.
    """
    for effect in item.shader_effects:
        if effect.type in _SOFT:
            changes.set(effect, show_render=False)
    # Tint modifiers also recolor strokes that are painted with their own colors.
    if drawn:
        for material in {slot.material for slot in item.material_slots} - drawn - {None}:
            yield compat.add_tint(item, "FILL", WHITE, material=material)
    else:
        yield compat.add_tint(item, "FILL", WHITE)
    fill_pass = shot.roles.material_pass
    if not shot.keep_colors:
        yield compat.add_tint(item, "STROKE", _BLACK, material_pass=fill_pass, others=True)
    if fill_pass:
        yield compat.add_tint(item, "BOTH", WHITE, material_pass=fill_pass)
    if shot.roles.trace_pass:
        yield compat.add_tint(item, "STROKE", _TRACE, material_pass=shot.roles.trace_pass)
    for layer in item.data.layers:
        role = "fills" if layer_name(layer) in paint else shot.roles.of(layer)
        changes.set(layer, use_lights=False)
        if layer.tint_factor:
            changes.set(layer, tint_factor=0.0)
        is_opaque = layer.opacity == 1.0 and layer.blend_mode == "REGULAR"
        if role == "none" or (role == "fills" and not is_opaque):
            changes.set(layer, hide=True)
        elif role == "fills":
            yield compat.add_tint(item, "FILL", WHITE, layer=layer_name(layer))
            yield compat.hide_kind(item, "STROKE", layer_name(layer))  # translucent strokes would bleach lines
        elif role == "traces":
            yield compat.add_tint(item, "STROKE", _TRACE, layer=layer_name(layer))
            yield compat.hide_kind(item, "FILL", layer_name(layer))
        elif not is_opaque:
            yield compat.hide_kind(item, "FILL", layer_name(layer))


def _recolor(paint: bpy.types.MaterialGPencilStyle, shot: ResolvedShot, keeps_fill: bool, changes: Changes) -> None:
    """Make fills white, unless they are kept, and lines black, unless they keep their colors."""
    fill_pass = shot.roles.material_pass
    if not keeps_fill:
        changes.set(paint, fill_style="SOLID", fill_color=(*WHITE, float(paint.fill_color[3] == 1)))
    if fill_pass and paint.pass_index == fill_pass:
        changes.set(paint, color=(*WHITE, paint.color[3]))
    elif not shot.keep_colors:
        # A textured line keeps only the texture's shape.
        changes.set(paint, color=(*_BLACK, paint.color[3]), mix_stroke_factor=1.0)
