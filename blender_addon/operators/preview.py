# SPDX-License-Identifier: GPL-3.0-or-later
"""Previews the line art of one frame, and sets what the layers hold."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy

from ..properties.lineart import ROLES
from ..shared.errors import ColorError
from ..shot.line_art import line_art
from ..shot.resolved_shot import resolve_at
from ..translations import translated
from .editors import show_image
from .image_files import packed

_NAME = "Line Art Preview"


class LONGANIMATION_OT_preview_lineart(bpy.types.Operator):
    """Render the line art of the current frame and show it in an Image Editor"""

    bl_idname = "longanimation.preview_lineart"
    bl_label = "Preview Line Art"
    bl_options = {"UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender; in background Blender the image is made and not shown."""
        try:
            shot = resolve_at(context.scene, context.scene.frame_current)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "preview.png"
                with line_art(shot) as write:
                    write(shot.frames.start, path)
                image = packed(path, _NAME)
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        show_image(context, image)
        return {"FINISHED"}


class LONGANIMATION_OT_set_layer_role(bpy.types.Operator):
    """Choose what the Grease Pencil layers of this name hold"""

    bl_idname = "longanimation.set_layer_role"
    bl_label = "Set Layer Role"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    layer: bpy.props.StringProperty(name="Layer", description="Name of the layers", options={"SKIP_SAVE"})
    role: bpy.props.EnumProperty(name="Role", description="What the layers hold", items=ROLES)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        layers = context.scene.longanimation.lineart.layers
        entry = layers.get(self.layer) or layers.add()
        entry.name, entry.role = self.layer, self.role
        return {"FINISHED"}


CLASSES = (LONGANIMATION_OT_preview_lineart, LONGANIMATION_OT_set_layer_role)
