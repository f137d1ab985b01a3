# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects or layers that lines and fills of a drawing belong to, and pictures of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import bpy

from .. import compat
from ..shared.errors import ShotError
from ..shared.translatable_text import TranslatableText
from ..takes.ownership import colors_of
from .changes import Changes
from .lineless_fills import paint_layers
from .rendering import render_frame, rendering
from .resolved_shot import ResolvedShot
from .scene_objects import has_line_art, layer_name, line_pencils_of

By = Literal["objects", "layers"]


@dataclass(frozen=True)
class Owner:
    """A Grease Pencil object, or one of its layers; an empty layer stands for all of them."""

    name: str
    item: bpy.types.Object
    layer: str = ""


def owners_of(shot: ResolvedShot, by: By) -> list[Owner]:
    """The owners of a shot's lines, the farthest from the camera first.

    Raises ShotError, with what to do, if the lines do not come from Grease Pencil.
    """
    if shot.source not in ("pencil", "line_art"):
        raise ShotError(
            TranslatableText(
                "Objects and layers are only known of Grease Pencil, and this shot's lines have another source: choose "
                "Grease Pencil or Line Art as the source."
            )
        )
    items = line_pencils_of(shot.scene, shot.collection)
    if shot.source == "line_art":
        items = [*filter(has_line_art, items)]
    camera = shot.camera or shot.scene.camera
    if camera is not None:
        into = camera.matrix_world.inverted()
        items.sort(key=lambda item: (item.show_in_front, (into @ item.matrix_world.translation).z))
    return [owner for item in items for owner in _owners_in(item, shot, by)]


def _owners_in(item: bpy.types.Object, shot: ResolvedShot, by: By) -> Iterator[Owner]:
    if by == "objects":
        yield Owner(item.name, item)
        return
    paint = paint_layers(item, shot)
    names = [layer_name(one) for one in item.data.layers if not one.hide and shot.roles.of(one) == "lines"]
    drawn = [name for name in names if name not in paint]
    for name in drawn:
        yield Owner(item.name if len(drawn) == 1 else f"{item.name} {name}", item, name)


@contextmanager
def ownership(shot: ResolvedShot, owners: Sequence[Owner]) -> Iterator[Callable[[int, Path], None]]:
    """Provide, within the block, a function that writes the picture of the owners at a frame to a PNG.

    It is the line art with each owner's lines and fills in the colors of `colors_of`, and without soft edges. The block
    and the function raise ShotError.
    """
    scene = shot.scene
    with rendering(shot, "line art"):
        changes = Changes()
        added: list[tuple[bpy.types.Object, bpy.types.Modifier]] = []
        try:
            smooth = scene.grease_pencil_settings
            sharp = {"antialias_threshold": 0.0, "antialias_threshold_render": 0.0, "aa_samples": 1}
            changes.set(smooth, **compat.optional(smooth, **sharp))
            slots = [slot for owner in owners for slot in owner.item.material_slots]
            for material in {slot.material for slot in slots} - {None}:
                style = material.grease_pencil
                if style:
                    changes.set(style, color=(*style.color[:3], 1.0), stroke_style="SOLID", mix_stroke_factor=0.0)
            for number, owner in enumerate(owners, start=1):
                line, fill = map(compat.linear_color, colors_of(number))
                tints = [("STROKE", line, 0), ("FILL", fill, 0)]
                if shot.roles.material_pass:
                    tints.append(("BOTH", fill, shot.roles.material_pass))
                for mode, color, material_pass in tints:
                    tint = compat.add_tint(owner.item, mode, color, layer=owner.layer, material_pass=material_pass)
                    added.append((owner.item, tint))

            def write(frame: int, path: Path) -> None:
                render_frame(scene, frame, path)

            yield write
        finally:
            for item, modifier in added:
                compat.pencil_modifiers(item).remove(modifier)
            changes.undo()
