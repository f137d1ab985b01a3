# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes under way and takes of earlier: cancelled, fetched, placed."""

import logging
from pathlib import Path

import bpy

from .. import compat, monitor
from ..errors import ColorError
from ..preferences import make_client
from ..remote.session import Failed, Finished, Progress, Session
from ..sequencer import strips
from ..takes.take import Take

_log = logging.getLogger(__package__)


class _ChoosesTake:
    """What operators on an earlier take share: its folder, which the animator chooses."""

    directory: bpy.props.StringProperty(name="Folder", description="Folder of the take", subtype="DIR_PATH")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Let the animator choose the folder."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


class LONGANIMATION_OT_fetch_take(_ChoosesTake, bpy.types.Operator):
    """Fetch the frames of a take that was sent earlier, perhaps before Blender was closed, and place its strips"""

    bl_idname = "longanimation.fetch_take"
    bl_label = "Fetch Take"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """The blocking path in background Blender; in a window the monitor takes over."""
        try:
            session = Session(make_client(), Take.load(Path(bpy.path.abspath(self.directory))), resume=True)
            if bpy.app.background:
                return wait_for(self, context, session)
        except ColorError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        monitor.follow(session, context.scene)
        return {"FINISHED"}


class LONGANIMATION_OT_place_strips(_ChoosesTake, bpy.types.Operator):
    """Place the strips of a finished take in the Sequencer"""

    bl_idname = "longanimation.place_strips"
    bl_label = "Place Strips"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        try:
            take = Take.load(Path(bpy.path.abspath(self.directory)))
            strips.place(compat.sequencer_scene(context), take)
        except ColorError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Strips of {take.manifest.name} placed")
        return {"FINISHED"}


class LONGANIMATION_OT_cancel(bpy.types.Operator):
    """Stop this take on the server, or dismiss its message"""

    bl_idname = "longanimation.cancel"
    bl_label = "Cancel Take"

    job: bpy.props.StringProperty(options={"SKIP_SAVE"})

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        monitor.dismiss(self.job)
        return {"FINISHED"}


def wait_for(operator: bpy.types.Operator, context: bpy.types.Context, session: Session) -> set[str]:
    """Run a session to its end and place its strips; an interrupt cancels the job."""
    session.start()
    try:
        for message in session.wait():
            if isinstance(message, Progress):
                _log.info("%3d%% %s", round(100 * message.fraction), message.text)
    except KeyboardInterrupt:
        session.cancel()
        message = list(session.wait())[-1]
    if isinstance(message, Finished):
        strips.place(compat.sequencer_scene(context), message.take)
        operator.report({"INFO"}, f"{message.take.manifest.name} is coloured, in {message.take.folder}")
        return {"FINISHED"}
    operator.report({"ERROR"}, message.sentence if isinstance(message, Failed) else "The take was cancelled")
    return {"CANCELLED"}


CLASSES = (LONGANIMATION_OT_fetch_take, LONGANIMATION_OT_place_strips, LONGANIMATION_OT_cancel)
