# SPDX-License-Identifier: GPL-3.0-or-later
"""LongAnimation Color: colors a hand-drawn shot from one painted keyframe.

Blender's modules are imported only when the extension is registered, so that the parts that communicate with the server
can be used and tested outside Blender.
"""


def _parts() -> tuple:
    from . import cli, handlers, keymap, manual, operators, panels, preferences, properties, translations

    return translations, preferences, properties, operators, handlers, panels, keymap, manual, cli


def register() -> None:
    """Called by Blender when the extension is enabled."""
    for part in _parts():
        part.register()


def unregister() -> None:
    """Called by Blender when the extension is disabled."""
    for part in reversed(_parts()):
        part.unregister()
