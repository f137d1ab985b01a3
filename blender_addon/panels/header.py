# SPDX-License-Identifier: GPL-3.0-or-later
"""The button in the Image Editor's header that uses the painting."""

import bpy

from ..shot.painted_frame import JOB


def _draw(header: bpy.types.Header, context: bpy.types.Context) -> None:
    image = context.space_data.image
    if image is None:
        return
    if JOB in image:
        header.layout.operator("longanimation.recolor_from_fix", icon="BRUSH_DATA")
    elif any(keyframe.image == image for keyframe in context.scene.longanimation.keyframes):
        header.layout.operator("longanimation.color_shot", icon="BRUSH_DATA")


def register() -> None:
    """Add the button."""
    bpy.types.IMAGE_HT_header.append(_draw)


def unregister() -> None:
    """Remove the button."""
    bpy.types.IMAGE_HT_header.remove(_draw)
