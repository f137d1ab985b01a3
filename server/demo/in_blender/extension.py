# SPDX-License-Identifier: GPL-3.0-or-later
"""Installation of the built extension in the running Blender."""

import bpy

EXTENSION = "bl_ext.user_default.longanimation_color"
"""Blender's name for the extension when it is installed from a file."""


def install_extension(archive: str) -> None:
    """Install and enable a built extension through Blender's own extension system."""
    bpy.ops.extensions.package_install_files(
        filepath=archive, repo="user_default", enable_on_install=True, overwrite=True
    )
    if EXTENSION not in bpy.context.preferences.addons:
        raise RuntimeError(f"Blender did not enable {archive}")
