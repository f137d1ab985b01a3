# SPDX-License-Identifier: GPL-3.0-or-later
"""Every difference between Blender 4.2 and 5.2 that the extension meets."""

import bpy


def strips_of(holder: "bpy.types.SequenceEditor | bpy.types.MetaStrip") -> "bpy.types.bpy_prop_collection":
    """The top-level strips of an editor, or those of a meta strip (`sequences` before 4.4)."""
    return holder.strips if hasattr(holder, "strips") else holder.sequences


def all_strips_of(editor: "bpy.types.SequenceEditor") -> "bpy.types.bpy_prop_collection":
    """The editor's strips, those in meta strips too (`sequences_all` before 4.4)."""
    return editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all


def set_length(strip: "bpy.types.Strip", frames: int) -> None:
    """Let a strip end so many frames after its start: a meta strip does not follow what is put into it."""
    if hasattr(strip, "right_handle"):
        strip.right_handle = strip.left_handle + frames
    else:
        strip.frame_final_end = strip.frame_final_start + frames


def strip_range(strip: "bpy.types.Strip") -> range:
    """The frames a strip covers. Since 5.1 `left_handle` and `duration` replace the `frame_final_…` names."""
    if hasattr(strip, "left_handle"):
        return range(int(strip.left_handle), int(strip.left_handle + strip.duration))
    return range(strip.frame_final_start, strip.frame_final_end)


def content_start(strip: "bpy.types.Strip") -> int:
    """The frame at which a strip's content would begin if nothing were cut off (`frame_start` before 5.1)."""
    return int(strip.content_start if hasattr(strip, "content_start") else strip.frame_start)


def sequencer_scene(context: "bpy.types.Context") -> "bpy.types.Scene":
    """The scene whose strips the Sequencer edits: since 5.0 the workspace may pin another one."""
    workspace = context.workspace
    return getattr(workspace, "sequencer_scene", None) or context.scene


def is_grease_pencil(item: "bpy.types.Object") -> bool:
    """Tell whether an object is Grease Pencil (the type was GPENCIL before 4.3)."""
    return item.type in {"GREASEPENCIL", "GPENCIL"}


def add_fill_tint(item: "bpy.types.Object", name: str) -> "bpy.types.Modifier":
    """Add a Tint modifier that recolours the fills of a Grease Pencil object and leaves its lines alone."""
    if item.type == "GPENCIL":
        modifier = item.grease_pencil_modifiers.new(name, "GP_TINT")
        modifier.vertex_mode = "FILL"
    else:
        modifier = item.modifiers.new(name, "GREASE_PENCIL_TINT")
        modifier.color_mode = "FILL"
    return modifier


def remove_fill_tint(item: "bpy.types.Object", modifier: "bpy.types.Modifier") -> None:
    """Remove what `add_fill_tint` added."""
    (item.grease_pencil_modifiers if item.type == "GPENCIL" else item.modifiers).remove(modifier)


def optional(owner: object, **values: object) -> dict[str, object]:
    """Those of `values` that `owner` has in this Blender: for settings that came or went between versions."""
    return {name: value for name, value in values.items() if hasattr(owner, name)}
