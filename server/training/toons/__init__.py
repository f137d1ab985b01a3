# SPDX-License-Identifier: GPL-3.0-or-later
"""Toons: three-dimensional figures, posed and seen from all sides, as cel drawings.

`draw_toon_clip(load_bodies(file, "train"), seed, …)` draws a clip with bodies that `fetch_sources` fetched.
"""

from server.training.toons.bodies import Body, load_bodies
from server.training.toons.toon_clip import draw_toon_clip

__all__ = ["Body", "draw_toon_clip", "load_bodies"]
