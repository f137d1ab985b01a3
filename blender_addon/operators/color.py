# SPDX-License-Identifier: GPL-3.0-or-later
"""The shot sent to be coloured."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..shot.request import ShotRequest
from .exporting import ExportsShots, request_of


class LONGANIMATION_OT_color_shot(ExportsShots, bpy.types.Operator):
    """Colour the shot from its keyframes; go on working meanwhile, and find the strips in the Sequencer"""

    bl_idname = "longanimation.color_shot"
    bl_label = "Colour Shot"
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


CLASSES = (LONGANIMATION_OT_color_shot,)
