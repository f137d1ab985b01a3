# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's preferences: the servers, and the folder of the takes."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

import bpy

from . import compat
from .errors import ServerError
from .remote.client import Client
from .remote.transport import is_loopback
from .translatable_text import TranslatableText
from .translations import translated
from .widgets import draw_notices

_TOKEN_VARIABLE = "LONGANIMATION_TOKEN"
LOCAL_SERVER = "http://127.0.0.1:7860"


class LONGANIMATION_server(bpy.types.PropertyGroup):
    """A coloring server; shots refer to it by its name."""

    address: bpy.props.StringProperty(
        name="Address", description="Address of the coloring server, such as http://studio:7860", default=LOCAL_SERVER
    )
    token: bpy.props.StringProperty(
        name="Token",
        description="Token from the server's administrator; empty for a server on this computer",
        subtype="PASSWORD",
    )


class LONGANIMATION_UL_servers(bpy.types.UIList):
    """The servers, one per row."""

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: object,
        item: LONGANIMATION_server,
        _icon: int,
        _active_data: object,
        _active_property: str,
    ) -> None:
        """Called by Blender."""
        row = layout.row()
        row.prop(item, "name", text="", emboss=False, icon="URL")
        row.label(text=item.address, translate=False)


class LONGANIMATION_preferences(bpy.types.AddonPreferences):
    """Shown in Blender's preferences, under Add-ons."""

    bl_idname = __package__

    servers: bpy.props.CollectionProperty(type=LONGANIMATION_server, name="Servers", description="Coloring servers")
    active: bpy.props.IntProperty(name="Server", description="The server of shots that choose none", min=0)
    output: bpy.props.StringProperty(
        name="Output",
        description="Folder that takes are written to; a leading // stands for the folder of the .blend file",
        subtype="DIR_PATH",
        options=compat.BLEND_RELATIVE,
        default="//longanimation/",
    )
    home: bpy.props.StringProperty(
        name="Local Server",
        description="Folder that contains install.py; the server on this computer is started from there",
        subtype="DIR_PATH",
    )

    @property
    def server(self) -> str:
        """The address of the active server."""
        return self._entry().address

    @server.setter
    def server(self, address: str) -> None:
        self._entry().address = address

    @property
    def token(self) -> str:
        """The token of the active server."""
        return self._entry().token

    @token.setter
    def token(self, token: str) -> None:
        self._entry().token = token

    def entry_of(self, name: str) -> LONGANIMATION_server:
        """The server of this name, or the active one."""
        return self.servers.get(name) or self._entry()

    def _entry(self) -> LONGANIMATION_server:
        return self.servers[min(self.active, len(self.servers) - 1)]

    def draw(self, context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout = self.layout
        draw_notices(layout, context)
        row = layout.row()
        row.template_list("LONGANIMATION_UL_servers", "", self, "servers", self, "active", rows=3)
        column = row.column(align=True)
        column.operator("longanimation.add_server", text="", icon="ADD")
        column.operator("longanimation.remove_server", text="", icon="REMOVE")
        column = layout.column()
        column.use_property_split = True
        entry = self._entry()
        column.prop(entry, "address")
        if os.environ.get(_TOKEN_VARIABLE):
            source = TranslatableText("The token comes from {variable}", variable=_TOKEN_VARIABLE)
            column.label(text=translated(source), icon="INFO", translate=False)
        else:
            column.prop(entry, "token")
        row = column.row(align=True)
        row.operator("longanimation.test_connection", icon="URL")
        if is_loopback(entry.address):
            row.operator("longanimation.start_server", icon="PLAY")
            row.operator("longanimation.stop_server", icon="SNAP_FACE")
            column.prop(self, "home")
        column.separator()
        column.prop(self, "output")


def current() -> LONGANIMATION_preferences:
    """Return the current preferences."""
    return bpy.context.preferences.addons[__package__].preferences


def server_of(scene: bpy.types.Scene) -> LONGANIMATION_server:
    """The server that colors a scene's shot."""
    return current().entry_of(scene.longanimation.server)


def make_client(address: str = "") -> Client:
    """A client for the server at an address, or the active one. Raises ServerError if Blender may not go online."""
    preferences = current()
    address = address or preferences.server
    check_online(address)
    return Client(address, token_of(address))


def check_online(address: str) -> None:
    """Raise ServerError unless Blender may contact this address: a server on this computer needs no network."""
    if bpy.app.online_access or is_loopback(address):
        return
    remedy = (
        TranslatableText("Launch Blender without --offline-mode")
        if bpy.app.online_access_override
        else TranslatableText("Enable online access in System preferences")
    )
    raise ServerError(
        TranslatableText("Online access required to reach {address}. {remedy}", address=address, remedy=remedy),
        "online",
    )


def token_of(address: str) -> str:
    """The token for a server; a token in the environment is for the active server."""
    preferences = current()
    if address == preferences.server and os.environ.get(_TOKEN_VARIABLE):
        return os.environ[_TOKEN_VARIABLE]
    return next((entry.token for entry in preferences.servers if entry.address == address), "")


def output_folder() -> Path:
    """The folder for the takes of the open file.

    For a file that was never saved, it is a user folder that stays when the extension is uninstalled; Blender then
    removes the extension's own folder.
    """
    output = current().output
    if output.startswith("//") and not bpy.data.filepath:
        return Path(bpy.utils.user_resource("DATAFILES", path="longanimation", create=True))
    return Path(bpy.path.abspath(output))


def new_take_folder(shot: str) -> Path:
    """A new folder for the next take of a shot."""
    name = f"{bpy.path.clean_name(shot)}-{time.strftime('%Y%m%d-%H%M%S')}"
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(folder for folder in (output_folder() / one for one in names) if not folder.exists())


_CLASSES = (LONGANIMATION_server, LONGANIMATION_UL_servers, LONGANIMATION_preferences)


def register() -> None:
    """Register the preferences with Blender, and add a server on this computer if there is none yet."""
    for kind in _CLASSES:
        bpy.utils.register_class(kind)
    if not current().servers:
        current().servers.add().name = "This Computer"


def unregister() -> None:
    """Unregister the preferences."""
    for kind in reversed(_CLASSES):
        bpy.utils.unregister_class(kind)
