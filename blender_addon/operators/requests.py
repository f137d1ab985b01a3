# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes export requests from the shots of the open file."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import blend_file
from ..preferences import server_of
from ..shot.batch import BatchShot
from ..shot.request import ShotRequest
from ..takes.take import Placement


def request_of(scene: bpy.types.Scene, folder: Path | None = None) -> ShotRequest:
    """The shot as a scene's settings describe it, with its strips at its own frames in the scene's own Sequencer."""
    shot = scene.longanimation
    options = shot.options()
    placement = Placement(blend_file.name(), scene.name, options.frames.start, shot.layout)
    return ShotRequest(scene.name, scene, options, placement, server_of(scene).address, folder)


def request_of_shot(shot: BatchShot, folder: Path | None = None) -> ShotRequest:
    """A shot of the open file with its scene's settings."""
    scene = bpy.data.scenes[shot.scene]
    settings = scene.longanimation
    placement = Placement(blend_file.name(), shot.timeline, shot.start, settings.layout)
    return ShotRequest(shot.name, scene, settings.options(shot.frames), placement, server_of(scene).address, folder)
