# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows Grease Pencil objects as dark lines with white fills, which still hide the lines behind them.

Fills that do not hide what is behind them, such as shadows, are left out: white, they would bleach the lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

from .. import compat
from .changes import Changes
from .options import LayerRoles
from .scene_objects import layer_name

WHITE = (1.0, 1.0, 1.0)
_BLACK = (0.0, 0.0, 0.0)
_SOFT = {"FX_BLUR", "FX_COLORIZE", "FX_GLOW", "FX_PIXEL", "FX_RIM", "FX_SHADOW"}
"""Effects that keep lines from being crisp and dark."""


@contextmanager
def as_line_art(item: bpy.types.Object, roles: LayerRoles, keep_colors: bool, changes: Changes) -> Iterator[None]:
    """Within the block, a Grease Pencil object shows only its lines."""
    fill_pass = roles.material_pass
    for slot in item.material_slots:
        paint = slot.material and slot.material.grease_pencil
        if paint:
            _recolor(paint, fill_pass, keep_colors, changes)
    for effect in item.shader_effects:
        if effect.type in _SOFT:
            changes.set(effect, show_render=False)
    # Tint modifiers also recolor strokes that are painted with their own colors.
    added = [compat.add_tint(item, "FILL", WHITE)]
    if not keep_colors:
        added.append(compat.add_tint(item, "STROKE", _BLACK, material_pass=fill_pass, others=True))
    if fill_pass:
        added.append(compat.add_tint(item, "STROKE", WHITE, material_pass=fill_pass))
    for layer in item.data.layers:
        role = roles.of(layer)
        changes.set(layer, use_lights=False)
        if layer.tint_factor:
            changes.set(layer, tint_factor=0.0)
        is_opaque = layer.opacity == 1.0 and layer.blend_mode == "REGULAR"
        if role == "none" or (role == "fills" and not is_opaque):
            changes.set(layer, hide=True)
        elif role == "fills":
            added.append(compat.add_tint(item, "BOTH", WHITE, layer=layer_name(layer)))
        elif not is_opaque:
            added.append(compat.hide_fills(item, layer_name(layer)))
    try:
        yield
    finally:
        for modifier in added:
            compat.pencil_modifiers(item).remove(modifier)


def _recolor(paint: bpy.types.MaterialGPencilStyle, fill_pass: int, keep_colors: bool, changes: Changes) -> None:
    changes.set(paint, fill_style="SOLID", fill_color=(*WHITE, float(paint.fill_color[3] == 1)))
    if fill_pass and paint.pass_index == fill_pass:
        changes.set(paint, color=(*WHITE, paint.color[3]))
    elif not keep_colors:
        # A textured line keeps only the texture's shape.
        changes.set(paint, color=(*_BLACK, paint.color[3]), mix_stroke_factor=1.0)
