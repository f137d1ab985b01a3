# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension enabled and disabled."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import bpy

from benchmarks.blender.stage import extension
from server.demo.in_blender.extension import EXTENSION


def registration() -> dict[str, Any]:
    """What the enabled extension adds, and what is left of it when it is disabled."""

    def added() -> dict[str, bool]:
        return {
            "scene settings": hasattr(bpy.types.Scene, "longanimation"),
            "operator": "color_shot" in dir(bpy.ops.longanimation),
            "sequencer panel": hasattr(bpy.types, "LONGANIMATION_PT_sequence_shot"),
            "3D view panel": hasattr(bpy.types, "LONGANIMATION_PT_view_shot"),
            **{menu: _operators_in(menu) for menu in _MENUS},
        }

    server = bpy.context.preferences.addons[EXTENSION].preferences.server
    enabled = added()
    bpy.ops.preferences.addon_disable(module=EXTENSION)
    disabled = added()
    bpy.ops.preferences.addon_enable(module=EXTENSION)
    alone = [name for name in ("shot", "checks", "queue", "takes", "batch") if not _is_within(name)]
    return {"server": server, "enabled": enabled, "disabled": disabled, "again": added(), "alone": alone}


_MENUS = (
    *("TOPBAR_MT_render", "SEQUENCER_MT_strip", "DOPESHEET_MT_key", "IMAGE_MT_image"),
    *(("VIEW3D_MT_paint_grease_pencil",) if bpy.app.version >= (4, 3) else ("VIEW3D_MT_draw_gpencil",)),
    *(("VIEW3D_MT_edit_greasepencil",) if bpy.app.version >= (4, 3) else ("VIEW3D_MT_edit_gpencil",)),
)
"""Menus of Blender's in which an animator looks."""


def _operators_in(menu: str) -> bool:
    """Whether the extension adds operators to a menu, all of which exist."""
    layout = MagicMock()
    for draw in getattr(bpy.types, menu).draw._draw_funcs:
        if draw.__module__.startswith(EXTENSION):
            draw(type(menu, (), {"layout": layout})(), None)
    names = [call.args[0].removeprefix("longanimation.") for call in layout.operator.call_args_list]
    return bool(names) and set(names) <= set(dir(bpy.ops.longanimation))


def manual_addresses() -> dict[str, str]:
    """Where *Online Manual* leads from each operator, and from two settings."""
    names = [f"bpy.ops.longanimation.{name}" for name in dir(bpy.ops.longanimation)]
    names += ["bpy.types.LONGANIMATION_lineart.step", "bpy.types.LONGANIMATION_paint.changed"]
    view = bpy.types.WM_OT_doc_view_manual
    return {name: view._lookup_rna_url(name, verbose=False) for name in names}


def _is_within(section: str) -> bool:
    return hasattr(getattr(bpy.types, f"LONGANIMATION_PT_view_{section}"), "bl_parent_id")


def uninstalled() -> dict[str, bool]:
    """What is left of a take of a file that was never saved, and of the extension, when that is uninstalled."""
    take = extension("preferences").new_take_folder("shot")
    take.mkdir(parents=True)
    repository = next(one for one in bpy.context.preferences.extensions.repos if one.module == "user_default")
    bpy.ops.extensions.package_uninstall(repo_directory=repository.directory, pkg_id=EXTENSION.rpartition(".")[2])
    return {"extension": EXTENSION in bpy.context.preferences.addons, "take": take.is_dir()}
