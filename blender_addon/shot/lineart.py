# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets a scene up to render line art, or a painted keyframe, and puts everything back.

Both are rendered by Workbench with the Standard view transform, so that a colour in the file is the
colour that was picked. For line art the fills are painted white rather than hidden: a part still hides
the lines behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..errors import ShotError

_WHITE = (1.0, 1.0, 1.0)


@contextmanager
def rendering(scene: bpy.types.Scene, painted: bool) -> Iterator[None]:
    """Within the block the scene renders as a painted keyframe (`painted`) or as line art: dark lines on white.

    Every setting, datablock and the current frame are as before afterwards, also after an error.
    """
    with ExitStack() as stack:
        stack.callback(scene.frame_set, scene.frame_current, subframe=scene.frame_subframe)
        changes = _Changes()
        stack.callback(changes.undo)
        _set_up_render(scene, changes)
        stack.enter_context(_white_world(scene, changes))
        for item in pencils_of(scene):
            changes.set(item, use_grease_pencil_lights=False)
            if not painted:
                stack.enter_context(_white_fills(item, changes))
        if not painted:
            # Other objects turn into white paper too: they hide the lines behind them.
            changes.set(scene.display.shading, color_type="SINGLE", single_color=_WHITE)
        yield


def pencils_of(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The Grease Pencil objects that a render of the scene shows."""
    return [item for item in scene.objects if compat.is_grease_pencil(item) and not item.hide_render]


def render_frame(scene: bpy.types.Scene, frame: int, path: Path) -> None:
    """Render one frame to a PNG; call it inside `rendering`. Raises ShotError when Blender cannot render."""
    kept = scene.render.filepath
    scene.render.filepath = str(path)
    try:
        scene.frame_set(frame)
        bpy.ops.render.render(write_still=True, scene=scene.name)
    except RuntimeError as error:
        raise ShotError(f"Blender could not render frame {frame}: {str(error).strip()}") from error
    finally:
        scene.render.filepath = kept
    if not path.is_file():
        raise ShotError(f"Blender wrote no image for frame {frame}: check that the output folder can be written to.")


class _Changes:
    """Settings that were changed, with their former values."""

    def __init__(self) -> None:
        self._former: dict[tuple[Any, str], Any] = {}

    def set(self, owner: Any, **values: Any) -> None:
        """Set properties of `owner`, remembering what they were at first."""
        self.set_all((owner, values))

    def set_all(self, *changes: tuple[Any, dict[str, Any]]) -> None:
        """Set properties of several owners.

        All are read before any is set: a new view transform or file format changes settings that depend on it.
        """
        for owner, values in changes:
            for name in values:
                former = getattr(owner, name)
                if hasattr(former, "__len__") and not isinstance(former, str):
                    former = tuple(former)
                self._former.setdefault((owner, name), former)
        for owner, values in changes:
            for name, value in values.items():
                setattr(owner, name, value)

    def undo(self) -> None:
        """Put the former values back."""
        # In the order of the changes: some settings (a look, a colour depth) are only accepted after the
        # one that they depend on.
        for (owner, name), former in self._former.items():
            setattr(owner, name, former)


def _set_up_render(scene: bpy.types.Scene, changes: _Changes) -> None:
    render, view = scene.render, scene.view_settings
    changes.set_all(
        (
            render,
            {
                "engine": "BLENDER_WORKBENCH",
                "film_transparent": False,
                "dither_intensity": 0.0,
                "use_compositing": False,
                "use_sequencer": False,
                "use_border": False,
                "use_stamp": False,
                "use_multiview": False,
                "use_file_extension": True,
                "use_overwrite": True,
                "use_placeholder": False,
            },
        ),
        (render.image_settings, compat.optional(render.image_settings, media_type="IMAGE")),
        (
            render.image_settings,
            {"file_format": "PNG", "color_mode": "RGB", "color_depth": "8", "color_management": "FOLLOW_SCENE"},
        ),
        (scene.display, {"render_aa": "OFF"}),
        (
            scene.display.shading,
            {
                "light": "FLAT",
                "show_cavity": False,
                "show_shadows": False,
                "show_xray": False,
                "show_object_outline": False,
                "show_specular_highlight": False,
                "use_dof": False,
            },
        ),
        (scene.display_settings, {"display_device": "sRGB"}),
        (
            view,
            {"view_transform": "Standard", "look": "None", "exposure": 0.0, "gamma": 1.0, "use_curve_mapping": False},
        ),
        (view, compat.optional(view, use_white_balance=False)),
        # One sample a pixel: the line smoothing that remains is Grease Pencil's own, and eight times faster.
        (scene.grease_pencil_settings, compat.optional(scene.grease_pencil_settings, aa_samples=1)),
    )


@contextmanager
def _white_world(scene: bpy.types.Scene, changes: _Changes) -> Iterator[None]:
    """Workbench fills the background with the world's colour: white paper."""
    paper = bpy.data.worlds.new("LongAnimation paper")
    try:
        paper.color = _WHITE
        changes.set(scene, world=paper)
        yield
    finally:
        bpy.data.worlds.remove(paper)


@contextmanager
def _white_fills(item: bpy.types.Object, changes: _Changes) -> Iterator[None]:
    """Paint the fills of a Grease Pencil object white: those of its materials, and by a modifier its vertex paint."""
    for slot in item.material_slots:
        paint = slot.material and slot.material.grease_pencil
        if paint:
            changes.set(paint, fill_style="SOLID", fill_color=(*_WHITE, paint.fill_color[3]))
    for layer in item.data.layers:
        changes.set(layer, tint_factor=0.0)
    if item.library:
        # A linked object takes no modifier; its vertex paint, if it has any, stays.
        yield
        return
    tint = compat.add_fill_tint(item, "LongAnimation paper")
    try:
        tint.color = _WHITE
        tint.factor = 1.0
        yield
    finally:
        compat.remove_fill_tint(item, tint)
