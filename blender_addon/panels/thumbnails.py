# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of takes, as icons (Blender API, bpy.utils.previews)."""

import bpy
import bpy.utils.previews

from ..take_manager import Entry
from ..takes.take import frame_name

_pictures: "bpy.utils.previews.ImagePreviewCollection | None" = None


def icon_of(entry: Entry) -> int:
    """The icon of a take: the frame that arrived last, or else its first painted keyframe; 0 in background Blender."""
    global _pictures
    if bpy.app.background:
        return 0
    if _pictures is None:
        _pictures = bpy.utils.previews.new()
    take = entry.take
    painted = take.keyframes / frame_name(take.manifest.keyframes[0].frame)
    path = painted if entry.latest is None else take.colored / frame_name(entry.latest)
    if str(path) not in _pictures:
        _pictures.load(str(path), str(path), "IMAGE")
    return _pictures[str(path)].icon_id


def icon_of_image(image: bpy.types.Image | None) -> int:
    """The icon of an image's preview; 0 without an image, and in background Blender."""
    if image is None or bpy.app.background:
        return 0
    return image.preview_ensure().icon_id


def unregister() -> None:
    """Free the pictures."""
    global _pictures
    if _pictures is not None:
        bpy.utils.previews.remove(_pictures)
        _pictures = None
