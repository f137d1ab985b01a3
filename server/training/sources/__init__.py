# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes and clips that others drew, as training data in addition to the procedural cartoon.

`fetch_sources(folder)` fetches shapes once. `draw_puppet_clip(load_families(folder, "openmoji", "train"), seed, …)`
draws a clip with them. `read_clips(folder)` reads a folder of colored clips, which `store_clips` keeps for training.
"""

from server.training.sources.colored_clips import ClipFilter, ColoredClip, read_clips
from server.training.sources.fetch import SOURCES, FetchError, fetch_sources, load_families
from server.training.sources.puppet_clip import draw_puppet_clip
from server.training.sources.stored_clips import store_clips

__all__ = [
    "SOURCES",
    "ClipFilter",
    "ColoredClip",
    "FetchError",
    "draw_puppet_clip",
    "fetch_sources",
    "load_families",
    "read_clips",
    "store_clips",
]
