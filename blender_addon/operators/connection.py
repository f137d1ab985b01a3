# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to the server: tried out."""

import bpy

from .. import monitor
from ..errors import ColorError
from ..preferences import make_client


class LONGANIMATION_OT_test_connection(bpy.types.Operator):
    """Ask the server which version and which presets it has"""

    bl_idname = "longanimation.test_connection"
    bl_label = "Test Connection"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        try:
            info = make_client().info()
        except ColorError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        monitor.presets[:] = [preset.name for preset in info.presets]
        names = ", ".join(monitor.presets) or "no presets"
        self.report({"INFO"}, f"Server {info.server_version} answers: {names}; {info.queue_length} jobs in the queue")
        return {"FINISHED"}


CLASSES = (LONGANIMATION_OT_test_connection,)
