# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows Grease Pencil objects as dark lines with white fills, which still hide the lines behind them."""

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
    tints = [compat.add_tint(item, "FILL", WHITE)]
    if not keep_colors:
        tints.append(compat.add_tint(item, "STROKE", _BLACK, material_pass=fill_pass, others=True))
    if fill_pass:
        tints.append(compat.add_tint(item, "STROKE", WHITE, material_pass=fill_pass))
    for layer in item.data.layers:
        role = roles.of(layer)
        changes.set(layer, use_lights=False)
        if layer.tint_factor:
            changes.set(layer, tint_factor=0.0)
        if role == "fills":
            tints.append(compat.add_tint(item, "BOTH", WHITE, layer=layer_name(layer)))
        elif role == "none":
            changes.set(layer, hide=True)
    try:
        yield
    finally:
        for tint in tints:
            compat.pencil_modifiers(item).remove(tint)


def _recolor(paint: bpy.types.MaterialGPencilStyle, fill_pass: int, keep_colors: bool, changes: Changes) -> None:
    changes.set(paint, fill_style="SOLID", fill_color=(*WHITE, paint.fill_color[3]))
    if fill_pass and paint.pass_index == fill_pass:
        changes.set(paint, color=(*WHITE, paint.color[3]))
    elif not keep_colors:
        # A textured line keeps only the texture's shape.
        changes.set(paint, color=(*_BLACK, paint.color[3]), mix_stroke_factor=1.0)
