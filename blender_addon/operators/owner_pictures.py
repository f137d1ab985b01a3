# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders whose lines and fills the drawings of a take have, for operators that part it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace

import bpy

from ..shot.owners import Owner, ownership
from ..shot.proportions import require_proportions
from ..shot.resolved_shot import ResolvedShot, resolve
from ..takes.shapes import Pictures, require_colors
from ..takes.take import Take


def shot_of(take: Take, context: bpy.types.Context) -> ResolvedShot:
    """The shot of a take, as its scene has it now, in the take's size. Raises ShotError if it has no colors, or other
    proportions."""
    frames = take.manifest.exposure.frames
    require_colors(take, frames)
    scene = bpy.data.scenes.get(take.manifest.name, context.scene)
    size = take.manifest.width, take.manifest.height
    require_proportions(scene, size)
    shot = resolve(scene, scene.longanimation.options(frames))
    return replace(shot, size=size)


def render_owners(
    take: Take, shot: ResolvedShot, owners: Sequence[Owner], drawings: Iterable[int], pictures: Pictures
) -> Generator[None, None, None]:
    """Render the owners of drawings, by their index. Yields after each. Raises ShotError."""
    with ownership(shot, owners) as write:
        for drawing in drawings:
            write(shot.drawn_at(take.manifest.exposure.first_frame_of(drawing)), pictures.of(drawing))
            yield
