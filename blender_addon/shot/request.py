# SPDX-License-Identifier: GPL-3.0-or-later
"""What to export, and where to put the result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy

from ..takes.take import Placement
from .options import ShotOptions


@dataclass(frozen=True)
class ShotRequest:
    """One shot to color.

    name: the shot's name. scene: the scene with its drawings. placement: where the strips go. server: the address of
    the server that colors it. folder: folder of the new take; None for a new one in the output folder.
    """

    name: str
    scene: bpy.types.Scene
    options: ShotOptions
    placement: Placement
    server: str
    folder: Path | None = None
