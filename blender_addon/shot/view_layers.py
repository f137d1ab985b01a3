# SPDX-License-Identifier: GPL-3.0-or-later
"""The view layer that renders a shot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

from .changes import Changes


@contextmanager
def one_view_layer(scene: bpy.types.Scene, freestyle: bool, changes: Changes) -> Iterator[bpy.types.ViewLayer]:
    """Within the block, a single view layer renders: without compositing, Blender writes only one of several.

    If several are in use, it is a new one that shows what any of them shows. Freestyle's line sets belong to a view
    layer, so for Freestyle it is the first layer that has some.
    """
    used = [layer for layer in scene.view_layers if layer.use]
    if freestyle:
        used = [layer for layer in used if layer.use_freestyle and layer.freestyle_settings.linesets] or used
    if freestyle or len(used) == 1:
        for other in scene.view_layers:
            changes.set(other, use=other == used[0])
        yield used[0]
        return
    union = scene.view_layers.new("LongAnimation")
    try:
        for layer in used:
            changes.set(layer, use=False)
        _show_what_any_shows(union.layer_collection, [layer.layer_collection for layer in used])
        yield union
    finally:
        scene.view_layers.remove(union)


def _show_what_any_shows(branch: bpy.types.LayerCollection, examples: list[bpy.types.LayerCollection]) -> None:
    branch.exclude = all(example.exclude for example in examples)
    for place, child in enumerate(branch.children):
        _show_what_any_shows(child, [example.children[place] for example in examples])
