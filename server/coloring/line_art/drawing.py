# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawing read once: what is paper and what is ink, whatever colors both have.

Over white paper, an ink of the color C that covers a pixel by the share a gives 255 − a (255 − C). All pixels of an ink
lie on one ray from white. So pixels with one direction from white are one ink, and the strongest are covered whole.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from shared.checks.flaws import is_swapped

from .regions import LINE_BELOW, SMALLEST_REGION, nearest, paper_blocks
from .traces import find_traces

FAINTEST = 12
"""On clean paper, what is darker than white by this is ink. Less is grain or compression."""
NEARLY_BLACK = 32
"""Ink that is darker than this is black: a gray pixel of it is partly covered. Other inks have a color of their own."""
DARKEST_SHADE = 0.45
"""Where the light is weaker than this share of the brightest, the sheet is dark ink, not paper in the shade."""
SMALLEST_SHARE = 0.02
"""Of all ink in a drawing, an ink has at least this share."""

_STEPS = 7  # directions from white are told apart in so many steps of a channel
_GRAY = 6  # in a direction with this step in all channels, scanners and compression may have tinted a gray ink
_SQUARE = np.ones((5, 5), np.uint8)


class LineFault(Enum):
    """Why a drawing has no lines to color by: it is blank paper, or it is light on a dark ground."""

    BLANK = auto()
    LIGHT_ON_DARK = auto()


class Drawing(NamedTuple):
    """A drawing, its paper divided out.

    line_art: uint8 [H, W], 0 where ink of any color covers the pixel, 255 is paper.
    ink: the lines as they are drawn, to be laid over colors: straight RGBA uint8 [H, W, 4], or `line_art` itself if all
        ink is black. Color-trace lines are not in it.
    """

    line_art: np.ndarray
    ink: np.ndarray


def read_drawing(pixels: np.ndarray, traces: Sequence[str] = ()) -> Drawing:
    """Separate a picture, straight RGBA uint8 [H, W, 4], into ink and paper.

    The paper may be gray or colored, unevenly lit and grainy, or transparent. On paper that is not transparent, the
    strongest pixels of each ink are opaque and keep their color, and weaker ones are partly covered. Alpha that the
    picture has is kept. Thin white strokes on a transparent ground are ink, too.

    traces: the colors of color-trace lines, as `#rrggbb`. They are in the line art and not in the ink.
    """
    alpha = np.ascontiguousarray(pixels[..., 3])
    sheet = _divide_by_paper(_over_white(pixels) if alpha.min() < 255 else np.ascontiguousarray(pixels[..., :3]))
    red, green, blue = cv2.split(sheet)
    if np.array_equal(red, green) and np.array_equal(red, blue):
        coverage, is_black = _gray_coverage(255 - red)
    else:
        coverage, is_black = _coverage(255 - sheet), False
    strokes = _white_strokes(pixels, alpha)
    if strokes is None and is_black:
        line_art = 255 - coverage
        return Drawing(line_art, line_art)
    covered = cv2.min(coverage, alpha)
    # A color that is mixed with white by its coverage gives the sheet. Where nothing is covered, OpenCV divides to 0.
    color = [255 - cv2.divide(255 - channel, covered, scale=255) for channel in (red, green, blue)]
    ink = cv2.merge([*color, covered])
    if strokes is not None:
        ink = np.where((strokes > covered)[..., None], pixels, ink)
        coverage = cv2.max(coverage, strokes)
    if traces:
        ink[find_traces(255 - sheet, traces), 3] = 0
    return Drawing(255 - coverage, ink * (ink[..., 3:] > 0))


def line_fault(line_art: np.ndarray) -> LineFault | None:
    """Return why line art uint8 [H, W] has no lines to color by, or None if it has some.

    Nothing else decides whether a drawing has lines.
    """
    if not (line_art < LINE_BELOW).any():
        return LineFault.BLANK
    return LineFault.LIGHT_ON_DARK if is_swapped(line_art) else None


