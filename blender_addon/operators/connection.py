# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers and the connections to them: added, tested, and repaired."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import notices, take_manager
from ..preferences import (
    LOCAL_SERVER,
    check_online,
    current,
    draw_server,
    is_preferences,
    local_server_folder,
    server_in,
    server_of,
    token_of,
)
from ..remote.connection import Diagnosis, diagnose
from ..remote.launcher import LocalServer
from ..shared.errors import ColorError, ServerError
from ..shared.remote.transport import is_loopback, with_scheme
from ..shared.translatable_text import TranslatableText
from ..translations import translated
from ..widgets import redraw
from .background import in_thread

_PACKAGE = __package__.rpartition(".")[0]
_WIDTH = 400
"""Of the connection settings, in pixels at the interface's default scale."""

_started: list[LocalServer] = []
"""The servers that were started here."""


class LONGANIMATION_OT_add_server(bpy.types.Operator):
    """Add a server to the list"""

    bl_idname = "longanimation.add_server"
    bl_label = "Add Server"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        preferences = current()
        preferences.servers.add().name = f"Server {len(preferences.servers)}"
        preferences.active = len(preferences.servers) - 1
        return {"FINISHED"}


class LONGANIMATION_OT_remove_server(bpy.types.Operator):
    """Remove the server from the list; its jobs continue"""

    bl_idname = "longanimation.remove_server"
    bl_label = "Remove Server"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """One server must stay."""
        return len(current().servers) > 1

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        preferences = current()
        preferences.servers.remove(min(preferences.active, len(preferences.servers) - 1))
        preferences.active = min(preferences.active, len(preferences.servers) - 1)
        return {"FINISHED"}


class LONGANIMATION_OT_test_connection(bpy.types.Operator):
    """Test the connection to the shot's server (in the preferences, the active one), and say what is wrong and helps"""

    bl_idname = "longanimation.test_connection"
    bl_label = "Test Connection"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """The blocking path: returns when the connection is tested."""
        address = server_in(context).address
        diagnosis = _diagnose(address, token_of(address))
        _show(diagnosis)
        self.report({"INFO"} if diagnosis.is_good else {"ERROR"}, translated(diagnosis.sentence))
        return {"FINISHED"} if diagnosis.is_good else {"CANCELLED"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """The interactive path: tests in a thread, and shows a notice."""
        return _test(context)


class LONGANIMATION_OT_start_server(bpy.types.Operator):
    """Start the server on this computer; it keeps running when Blender is closed"""

    bl_idname = "longanimation.start_server"
    bl_label = "Start Local Server"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender; in background Blender it returns when the server answers."""
        chosen = server_in(context).address
        address = with_scheme(chosen) if is_loopback(chosen) else LOCAL_SERVER
        log = Path(bpy.utils.extension_path_user(_PACKAGE, path="server", create=True)) / "server.log"
        try:
            server = LocalServer(local_server_folder(), address, log)
            server.start()
            if bpy.app.background:
                server.wait()
        except ColorError as error:
            notices.show_error(error)
            redraw()
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        _started.append(server)
        if not bpy.app.background:
            in_thread(lambda: _wait_for(server), _show, TranslatableText("The server is starting."))
        return {"FINISHED"}


class LONGANIMATION_OT_stop_server(bpy.types.Operator):
    """Stop the server that was started here; its jobs continue when it is started again"""

    bl_idname = "longanimation.stop_server"
    bl_label = "Stop"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Only servers that were started here can be stopped."""
        return any(server.is_running for server in _started)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        for server in _started:
            server.stop()
        _started.clear()
        return {"FINISHED"}


class LONGANIMATION_OT_edit_server(bpy.types.Operator):
    """Choose the shot's server, or change its address and token, and test the connection"""

    bl_idname = "longanimation.edit_server"
    bl_label = "Connection Settings"

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Show the settings beside the mouse."""
        confirm = translated(LONGANIMATION_OT_test_connection.bl_label)
        return context.window_manager.invoke_props_dialog(self, width=_WIDTH, confirm_text=confirm)

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout = self.layout
        layout.use_property_split = True
        shot = context.scene.longanimation
        if len(current().servers) > 1 and not is_preferences(context):
            layout.prop(shot, "server", placeholder=server_of(context.scene).name)
        draw_server(layout, server_in(context))
        if not is_preferences(context):
            layout.operator("preferences.addon_show", text="All Servers", icon="PREFERENCES").module = _PACKAGE

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender when the settings are confirmed."""
        return _test(context)


class LONGANIMATION_OT_allow_online(bpy.types.Operator):
    """Open Blender's System preferences, where you can allow online access"""

    bl_idname = "longanimation.allow_online"
    bl_label = "Open System Preferences"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        context.preferences.active_section = "SYSTEM"
        bpy.ops.screen.userpref_show("INVOKE_DEFAULT")
        return {"FINISHED"}


class LONGANIMATION_OT_update_addon(bpy.types.Operator):
    """Open Blender's extensions, where you can update this one"""

    bl_idname = "longanimation.update_addon"
    bl_label = "Update Extension"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        context.preferences.active_section = "EXTENSIONS"
        bpy.ops.screen.userpref_show("INVOKE_DEFAULT")
        return {"FINISHED"}


class LONGANIMATION_OT_dismiss_notice(bpy.types.Operator):
    """Remove this message"""

    bl_idname = "longanimation.dismiss_notice"
    bl_label = "Dismiss"

    index: bpy.props.IntProperty(name="Index", description="Which message", min=0, options={"SKIP_SAVE", "HIDDEN"})

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Called by Blender."""
        notices.dismiss(self.index)
        return {"FINISHED"}


def _test(context: bpy.types.Context) -> set[str]:
    """Test the server that is meant, in a thread, and show a notice."""
    address = server_in(context).address
    token = token_of(address)
    in_thread(lambda: _diagnose(address, token), _show, TranslatableText("Testing the connection…"))
    return {"FINISHED"}


def _diagnose(address: str, token: str) -> Diagnosis:
    """Test a server, unless Blender may not go online."""
    try:
        check_online(address)
    except ServerError as error:
        return Diagnosis(str(error), error.remedy)
    return diagnose(address, token)


def _wait_for(server: LocalServer) -> Diagnosis:
    try:
        server.wait()
    except ServerError as error:
        return Diagnosis(str(error), error.remedy)
    return diagnose(server.address, "")


def _show(diagnosis: Diagnosis) -> None:
    """Show the result of a connection test."""
    notices.show(diagnosis.sentence, diagnosis.remedy, diagnosis.is_good, notices.CONNECTION)
    if diagnosis.info is not None:
        take_manager.presets = {preset.name: preset.license for preset in diagnosis.info.presets}
    redraw()


CLASSES = (
    LONGANIMATION_OT_add_server,
    LONGANIMATION_OT_remove_server,
    LONGANIMATION_OT_test_connection,
    LONGANIMATION_OT_start_server,
    LONGANIMATION_OT_stop_server,
    LONGANIMATION_OT_edit_server,
    LONGANIMATION_OT_allow_online,
    LONGANIMATION_OT_update_addon,
    LONGANIMATION_OT_dismiss_notice,
)
