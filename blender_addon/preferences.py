# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's preferences: the servers, and the folder of the takes."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

import bpy

from . import compat, manual
from .remote.repository import server_of_repository
from .shared.errors import ServerError
from .shared.remote.client import Client
from .shared.remote.transport import is_loopback
from .shared.translatable_text import TranslatableText
from .translations import translated
from .widgets import draw_notices, draw_sentence

_TOKEN_VARIABLE = "LONGANIMATION_TOKEN"
LOCAL_SERVER = "http://127.0.0.1:7860"

PRIVACY = TranslatableText(
    "When you color a shot, its line art, keyframes, name, timing, settings and prompt go to the server that you chose "
    "for it, and nothing goes anywhere else. The .blend file and your paths stay here, and nobody counts what you do."
)


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
        draw_server(column, entry)
        row = column.row(align=True)
        row.operator("longanimation.test_connection", icon="URL")
        if is_loopback(entry.address):
            row.operator("longanimation.start_server", icon="PLAY")
            row.operator("longanimation.stop_server", icon="SNAP_FACE")
        column.separator()
        column.prop(self, "output")
        draw_sentence(layout.box(), context, PRIVACY, "LOCKED")
        layout.operator("wm.url_open", text="LongAnimation Color Manual", icon="HELP").url = manual.ADDRESS


def current() -> LONGANIMATION_preferences:
    """Return the current preferences."""
    return bpy.context.preferences.addons[__package__].preferences


def server_of(scene: bpy.types.Scene) -> LONGANIMATION_server:
    """The server that colors a scene's shot."""
    return current().entry_of(scene.longanimation.server)


def is_preferences(context: bpy.types.Context) -> bool:
    """Whether Blender's preferences are used, and not a shot's panel."""
    return context.area is not None and context.area.type == "PREFERENCES"


def server_in(context: bpy.types.Context) -> LONGANIMATION_server:
    """The server that is meant: the active one in Blender's preferences, that of the scene's shot elsewhere."""
    return current().entry_of("") if is_preferences(context) else server_of(context.scene)


def draw_server(layout: bpy.types.UILayout, entry: LONGANIMATION_server) -> None:
    """Draw what is needed to reach a server."""
    layout.prop(entry, "address")
    if entry.address == current().server and os.environ.get(_TOKEN_VARIABLE):
        source = TranslatableText("The token comes from {variable}", variable=_TOKEN_VARIABLE)
        layout.label(text=translated(source), icon="INFO", translate=False)
    else:
        layout.prop(entry, "token")
    if is_loopback(entry.address):
        layout.prop(current(), "home")


def local_server_folder() -> Path:
    """The folder of the server on this computer. Raises ServerError if none is chosen."""
    home = current().home
    if not home:
        raise ServerError(
            TranslatableText(
                "No folder is chosen for the server on this computer: in Connection Settings, set Local Server to the "
                "folder that contains install.py. Without a server here, enter the address of another one."
            ),
            "home",
        )
    return Path(bpy.path.abspath(home)).absolute()


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
    advice, remedy = (
        (TranslatableText("Launch Blender without --offline-mode"), "address")
        if bpy.app.online_access_override
        else (TranslatableText("Enable online access in System preferences"), "online")
    )
    raise ServerError(
        TranslatableText("Online access required to reach {address}. {remedy}", address=address, remedy=advice), remedy
    )


def token_of(address: str) -> str:
    """The token for a server. One in the environment is for the active server; without one of its own, the server that
    is this extension's repository gets the repository's."""
    preferences = current()
    if address == preferences.server and os.environ.get(_TOKEN_VARIABLE):
        return os.environ[_TOKEN_VARIABLE]
    own = next((entry.token for entry in preferences.servers if entry.address == address), "")
    return own or (_repository_token() if address == _repository_server() else "")


def _repository() -> bpy.types.UserExtensionRepo | None:
    """The remote repository that this extension was installed from, if any."""
    name = __package__.split(".")[-2:-1]  # of bl_ext.NAME.longanimation_color
    repositories = bpy.context.preferences.extensions.repos
    return next((one for one in repositories if [one.module] == name and one.use_remote_url), None)


def _repository_server() -> str:
    """The address of the coloring server that this extension was installed from, or ""."""
    repository = _repository()
    return server_of_repository(repository.remote_url) if repository else ""


def _repository_token() -> str:
    repository = _repository()
    return repository.access_token if repository and repository.use_access_token else ""


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
    """Register the preferences with Blender. If there is no server yet, add the one that the extension was installed
    from, or else one on this computer."""
    for kind in _CLASSES:
        bpy.utils.register_class(kind)
    if not current().servers:
        entry = current().servers.add()
        entry.address = _repository_server() or LOCAL_SERVER
        entry.name = "This Computer" if is_loopback(entry.address) else urlsplit(entry.address).hostname


def unregister() -> None:
    """Unregister the preferences."""
    for kind in reversed(_CLASSES):
        bpy.utils.unregister_class(kind)