def _over_white(pixels: np.ndarray) -> np.ndarray:
    image = Image.fromarray(pixels)
    return np.array(Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB"))


def _divide_by_paper(sheet: np.ndarray) -> np.ndarray:
    """Make the paper of a sheet, RGB uint8 [H, W, 3], white. A sheet of which half is white already stays as it is."""
    darkest = cv2.min(cv2.min(sheet[..., 0], sheet[..., 1]), sheet[..., 2])
    if 2 * np.count_nonzero(darkest == 255) >= darkest.size:
        return sheet
    height, width = darkest.shape
    blocks = paper_blocks(height, width)
    small = cv2.resize(sheet, blocks, interpolation=cv2.INTER_AREA)
    ratio = _ratio(sheet, cv2.medianBlur(small, 9).astype(np.float32))
    if np.count_nonzero(ratio > 1.25) > np.count_nonzero(ratio < 7 / 8):
        return sheet  # light lines on a dark ground
    bright = cv2.medianBlur(cv2.dilate(small, _SQUARE), 9)
    whole = np.percentile(bright.reshape(-1, 3), 90, axis=0)
    lit = (bright >= DARKEST_SHADE * whole).all(axis=2)
    if not lit.any():
        return sheet
    rough = bright.reshape(-1, 3)[nearest(lit)].astype(np.float32)
    paper = cv2.erode((_ratio(sheet, rough) >= 7 / 8).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    share = cv2.resize(paper, blocks, interpolation=cv2.INTER_AREA)
    known = share >= 0.25
    if not known.any():
        return sheet
    shares = np.maximum(share, 1e-6)
    sums = [cv2.resize(channel * paper, blocks, interpolation=cv2.INTER_AREA) for channel in cv2.split(sheet)]
    mean = np.stack([total / shares for total in sums], axis=2)
    color = cv2.blur(mean.reshape(-1, 3)[nearest(known)], (3, 3))
    median, low = np.percentile(_ratio(sheet, color)[paper > 0], (50, 5))
    white = max(7 / 8, median - 2 * (median - low))  # 3.3 standard deviations of the grain below the middle
    clean = [channel / large * 255 for channel, large in _beside(sheet, color * np.float32(white))]
    return cv2.merge([np.round(np.minimum(channel, 255)).astype(np.uint8) for channel in clean])


def _beside(sheet: np.ndarray, paper: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield each channel of a sheet, uint8 [H, W], and that of its paper (float32 [h, w, 3], smaller), [H, W]."""
    for channel, color in zip(cv2.split(sheet), cv2.split(paper), strict=True):
        yield channel, np.maximum(cv2.resize(color, sheet.shape[1::-1]), 1)


def _ratio(sheet: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """Return the least ratio of a pixel's channels to the paper's (float32 [h, w, 3], smaller), float32 [H, W]."""
    return functools.reduce(cv2.min, [channel / large for channel, large in _beside(sheet, paper)])


def _gray_coverage(strength: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the coverage uint8 [H, W] of gray ink with this strength (uint8 [H, W]), and whether the ink is black."""
    counts = cv2.calcHist([strength], [0], None, [256], [0, 256]).reshape(1, 256).astype(np.int64)
    if _full(counts, 0.99)[0] >= 255 - NEARLY_BLACK:  # thin black lines cover few pixels whole
        return strength, True
    full = _full(counts, 0.9)[0]
    return cv2.convertScaleAbs(strength, alpha=255 / full), False


def _coverage(absorbed: np.ndarray) -> np.ndarray:
    """Return the coverage uint8 [H, W] of inks of several colors, from what they absorb of white, uint8 [H, W, 3]."""
    channels = cv2.split(absorbed)
    strength = cv2.max(cv2.max(channels[0], channels[1]), channels[2])
    steps = [cv2.divide(channel, strength, scale=_STEPS).astype(np.uint16) for channel in channels]
    number = _directions()[(steps[0] << 6) | (steps[1] << 3) | steps[2]]
    number[strength < FAINTEST] = 0
    # Weak pixels have no certain direction, so every pixel takes that of the strongest one beside it.
    beside = np.asarray(cv2.dilate((strength.astype(np.uint16) << 8) | number, _SQUARE)).astype(np.uint8)
    core = (strength == cv2.dilate(strength, _SQUARE)) & (number > 0)
    counts = np.bincount(number[core].astype(np.int64) << 8 | strength[core], minlength=65536).reshape(256, 256)
    full = _full(counts, 0.9)
    total = counts @ np.arange(256)
    # Other directions are those of mixtures and of what compression leaves beside lines.
    inks = (counts.sum(axis=1) >= SMALLEST_REGION) & (total >= SMALLEST_SHARE * total.sum())
    full = np.where(inks, full, full[inks].max(initial=0) or 255)
    gray = _directions()[-1]
    full[gray] = 255 if full[gray] >= 255 - NEARLY_BLACK else full[gray]
    return cv2.divide(strength, full.astype(np.uint8)[beside], scale=255)


def _directions() -> np.ndarray:
    """Return the number, 1 or more, of each direction from white, uint8 [512]: three steps with three bits each."""
    steps = np.stack(np.unravel_index(np.arange(512), (8, 8, 8)), axis=1)
    direction = np.where((steps >= _GRAY).all(axis=1), 511, np.arange(512))
    possible = np.unique(direction[steps.max(axis=1) == _STEPS])
    return (np.searchsorted(possible, direction) + 1).astype(np.uint8)


def _full(counts: np.ndarray, quantile: float) -> np.ndarray:
    """Return the strength [N] of full coverage, from how often each strength occurs, [N, 256]. 255 if there is no ink.

    It is a quantile, because single pixels may be dust.
    """
    ink = counts.copy()
    ink[:, :FAINTEST] = 0
    total = ink.sum(axis=1)
    full = (np.cumsum(ink, axis=1) >= quantile * total[:, None]).argmax(axis=1)
    return np.where(total >= SMALLEST_REGION, full, 255)


def _white_strokes(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray | None:
    """Return the alpha uint8 [H, W] of white strokes on a transparent ground, or None if there are none.

    White areas are paper. Where any is wider than a line, all white is paper.
    """
    ground = alpha < 128
    if 2 * np.count_nonzero(ground) < ground.size:
        return None
    white = (pixels[..., :3] > 255 - FAINTEST).all(axis=2)
    if not (white & ~ground).any() or _has_wide(white & ~ground):
        return None
    return np.where(white, alpha, 0)


def _has_wide(area: np.ndarray) -> bool:
    """Whether a disk that is wider than any line (a 30th of the height) fits into an area, bool [H, W]."""
    depth = cv2.distanceTransform(np.pad(area.astype(np.uint8), 1), cv2.DIST_L2, 5)
    return bool(depth.max() > max(4, area.shape[0] / 60))
