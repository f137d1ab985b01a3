# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of a drawing: its closed regions, of which large ones are cut by a grid.

Pieces are what the piece matcher matches. A small region is one piece. In a large one, such as the sky, no single
descriptor could say what is where. The grid is finer where a line *dangles*, which means that the same region lies on
both of its sides: through a gap somewhere, the region has leaked into another thing.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from skimage.measure import label

from server.coloring.line_art.pairs import count_pairs
from server.coloring.line_art.regions import Regions

from .piece_views import VIEWS, view_pieces

CELL = 32
"""Side of the grid's squares in pixels, as the matcher sees drawings."""
FINER = (2, 4)
"""Where lines dangle, squares are cut into four, and these again: their sides are divided by these numbers."""
REACH = 7
"""Pixels across a line to both of its sides, for lines that are not unusually thick."""
WHOLE = 2.5
"""A region of at most two squares' area that is no longer than this many squares is not cut."""
SLIVER = 0.15
"""A piece of a cut region with less than this share of a square's area joins its largest neighbor."""
STRIDE = 4
"""Pixels per feature of the network, in each direction."""
GEOMETRY = 12
"""Numbers that describe the shape and place of a piece."""


@dataclass(frozen=True)
class Pieces:
    """The pieces of a drawing of `height` × `width` pixels.

    labels: int32 [H, W], the piece of every pixel, -1 on lines.
    regions: int32 [P], the closed region that each piece belongs to.
    areas: float32 [P], in pixels.
    centers: float32 [P, 2], mean row and column; the middle of the first pixel is at one half.
    geometry: float32 [P, GEOMETRY].
    views: uint8 [P, VIEWS, S, S], see `view_pieces`.
    fine, coarse: int32 [E, 3], which squares of STRIDE or 2 · STRIDE pixels lie under which piece: a piece, a square's
        number, row by row, and how many pixels they share; in the order of the pieces.
    """

    labels: np.ndarray
    regions: np.ndarray
    areas: np.ndarray
    centers: np.ndarray
    geometry: np.ndarray
    views: np.ndarray
    fine: np.ndarray
    coarse: np.ndarray

    def __len__(self) -> int:
        return len(self.areas)

    def shares_of(self, entries: np.ndarray, count: int) -> np.ndarray:
        """Return the share float32 [P, count] of each piece's pixels that have each of `count` entries, integers
        [H, W]."""
        inside = self.labels >= 0
        numbers = self.labels[inside].astype(np.int64) * count + entries[inside]
        pixels = np.bincount(numbers, minlength=len(self) * count).reshape(len(self), count)
        return (pixels / self.areas[:, None]).astype(np.float32)

    @property
    def relative_centers(self) -> np.ndarray:
        """The centers from the middle of the drawing, in its heights, [P, 2]."""
        height, width = self.shape
        middle = np.array([height / 2, width / 2], np.float32)
        return (self.centers - middle) / np.float32(height)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the drawing."""
        return self.labels.shape  # type: ignore[return-value]  # two dimensions


def find_pieces(line_art: np.ndarray, regions: Regions, entries: np.ndarray | None = None, cell: int = CELL) -> Pieces:
    """Find the pieces of line art uint8 [H, W] that has these regions.

    entries: uint8 [H, W], the palette entries of a painted drawing. No piece then has two of them. A drawing without
    any paper has no pieces.
    """
    paper = ~regions.is_line
    height, width = paper.shape
    cut = _is_large(regions, paper, cell)
    sides = _sides(regions, cell)
    rows, columns = np.ogrid[:height, :width]
    squares = rows // sides * sides * width + columns // sides * sides + 1  # by their first pixels
    key = regions.labels.astype(np.int64) * (paper.size + 1) + np.where(cut[regions.labels], squares, 0)
    if entries is not None:
        key = key * (int(entries.max()) + 1) + entries
    _, key = np.unique(np.where(paper, key + 1, 0), return_inverse=True)  # small numbers, as `label` needs them
    labels = label(key.reshape(paper.shape) + int(paper.all()), connectivity=1, background=0).astype(np.int32) - 1
    if paper.any():
        labels = _join_slivers(labels, regions.labels, entries, SLIVER * sides**2)
    return _describe(line_art, labels, regions, np.bincount(regions.labels[paper], minlength=regions.count))


def _is_large(regions: Regions, paper: np.ndarray, cell: int) -> np.ndarray:
    """Return which regions, bool [R], are to be cut."""
    boxes = _boxes(np.where(paper, regions.labels, -1), regions.count)
    sides = np.maximum(boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2])
    areas = np.bincount(regions.labels[paper], minlength=regions.count)
    return (areas > 2 * cell**2) | (sides > WHOLE * cell)


def _sides(regions: Regions, cell: int) -> np.ndarray:
    """Return the side [H, W] of the square that each pixel lies in."""
    labels, around = regions.labels.astype(np.float32), np.ones((REACH, REACH), np.uint8)
    rows, columns = np.nonzero(regions.is_line & (cv2.erode(labels, around) == cv2.dilate(labels, around)))
    height, width = labels.shape
    sides = np.full(labels.shape, cell)
    for parts in FINER:
        square = 2 * cell // parts
        dangles = np.zeros((-(-height // square), -(-width // square)), bool)
        dangles[rows // square, columns // square] = True
        sides[dangles.repeat(square, axis=0)[:height].repeat(square, axis=1)[:, :width]] = cell // parts
    return sides


def _boxes(labels: np.ndarray, count: int) -> np.ndarray:
    """Return the top, bottom, left and right [count, 4] of labels int [H, W], ends excluded; pixels below 0 have
    none."""
    boxes = np.zeros((count, 4), np.int64)
    for axis in (0, 1):
        lines = labels if axis == 0 else labels.T
        at, inside = np.nonzero(lines >= 0)[0], lines[lines >= 0]
        first, last = np.full(count, len(lines)), np.full(count, -1)
        last[inside] = at  # the last write wins, and rows ascend
        first[inside[::-1]] = at[::-1]
        boxes[:, 2 * axis], boxes[:, 2 * axis + 1] = np.minimum(first, last + 1), last + 1
    return boxes


def _join_slivers(
    labels: np.ndarray, regions: np.ndarray, entries: np.ndarray | None, smallest: np.ndarray
) -> np.ndarray:
    """Join pieces, int32 [H, W], of fewer than `smallest` [H, W] pixels to the larger neighbor with the longest border
    that has the same region, and the same entry."""
    count = int(labels.max()) + 1
    here = np.concatenate([labels[:, :-1].ravel(), labels[:-1].ravel()])
    there = np.concatenate([labels[:, 1:].ravel(), labels[1:].ravel()])
    areas = np.bincount(labels[labels >= 0], minlength=count)
    touching = (here != there) & (here >= 0) & (there >= 0)
    small, large = here[touching].astype(np.int64), there[touching].astype(np.int64)
    swap = (areas[small] > areas[large]) | ((areas[small] == areas[large]) & (small < large))
    small, large = np.where(swap, large, small), np.where(swap, small, large)
    inside = np.flatnonzero(labels >= 0)
    place = np.zeros(count, np.int64)
    place[labels.ravel()[inside]] = inside
    alike = areas[small] < smallest.ravel()[place[small]]
    alike &= regions.ravel()[place[small]] == regions.ravel()[place[large]]
    if entries is not None:
        alike &= entries.ravel()[place[small]] == entries.ravel()[place[large]]
    pairs, length = np.unique(small[alike] * count + large[alike], return_counts=True)
    pairs = pairs[np.argsort(length, kind="stable")]
    parent = np.arange(count)
    parent[pairs // count] = pairs % count  # the last write, and so the longest border, wins
    while (parent[parent] != parent).any():
        parent = parent[parent]
    _, number = np.unique(parent, return_inverse=True)
    return np.where(labels >= 0, number[labels], -1).astype(np.int32)


def _describe(line_art: np.ndarray, labels: np.ndarray, regions: Regions, region_areas: np.ndarray) -> Pieces:
    height, width = labels.shape
    inside = labels >= 0
    piece = labels[inside]
    rows, columns = (axis + 0.5 for axis in np.nonzero(inside))
    count = int(labels.max()) + 1
    areas = np.bincount(piece, minlength=count).astype(np.float64)
    own = np.zeros(count, np.int64)
    own[piece] = regions.labels[inside]
    y, x = (np.bincount(piece, axis, count) / areas for axis in (rows, columns))
    yy, xx, xy = (
        np.bincount(piece, product, count) / areas - mean
        for product, mean in ((rows**2, y * y), (columns**2, x * x), (rows * columns, x * y))
    )
    boxes = _boxes(labels, count)
    depth = np.zeros(count)
    np.maximum.at(depth, piece, regions.depth[inside])
    side = np.sqrt(areas)
    geometry = [
        np.log(areas / CELL**2) / 3,
        y / height - 0.5,
        (x - width / 2) / height,
        np.log((boxes[:, 1] - boxes[:, 0]) / side),
        np.log((boxes[:, 3] - boxes[:, 2]) / side),
        depth / side,
        np.sqrt(np.maximum(yy, 0)) / side,
        np.sqrt(np.maximum(xx, 0)) / side,
        xy / areas,
        np.log(region_areas[own] / CELL**2) / 5,
        (boxes[:, 0] == 0) | (boxes[:, 1] == height),
        (boxes[:, 2] == 0) | (boxes[:, 3] == width),
    ]
    return Pieces(
        labels,
        own.astype(np.int32),
        areas.astype(np.float32),
        np.stack([y, x], axis=1).astype(np.float32),
        np.stack(geometry, axis=1).astype(np.float32),
        view_pieces(line_art, regions.labels, own, boxes) if count else np.zeros((0, *VIEWS), np.uint8),
        _find_shares(labels, STRIDE),
        _find_shares(labels, 2 * STRIDE),
    )


def _find_shares(labels: np.ndarray, stride: int) -> np.ndarray:
    height, width = labels.shape
    per_row, rows = -(-width // stride), -(-height // stride)
    squares = (np.arange(height) // stride)[:, None] * per_row + np.arange(width) // stride
    inside = labels >= 0
    return count_pairs(labels[inside], squares[inside], (int(labels.max()) + 1, rows * per_row))
