# SPDX-License-Identifier: GPL-3.0-or-later
"""What the animator can do. Each operator has a blocking path, for background Blender and for scripts."""

import logging
from pathlib import Path

import bpy

from . import compat, monitor, strips
from .errors import ColorError
from .export import export_steps
from .preferences import make_client, new_take_folder
from .session import Failed, Finished, Progress, Session
from .take import Take

_log = logging.getLogger(__package__)


class LONGANIMATION_OT_add_keyframe(bpy.types.Operator):
    """Use the current frame, with its fills, as a painted keyframe of the shot"""

    bl_idname = "longanimation.add_keyframe"
    bl_label = "Add Keyframe"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        keyframes = context.scene.longanimation.keyframes
        frame = context.scene.frame_current
        if all(item.frame != frame for item in keyframes):
            keyframes.add().frame = frame
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
            return _wait(self, context, Session(client, take))
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
                return _wait(self, context, session)
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


def _wait(operator: bpy.types.Operator, context: bpy.types.Context, session: Session) -> set[str]:
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


_CLASSES = (
    LONGANIMATION_OT_add_keyframe,
    LONGANIMATION_OT_remove_keyframe,
    LONGANIMATION_OT_test_connection,
    LONGANIMATION_OT_color_shot,
    LONGANIMATION_OT_fetch_take,
    LONGANIMATION_OT_place_strips,
    LONGANIMATION_OT_cancel,
)


def register() -> None:
    """Make the operators known to Blender."""
    for kind in _CLASSES:
        bpy.utils.register_class(kind)


def unregister() -> None:
    """Take the operators back."""
    monitor.stop()
    for kind in reversed(_CLASSES):
        bpy.utils.unregister_class(kind)
