# SPDX-License-Identifier: GPL-3.0-or-later
"""The open .blend file: its name in takes, and the takes that belong to it."""

from __future__ import annotations

import uuid
from pathlib import Path, PureWindowsPath

import bpy

from . import compat
from .preferences import current, output_folder
from .sequencer.strips import JOB
from .takes.take import Take

_unsaved = ""
"""Identifies the file until it has a path."""


def reset() -> None:
    """Forget the previous file, because another one is open."""
    global _unsaved
    _unsaved = f"unsaved:{uuid.uuid4()}"


def name() -> str:
    """The file's name in a take's placement: its path, or a unique name while it has none."""
    return bpy.data.filepath or _unsaved


def shows(take: Take) -> bool:
    """Whether the scene that shows the take is in the file."""
    return take.placement.blend == name() and take.placement.scene in bpy.data.scenes


def takes() -> dict[str, tuple[bpy.types.Scene, Path]]:
    """The scene and the folder of each take whose strips are in the file, by job.

    Blender updates the strips' paths when the file is saved elsewhere.
    """
    found = {}
    for scene in bpy.data.scenes:
        for strip in compat.all_strips_of(scene.sequence_editor) if scene.sequence_editor else ():
            if JOB in strip and strip.type == "IMAGE":
                found[strip[JOB]] = scene, Path(bpy.path.abspath(strip.directory)).parent
    return found


def was_moved_with_file(take: Take) -> bool:
    """Whether a take was moved with the file: it is beside the file, and its record names a file that is gone."""
    former = PureWindowsPath(take.placement.blend)  # it accepts both kinds of slashes
    is_beside = current().output.startswith("//") and take.folder.parent == output_folder()
    return is_beside and former.name == Path(bpy.data.filepath).name and not Path(take.placement.blend).exists()
