# SPDX-License-Identifier: GPL-3.0-or-later
"""Shortcuts, which the animator can change in the preferences (Blender manual, Preferences › Keymap)."""

import bpy

_EDITORS = {"3D View": "VIEW_3D", "Sequencer": "SEQUENCE_EDITOR", "Image": "IMAGE_EDITOR"}
SHORTCUTS = {
    "longanimation.add_keyframe": "K",
    "longanimation.color_shot": "L",
    "longanimation.fix_frame": "F",
}
"""The key of each operator, with Ctrl, Alt and Shift held; Blender uses none of these."""

_items: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def register() -> None:
    """Add the shortcuts; background Blender has no keys."""
    configuration = bpy.context.window_manager.keyconfigs.addon
    if configuration is None:
        return
    for name, space in _EDITORS.items():
        keymap = configuration.keymaps.new(name=name, space_type=space)
        for operator, key in SHORTCUTS.items():
            _items.append((keymap, keymap.keymap_items.new(operator, key, "PRESS", ctrl=True, alt=True, shift=True)))


def unregister() -> None:
    """Remove the shortcuts."""
    for keymap, item in _items:
        keymap.keymap_items.remove(item)
    _items.clear()
