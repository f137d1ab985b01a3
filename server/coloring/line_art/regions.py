# SPDX-License-Identifier: GPL-3.0-or-later
"""Closed regions of line art, found so that small gaps in the lines do not leak.

Based on trapped-ball segmentation (Zhang et al., "Vectorizing Cartoon Animations", 2009), but reversed: an area stays
one region, including its thin parts, unless a ball that fits on both sides does not fit through the passage between
them, and that passage is a break in a line rather than a corridor.
"""

from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
from skimage.measure import label

from shared.manifest import SMALLEST_REGION

LINE_BELOW = 200
"""On white paper, line art darker than this is line; thin anti-aliased lines are never all lighter."""
GAP = 1 / 36
"""The widest break in a line that is closed, in heights of a drawing, unless another is asked for; but at least
`LEAST_GAP` pixels."""
LEAST_GAP = 4
_DARKEST_PAPER = 128
_ROWS = 45
_MOST_COLUMNS = 4096  # an image of a few rows and millions of columns may be uploaded

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


@dataclass(frozen=True)
class Regions:
    """A partition of a drawing.

    labels: int32 [H, W], the region of every pixel, 0 … count - 1; a line pixel belongs to the nearest region.
    is_line: bool [H, W], the pixels of the lines.
    depth: float32 [H, W], distance in pixels to the nearest line, 0 on the lines.
    """

    labels: np.ndarray
    is_line: np.ndarray
    depth: np.ndarray
    count: int

    def sources(self, sure: np.ndarray) -> np.ndarray:
        """For every pixel, the flat index [H, W] of the `sure` (bool [H, W]) pixel to copy from.

        This is the nearest sure pixel. If that lies in another region, it is the deepest sure pixel of the pixel's own
        region instead. If its own region has none, it is the nearest one after all. If no pixel is sure, every pixel
        is its own source.
        """
        labels = self.labels.ravel()
        itself = np.arange(labels.size)
        if not sure.any():
            return itself.reshape(self.labels.shape)
        source = nearest(sure)
        own = _deepest(self.depth, self.labels, self.count, np.flatnonzero(sure))[labels]
        astray = (labels[source.ravel()] != labels) & (own >= 0)
        return np.where(astray, own, source.ravel()).reshape(self.labels.shape)


def find_paper(line_art: np.ndarray, smallest: int = SMALLEST_REGION) -> np.ndarray:
    """Return where line art uint8 [H, W] is paper, bool [H, W]. The paper may be gray and uneven.

    A line is darker than seven eighths of the paper around it, and the brightest pixels count as that paper. Areas of
    fewer than `smallest` pixels are specks between line pixels, and are counted as lines.
    """
    height, width = line_art.shape
    blocks = cv2.resize(line_art, paper_blocks(height, width), interpolation=cv2.INTER_AREA)
    level = cv2.medianBlur(cv2.dilate(blocks, np.ones((5, 5), np.uint8)), 5)
    threshold = cv2.resize(np.maximum(level, _DARKEST_PAPER), (width, height)) * np.float32(7 / 8)
    paper = (line_art >= threshold).astype(np.uint8)
    _, areas, stats, _ = cv2.connectedComponentsWithStats(paper, connectivity=4, ltype=cv2.CV_32S)
    large = stats[:, cv2.CC_STAT_AREA] >= smallest
    large[0] = False
    return large[areas]


