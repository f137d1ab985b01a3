# SPDX-License-Identifier: GPL-3.0-or-later
"""The painted frames of a shot: added and removed."""

import bpy


class LONGANIMATION_OT_add_keyframe(bpy.types.Operator):
    """Use the current frame of the scene, rendered with its fills, as a painted keyframe of the shot"""

    bl_idname = "longanimation.add_keyframe"
    bl_label = "Use This Frame as Keyframe"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        shot, frame = context.scene.longanimation, context.scene.frame_current
        keyframe = shot.keyframe_at(frame) or shot.keyframes.add()
        keyframe.frame, keyframe.image = frame, None
        return {"FINISHED"}


class LONGANIMATION_OT_remove_keyframe(bpy.types.Operator):
    """Leave this frame to the model"""

    bl_idname = "longanimation.remove_keyframe"
    bl_label = "Remove Keyframe"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    index: bpy.props.IntProperty(min=0)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        context.scene.longanimation.keyframes.remove(self.index)
        return {"FINISHED"}


CLASSES = (LONGANIMATION_OT_add_keyframe, LONGANIMATION_OT_remove_keyframe)
