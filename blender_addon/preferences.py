# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's preferences: which server, which token, where takes go."""

import itertools
import os
import time
from pathlib import Path
from types import SimpleNamespace

import bpy

from .errors import ServerError
from .remote.client import Client, is_loopback

_TOKEN_VARIABLE = "LONGANIMATION_TOKEN"


class LONGANIMATION_preferences(bpy.types.AddonPreferences):
    """Shown in Blender's preferences, under Add-ons."""

    bl_idname = __package__

    server: bpy.props.StringProperty(
        name="Server",
        description="Address of the colouring server",
        default="http://127.0.0.1:7860",
    )
    token: bpy.props.StringProperty(
        name="Token",
        description=f"What the server's administrator gave you; the environment variable {_TOKEN_VARIABLE} goes first",
        subtype="PASSWORD",
    )
    output: bpy.props.StringProperty(
        name="Output",
        description="Folder that takes are written to; one that begins with // lies beside the .blend file",
        subtype="DIR_PATH",
        default="//longanimation/",
    )

    def draw(self, _context: bpy.types.Context) -> None:
        """Called by Blender."""
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "server")
        if os.environ.get(_TOKEN_VARIABLE):
            layout.label(text=f"The token comes from {_TOKEN_VARIABLE}", icon="INFO")
        else:
            layout.prop(self, "token")
        layout.prop(self, "output")
        layout.operator("longanimation.test_connection")


def current() -> LONGANIMATION_preferences:
    """Return the preferences in force."""
    return bpy.context.preferences.addons[__package__].preferences


def server_of(_scene: bpy.types.Scene) -> "SimpleNamespace":
    return SimpleNamespace(address=current().server)


def make_client(address: str = "") -> Client:
    """A client for the preferred server. Raises ServerError when Blender may not go online for it."""
    preferences = current()
    if not bpy.app.online_access and not is_loopback(preferences.server):
        remedy = (
            "Launch Blender without --offline-mode"
            if bpy.app.online_access_override
            else "Enable online access in System preferences"
        )
        raise ServerError(f"Online access required to reach {preferences.server}. {remedy}")
    return Client(address or preferences.server, os.environ.get(_TOKEN_VARIABLE) or preferences.token)


def output_folder() -> Path:
    """The folder that the takes of the open file go to; one of the user's for a file that was never saved."""
    output = current().output
    if output.startswith("//") and not bpy.data.filepath:
        return Path(bpy.utils.extension_path_user(__package__, path="takes", create=True))
    return Path(bpy.path.abspath(output))


def new_take_folder(shot: str) -> Path:
    """A folder of its own for the next take of a shot."""
    name = f"{bpy.path.clean_name(shot)}-{time.strftime('%Y%m%d-%H%M%S')}"
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(folder for folder in (output_folder() / one for one in names) if not folder.exists())


def register() -> None:
    """Make the preferences known to Blender."""
    bpy.utils.register_class(LONGANIMATION_preferences)


def unregister() -> None:
    """Take the preferences back."""
    bpy.utils.unregister_class(LONGANIMATION_preferences)