def paper_blocks(height: int, width: int) -> tuple[int, int]:
    """Return in how many blocks (columns, rows) the brightness of a sheet is measured."""
    return min(max(1, width * _ROWS // height), _MOST_COLUMNS), _ROWS


def find_regions(line_art: np.ndarray, gap: float | None = None, smallest: int = SMALLEST_REGION) -> Regions:
    """Find the closed regions of line art uint8 [H, W].

    gap: the widest break in a line that is still closed, in heights of the drawing; by default `GAP`. The areas on both
    sides must be clearly wider than the break itself. smallest: areas of fewer pixels join the nearest region.
    """
    paper = find_paper(line_art, smallest)
    depth, is_line = _depth(paper), ~paper
    height = len(line_art)
    widest = max(LEAST_GAP, round(GAP * height)) if gap is None else gap * height
    free = (paper & ~_closures(paper, depth, widest)).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(free, connectivity=4, ltype=cv2.CV_32S)
    keep = stats[:, cv2.CC_STAT_AREA] >= smallest
    keep[0] = False  # connectedComponents counts everything that is not free as component 0
    if not keep.any():
        return Regions(np.zeros(line_art.shape, np.int32), is_line, depth, 1)
    number = (np.cumsum(keep) - 1).astype(np.int32)
    inside = keep[labels]
    return Regions(number[labels].ravel()[nearest(inside)], is_line, depth, int(keep.sum()))


def entry_regions(line_art: np.ndarray, entries: np.ndarray) -> Regions:
    """The regions that lines and palette entries uint16 [H, W] bound, in line art uint8 [H, W]."""
    paper = find_paper(line_art)
    labels, count = label(np.where(paper, entries.astype(np.int32) + 1, 0), connectivity=1, return_num=True)
    if not count:
        return Regions(np.zeros(line_art.shape, np.int32), ~paper, np.zeros(line_art.shape, np.float32), 1)
    # Also zero where the entry changes; otherwise the deepest places would be there.
    inside = (paper & (cv2.morphologyEx(entries, cv2.MORPH_GRADIENT, _CROSS) == 0)).astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    filled = (labels - 1).ravel()[nearest(paper)].astype(np.int32)
    return Regions(filled, ~paper, depth, count)


def nearest(wanted: np.ndarray) -> np.ndarray:
    """For every pixel, the flat index int64 [H, W] of the nearest one that is `wanted` (bool [H, W], not empty)."""
    _, labels = cv2.distanceTransformWithLabels(
        (~wanted).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    index_of = np.zeros(labels.max() + 1, np.int64)
    at = np.flatnonzero(wanted)
    index_of[labels.ravel()[at]] = at
    return index_of[labels]


def grow(labels: np.ndarray, paper: np.ndarray, steps: int) -> np.ndarray:
    """Grow labels (integers [H, W], 0 is none) by `steps` pixels over the paper (uint8 [H, W], 0 is closed).

    Steps are straight only: a diagonal one would cross thin lines.
    """
    reached = np.pad(labels, 1)
    open_to = (np.pad(paper, 1) > 0) & (reached == 0)
    flat, is_open = reached.ravel(), open_to.ravel()
    rim = (reached > 0) & (cv2.dilate(open_to.astype(np.uint8), _CROSS) > 0)
    front = np.flatnonzero(rim)
    for _ in range(steps):
        fresh = []
        for offset in (-1, 1, -reached.shape[1], reached.shape[1]):
            target = front + offset
            ok = is_open[target]
            target = target[ok]
            flat[target] = flat[front[ok]]
            is_open[target] = False
            fresh.append(target)
        front = np.concatenate(fresh)
    return reached[1:-1, 1:-1]


def _deepest(depth: np.ndarray, labels: np.ndarray, count: int, among: np.ndarray) -> np.ndarray:
    """Return the flat index [count] of each label's deepest pixel `among` these flat indices, or -1 if it has none."""
    by_depth = among[np.argsort(depth.ravel()[among], kind="stable")]
    deepest = np.full(count, -1)
    deepest[labels.ravel()[by_depth]] = by_depth  # the last write wins, and the deepest pixel comes last
    return deepest


def gap_closures(paper: np.ndarray, widest: float) -> np.ndarray:
    """Return where a break in a line of paper bool [H, W] is to be closed, bool [H, W], one pixel wide.

    widest: the widest break that is closed, in pixels.
    """
    return _closures(paper, _depth(paper), widest)


def _closures(paper: np.ndarray, depth: np.ndarray, widest: float) -> np.ndarray:
    """Return what `gap_closures` returns. depth: see `_depth`.

    This is done for each ball radius, from small to large. The places where the ball's center fits are cores. Cores
    grow back along the paper; where two meet, the ball was trapped. In a break with the half-width `half`, a ball of
    radius r comes within sqrt(r² - half²) of the middle (plus half a line's thickness); in a corridor it stays farther
    away. Only a ball clearly wider than the passage (by a pixel) can distinguish the two.
    """
    closures = np.zeros(paper.shape, bool)
    if paper.all() or not paper.any():
        return closures
    half_line = _half_thickness(~paper)
    for radius in _radii(widest):
        cores = _cores(depth, radius)
        if cores is None:
            continue
        reached = grow(cores, (paper & ~closures).astype(np.uint8), ceil(1.5 * (radius + half_line)) + 2)
        away = cv2.distanceTransform((cores == 0).astype(np.uint8), cv2.DIST_L2, 5)
        meeting = np.zeros(paper.shape, np.uint8)
        for a, b, here in (
            (reached[:, :-1], reached[:, 1:], meeting[:, :-1]),
            (reached[:-1], reached[1:], meeting[:-1]),
        ):
            here |= ((a != b) & (a > 0) & (b > 0)).astype(np.uint8)
        count, pieces = cv2.connectedComponents(meeting, connectivity=8)
        if count == 1:
            continue
        middles = _deepest(depth, pieces, count, np.flatnonzero(meeting))[1:]
        half, near = depth.ravel()[middles], away.ravel()[middles]
        is_gap = np.concatenate([[False], (half <= radius - 1) & (near <= 1.5 * radius + half_line)])
        closures |= is_gap[pieces]
    return closures


def _depth(paper: np.ndarray) -> np.ndarray:
    """The distance in pixels from each pixel of paper bool [H, W] to the nearest line, float32 [H, W]."""
    if paper.all():
        return np.full(paper.shape, float(max(paper.shape)), np.float32)
    return cv2.distanceTransform(paper.astype(np.uint8), cv2.DIST_L2, 5)


def _radii(max_gap: float) -> list[float]:
    """Return the radii of the balls. Each is a quarter larger than the one before; the last is a pixel more than half
    the widest break."""
    radii = [max_gap / 2 + 1.0]
    while radii[-1] > 2:
        radii.append(max(2.0, min(radii[-1] - 1, radii[-1] / 1.25)))
    return radii[::-1]


def _half_thickness(lines: np.ndarray) -> float:
    """Return half the typical thickness of the lines bool [H, W] in pixels; filled black areas have little
    influence."""
    inside = cv2.distanceTransform(lines.astype(np.uint8), cv2.DIST_L2, 3)[lines]
    return float(np.clip(np.median(inside), 0.5, 6.0))


def _cores(depth: np.ndarray, radius: float) -> np.ndarray | None:
    """Label the places where a ball of `radius` fits and that are clearly wider than it. Returns None if there are
    fewer than two. The labels are uint16, so that `cv2.dilate` can grow them."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((depth > radius).astype(np.uint8), connectivity=4)
    peaked = np.bincount(labels[depth >= radius + 1], minlength=count) > 0
    wide = peaked & (stats[:, cv2.CC_STAT_AREA] >= (2 * radius) ** 2)
    wide[0] = False
    if not 2 <= wide.sum() < np.iinfo(np.uint16).max:
        return None
    number = (np.cumsum(wide) * wide).astype(np.uint16)
    return number[labels]


def interior_pixels(line_art: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return bool [H, W]: pixels whose 3×3 neighborhood is paper and lies in one region."""
    square = np.ones((3, 3), np.uint8)
    of_one = cv2.erode(labels.astype(np.float32), square) == cv2.dilate(labels.astype(np.float32), square)
    return (cv2.erode(find_paper(line_art).astype(np.uint8), square) > 0) & of_one
