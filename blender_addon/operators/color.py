# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the shot to be colored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy

from ..shot.request import ShotRequest
from .export import ExportsShots
from .requests import request_of


class LONGANIMATION_OT_color_shot(ExportsShots, bpy.types.Operator):
    """Color the shot from its keyframes; you can continue to work, and the strips appear in the Sequencer"""

    bl_idname = "longanimation.color_shot"
    bl_label = "Color Shot"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    directory: bpy.props.StringProperty(
        name="Folder",
        description="Folder of the take; empty for a new one in the output folder of the preferences",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )

    def requests(self, context: bpy.types.Context) -> list[ShotRequest]:
        """The shot of the scene."""
        return [request_of(context.scene, Path(bpy.path.abspath(self.directory)) if self.directory else None)]


class LONGANIMATION_OT_preview_shot(ExportsShots, bpy.types.Operator):
    """Carry the keyframes' colors along without the model, and list the frames in which colors are a guess"""

    bl_idname = "longanimation.preview_shot"
    bl_label = "Preview Colors"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def requests(self, context: bpy.types.Context) -> list[ShotRequest]:
        """The shot of the scene, as a preview."""
        request = request_of(context.scene)
        return [replace(request, options=replace(request.options, quality="preview"))]


CLASSES = (LONGANIMATION_OT_color_shot, LONGANIMATION_OT_preview_shot)
