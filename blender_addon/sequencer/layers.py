# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of a take as strips within its meta strip, one channel a layer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy

from .. import compat
from ..shared.errors import ShotError
from ..shared.translatable_text import TranslatableText
from ..takes.take import Take
from .strips import JOB, LAST_CHANNEL, add_images, tag

_LAYER = "longanimation_layer"
"""Custom property of a strip with a layer: its name."""


def meta_strip(scene: bpy.types.Scene, take: Take) -> bpy.types.MetaStrip | None:
    """The take's meta strip in a scene, if it has one."""
    strips = compat.strips_of(scene.sequence_editor) if scene.sequence_editor else ()
    return next((strip for strip in strips if strip.get(JOB) == take.job and strip.type == "META"), None)


def require_channels(scene: bpy.types.Scene, take: Take, count: int) -> None:
    """Raise ShotError if the take's meta strip has not enough channels for this number of layers."""
    meta = meta_strip(scene, take)
    if meta is not None and _top(meta) + count > LAST_CHANNEL:
        raise ShotError(
            TranslatableText(
                "{take} would have {count} layers, but a meta strip has {most} channels: part it by objects, or join "
                "some of them.",
                take=take.title,
                count=count,
                most=LAST_CHANNEL,
            )
        )


def show_layers(scene: bpy.types.Scene, take: Take, folder: Path, names: Sequence[str]) -> bool:
    """Show a take's layers, the lowest first, in its meta strip, in place of its fills, its lines and earlier layers.

    folder: has a folder of images for each name. Returns whether the take has a meta strip there.
    """
    meta = meta_strip(scene, take)
    if meta is None:
        return False
    inner = compat.strips_of(meta)
    for strip in [one for one in inner if _LAYER in one]:
        inner.remove(strip)
    replaced = {take.fills.name, take.lines.name, take.lineart.name}
    for strip in inner:
        if strip.type == "IMAGE" and Path(bpy.path.abspath(strip.directory)).name in replaced:
            strip.mute = True
    for channel, name in enumerate(names, start=_top(meta) + 1):
        strip = add_images(meta, take, folder / name, take.manifest.exposure.frames, channel)
        strip[_LAYER] = name
        tag(strip, take)
    return True


def _top(meta: bpy.types.MetaStrip) -> int:
    """The highest channel of a meta strip that something else than a layer has."""
    return max((strip.channel for strip in compat.strips_of(meta) if _LAYER not in strip), default=0)
