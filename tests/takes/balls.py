# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawings of a small take: two balls on the sky."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

SKY, RED, GREEN, BLUE = (190, 210, 240), (200, 30, 30), (20, 160, 60), (20, 40, 220)
SIZE = 160, 90
TIMING = (0, 0, 1, 2, 3)
HIDDEN = 2
"""The drawing in which the left ball is not seen."""


def drawing(index: int) -> tuple[np.ndarray, np.ndarray]:
    """Two red balls that move to the right, and whose lines meet: fills RGB uint8 [H, W, 3], line art uint8 [H, W]."""
    fills, lines = Image.new("RGB", SIZE, SKY), Image.new("L", SIZE, 255)
    for left in (20, 70):
        if index == HIDDEN and left == 20:
            continue
        box = (left + 6 * index, 20, left + 6 * index + 50, 70)
        ImageDraw.Draw(fills).ellipse(box, RED)
        ImageDraw.Draw(lines).ellipse(box, None, 0, 3)
    return np.asarray(fills).copy(), np.asarray(lines).copy()
