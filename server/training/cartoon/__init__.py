# SPDX-License-Identifier: GPL-3.0-or-later
"""A procedural cartoon: endless clips of line art with known fills, to train on.

`draw_clip(seed, drawings, width, height, at=None)` invents a clip and draws it. `PaintedClip.painting` returns the true
colors of a drawing, shaded and lit.
"""

from server.training.cartoon.clip import Clip, PaintedClip, draw_clip

__all__ = ["Clip", "PaintedClip", "draw_clip"]
