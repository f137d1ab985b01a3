# SPDX-License-Identifier: GPL-3.0-or-later
"""A procedural cartoon: endless clips of line art with known fills, to train on.

`draw_clip(seed, frames, width, height, at=None)` makes up a story and draws it.
"""

from server.training.cartoon.clip import Clip, draw_clip

__all__ = ["Clip", "draw_clip"]
