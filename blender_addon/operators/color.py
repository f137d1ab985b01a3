# SPDX-License-Identifier: GPL-3.0-or-later
"""The shot sent to be coloured."""

import logging
from pathlib import Path

import bpy

from .. import monitor
from ..errors import ColorError
from ..preferences import make_client, new_take_folder
from ..remote.session import Session
from ..shot.export import export_steps
from .queue import wait_for

_log = logging.getLogger(__package__)


class LONGANIMATION_OT_color_shot(bpy.types.Operator):
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

    def execute(self, context: bpy.types.Context) -> set[str]:
        """The blocking path: returns when the strips are placed."""
        try:
            client, steps = self._begin(context)
            while True:
                try:
                    done, total = next(steps)
                except StopIteration as end:
                    take = end.value
                    break
                _log.info("%3d%% Exporting image %d of %d", 0, done, total)
            return wait_for(self, context, Session(client, take))
        except ColorError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """The window's path: exports an image a tick, then leaves the take to the monitor."""
        if bpy.app.background:
            return self.execute(context)
        try:
            self._client, self._steps = self._begin(context)
        except ColorError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        monitor.hold(True)
        self._timer = context.window_manager.event_timer_add(0.01, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Called by Blender for each event; all but the timer and Esc wait until the export is done."""
        if event.type == "ESC":
            self._leave(context)
            self.report({"INFO"}, "Export cancelled")
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"RUNNING_MODAL"}
        try:
            done, total = next(self._steps)
        except StopIteration as end:
            self._leave(context)
            monitor.follow(Session(self._client, end.value), context.scene)
            return {"FINISHED"}
        except ColorError as error:
            self._leave(context)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        context.workspace.status_text_set(f"Exporting image {done} of {total}. Esc: cancel")
        return {"RUNNING_MODAL"}

    def _begin(self, context: bpy.types.Context):
        """Ask the server before rendering anything, then prepare the export."""
        client = make_client()
        client.info()
        scene = context.scene
        folder = Path(bpy.path.abspath(self.directory)) if self.directory else new_take_folder(scene.name)
        return client, export_steps(scene, scene.longanimation.options(), folder)

    def _leave(self, context: bpy.types.Context) -> None:
        self._steps.close()
        monitor.hold(False)
        context.window_manager.event_timer_remove(self._timer)
        context.workspace.status_text_set(None)


CLASSES = (LONGANIMATION_OT_color_shot,)
