# SPDX-License-Identifier: GPL-3.0-or-later
"""A procedural cartoon: endless training clips of line art with known fills.

`draw_clip(seed, drawings, width, height, at=None)` makes up a clip and draws it. `PaintedClip.painting` returns the
true colors of a drawing, shaded and lit.
"""

from server.training.cartoon.clip import Clip, Framing, PaintedClip, draw_clip

__all__ = ["Clip", "Framing", "PaintedClip", "draw_clip"]
