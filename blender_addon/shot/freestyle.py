# SPDX-License-Identifier: GPL-3.0-or-later
"""Freestyle's lines, drawn by Cycles with a few samples (Blender manual, Render › Freestyle).

Workbench can also draw them, but it rebuilds the shaders of their strokes for each frame, which takes minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

from .. import compat
from ..shared.errors import ShotError
from ..shared.translatable_text import TranslatableText
from .changes import Changes

_SAMPLES = 8
"""Enough to smooth the edges of lines."""


def check(scene: bpy.types.Scene) -> None:
    """Raise ShotError unless Freestyle draws something in this scene."""
    if not bpy.app.build_options.freestyle:
        raise ShotError(
            TranslatableText(
                "This Blender was built without Freestyle: use Blender from blender.org, or another source of line art."
            )
        )
    if not hasattr(scene, "cycles"):
        raise ShotError(
            TranslatableText(
                "Freestyle's lines are drawn by Cycles, which is off: enable the add-on Cycles Render Engine "
                "in the preferences."
            )
        )
    if not scene.render.use_freestyle:
        raise ShotError(
            TranslatableText(
                "Freestyle is off: enable it in the Render properties, or choose another source of line art."
            )
        )
    layers = [layer for layer in scene.view_layers if layer.use and layer.use_freestyle]
    if not any(lines.show_render for layer in layers for lines in layer.freestyle_settings.linesets):
        raise ShotError(
            TranslatableText("Freestyle has no line set that renders: add one in the View Layer properties.")
        )


@contextmanager
def drawn(
    scene: bpy.types.Scene, layer: bpy.types.ViewLayer, surfaces: bool, keep_colors: bool, changes: Changes
) -> Iterator[None]:
    """Within the block, the view layer renders Freestyle's lines on white.

    surfaces: also render the objects in white, so that they hide Grease Pencil behind them.
    """
    changes.set(scene.render, engine="CYCLES", use_freestyle=True)
    changes.set(
        scene.cycles,
        device="CPU",
        samples=_SAMPLES,
        use_layer_samples="USE",
        use_adaptive_sampling=False,
        use_denoising=False,
        use_animated_seed=False,
        seed=0,
        time_limit=0.0,
        film_exposure=1.0,
        pixel_filter_type="BLACKMAN_HARRIS",
        filter_width=1.5,
    )
    # The lines are a separate layer, which has all samples.
    changes.set(layer, samples=1, use_solid=surfaces, use_sky=True, use_volumes=False, use_strand=False)
    changes.set(layer, **compat.optional(layer, world_override=None))
    changes.set(layer.freestyle_settings, as_render_pass=False)
    if not keep_colors:
        for style in {lines.linestyle for lines in layer.freestyle_settings.linesets if lines.linestyle}:
            changes.set(style, color=(0.0, 0.0, 0.0), use_nodes=False, use_texture=False)
            for modifier in style.color_modifiers:
                changes.set(modifier, use=False)
    if not surfaces:
        yield
        return
    paper = bpy.data.materials.new("LongAnimation paper")
    try:
        paper.use_nodes = True
        nodes = paper.node_tree.nodes
        nodes.clear()
        light, output = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
        light.inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
        paper.node_tree.links.new(light.outputs[0], output.inputs["Surface"])
        changes.set(layer, material_override=paper)
        yield
    finally:
        bpy.data.materials.remove(paper)
