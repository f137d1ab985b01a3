# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes and clips that others drew, to train on beside the procedural cartoon.

`fetch_sources(folder)` fetches shapes once; `draw_story(load_families(folder, "openmoji", "train"), seed, …)` plays a
story with them; `read_clips(folder)` reads a folder of colored clips, which `store_clips` keeps for training.
"""

from server.training.sources.clips import ClipFilter, ColoredClip, read_clips
from server.training.sources.fetch import SOURCES, FetchError, fetch_sources, load_families
from server.training.sources.library import store_clips
from server.training.sources.story import draw_story

__all__ = [
    "SOURCES",
    "ClipFilter",
    "ColoredClip",
    "FetchError",
    "draw_story",
    "fetch_sources",
    "load_families",
    "read_clips",
    "store_clips",
]
