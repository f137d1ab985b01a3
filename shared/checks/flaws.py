# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what is wrong with a drawing, or with a keyframe and its drawing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from .alignment import agreement, align, darkest_channel
from .drawing_difference import ink_share

Severity = Literal["error", "warning", "note"]

_BLACK = 64
"""A ground darker than this, a quarter of white, is black. Paper of any color is lighter."""
_CONTRAST = 48
"""What differs from the ground by more than this is drawn on it."""
_WIDEST_LINE = 30
"""Share of the height that no line is as wide as: one thirtieth."""
_VISIBLE = 8
"""From this alpha on, of 255, a pixel is not transparent."""
_COLORED = 8
"""From this difference between its channels on, a pixel has a color."""
_SPECKS = 1e-4
"""Smallest share of a painting's pixels that is not taken for stray ones."""
_OFF_LINES = 250
"""A pixel of line art that is lighter than this lies off the lines, smooth edges included."""
_SURE = 0.85
"""From this agreement of lines on, no other drawing is compared. A painting of its own drawing has about 0.97."""
_SAME, _BETTER = 0.6, 0.15
"""A painting shows another drawing if their lines agree by this much, and by this much more than with its own."""


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a drawing or a keyframe.

    severity: an error stops the coloring, unless the animator says that the image is right; a warning is a doubt. code:
    a stable name. template, values: the sentence, with names in braces, and their values.
    """

    severity: Severity
    code: str
    template: str
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The sentence in English."""
        return self.template.format(**self.values)


SWAPPED = Flaw("error", "swapped", "The frame is mostly black: line art is dark on white. Are black and white swapped?")
CLEAR = Flaw("error", "transparent", "The keyframe is completely transparent: paint it.")


def is_swapped(line_art: np.ndarray) -> bool:
    """Whether line art uint8 [H, W] is light on a dark ground. Nothing else decides this, in Blender and on the server.

    More of it is lighter than its ground than darker, and nothing of that is wider than a line. Solid blacks may cover
    most of a drawing, as at night, but then the paper between them is wider.
    """
    ground = int(np.median(line_art))
    light = line_art > ground + _CONTRAST
    if np.count_nonzero(light) > np.count_nonzero(line_art < ground - _CONTRAST):
        return not _has_wide(light)
    return ground < _BLACK


def _has_wide(area: np.ndarray) -> bool:
    """Whether a square that is wider than any line fits into an area, bool [H, W]."""
    side = max(7, area.shape[0] // _WIDEST_LINE)
    if side > min(area.shape):
        return False
    total = np.pad(area, ((1, 0), (1, 0))).cumsum(axis=0, dtype=np.int32).cumsum(axis=1)
    inside = total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
    return bool(inside.max() == side**2)


def is_clear(painting: np.ndarray) -> bool:
    """Whether a painting uint8 [H, W, 3 or 4] is transparent all over."""
    return painting.shape[2] == 4 and float(np.mean(painting[..., 3] >= _VISIBLE)) < _SPECKS


def check_drawing(line_art: np.ndarray) -> Flaw | None:
    """Check line art uint8 [H, W]."""
    if ink_share(line_art) == 0:
        return Flaw("warning", "blank", "The frame is white: is the drawing hidden or out of sight?")
    return SWAPPED if is_swapped(line_art) else None


def check_painting(painting: np.ndarray, line_art: np.ndarray) -> Flaw | None:
    """Check the colors of a painting uint8 [h, w, 3 or 4] of line art uint8 [H, W].

    It must have colors, or several grays, off the lines. The bare line art has none there, even if its lines are
    colored.
    """
    if is_clear(painting):
        return CLEAR
    channels = [painting[..., index] for index in range(3)]
    highest, lowest = (best(best(*channels[:2]), channels[2]) for best in (np.maximum, np.minimum))
    seen = painting[..., 3] >= _VISIBLE if painting.shape[2] == 4 else np.ones(highest.shape, bool)
    painted = highest - lowest >= _COLORED
    if painting.shape[:2] == line_art.shape:
        seen &= line_art >= _OFF_LINES
        grays = highest.astype(np.int16)
        painted |= np.abs(grays - np.median(grays[seen] if seen.any() else grays)) >= _COLORED
    if float(np.mean(painted & seen)) < _SPECKS:
        return Flaw("warning", "uncolored", "The keyframe has no colors: paint it, or choose another.")
    return None


def check_keyframe(
    painting: np.ndarray, line_art: np.ndarray, others: Iterable[tuple[int, np.ndarray]] = ()
) -> Flaw | None:
    """Check a painting uint8 [h, w, 3 or 4] against its drawing, line art uint8 [H, W].

    others: the shot's drawings, each with its frame. They are read only if the painting's own drawing does not match
    it well.
    """
    if (found := check_painting(painting, line_art)) is not None:
        return found
    if np.ptp(darkest_channel(painting)) == 0:  # there are no lines to compare
        return None
    alignment = align(painting, line_art)
    if alignment.verdict == "aligned" and alignment.before >= _SURE:
        return None
    agreements = [(agreement(painting, other), -frame) for frame, other in others]
    best, frame = max(agreements, default=(0.0, 0))
    if best >= max(_SAME, alignment.before + _BETTER):
        return Flaw(
            "warning",
            "another_frame",
            "The keyframe shows the drawing of frame {other}, not this one: choose frame {other} for it.",
            {"other": -frame},
        )
    if alignment.verdict == "aligned":
        return None
    if alignment.verdict == "unrelated":
        return Flaw(
            "warning", "another_drawing", "The keyframe shows another drawing: its lines do not match this frame."
        )
    values = {"x": abs(alignment.dx), "y": abs(alignment.dy), "scale": 100 / alignment.scale}
    return Flaw(
        "warning",
        "misaligned",
        "The keyframe is not aligned with its drawing: it is off by {x} pixels horizontally and {y} vertically, "
        "and is at {scale} % of its size. Fit it.",
        {name: round(value) for name, value in values.items()},
    )
