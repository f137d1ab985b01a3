# SPDX-License-Identifier: GPL-3.0-or-later
"""Tones: parts of a closed region that no line parts, such as the shadow or the highlight of a coat.

Lines do not say where a tone ends, so votes for it are lost among those for the rest of its region. A drawing's region
therefore takes its tones from a keyframe's region with the same entries: the one with the most similar shape, brought
onto it by an affine map (Evangelidis and Psarakis, "Parametric Image Alignment Using Enhanced Correlation Coefficient
Maximization", 2008).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from scipy import ndimage

from server.coloring.line_art.regions import find_regions, nearest

RIM = 1 / 180
"""How far from a line, in heights of the drawing, another entry is no rim of a fill that misses the line."""
LEAST_TONE = 0.03
"""The share of a region's pixels without the rim from which on another entry is a tone."""
LEAST_AREA = 0.0003
"""Share of the frame's area below which regions have no tones."""
LEAST_MAIN = 0.25
"""The share that the most frequent entry of a region must have in the keyframe's region. Many shadows are alike."""
LEAST_AGREEMENT = 0.9
"""The share of a region's pixels that must have one of the tones before. A region that leaks has other entries, too."""
LEAST_OVERLAP = 0.7
"""The least intersection over union of two similar shapes, when one is brought onto the other."""
MOST_GROWTH = 2.5
"""Shapes are not compared if one has more than this many times the area of the other."""
DISTANCE_PRICE = 0.2
"""How much less overlap counts for shapes that are a frame's height apart."""
TURN_PRICE = 0.05
"""How much less it counts for a shape that is turned first: light usually keeps its direction."""
MOST_COMPARED = 12
"""How many shapes are compared with a shape: those most like it in place and size."""
MOST_ALIGNED = 3
"""How many of the shapes that overlap best without alignment are aligned."""
_SIDE = 64
_MARGIN = 8
_SOFTNESS = 2.0
_STEPS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-4)


@dataclass(frozen=True)
class Shape:
    """The shape of a closed region. rows, columns: where it is in its drawing. mask: bool [h, w] there."""

    rows: slice
    columns: slice
    mask: np.ndarray

    @property
    def corner(self) -> np.ndarray:
        """The first column and row."""
        return np.array([self.columns.start, self.rows.start])

    @cached_property
    def area(self) -> int:
        """The number of its pixels."""
        return int(self.mask.sum())

    @cached_property
    def center(self) -> np.ndarray:
        """The middle of its pixels in the drawing, (x, y)."""
        y, x = np.nonzero(self.mask)
        return np.array([x.mean(), y.mean()]) + self.corner

    @cached_property
    def angle(self) -> float:
        """The direction of its longer axis in radians, which is the same after half a turn."""
        moments = cv2.moments(self.mask.astype(np.uint8), binaryImage=True)
        return 0.5 * float(np.arctan2(2 * moments["mu11"], moments["mu20"] - moments["mu02"]))


@dataclass(frozen=True)
class PaintedShape:
    """A closed region of a keyframe. entries: uint16 [h, w], continued around it. tones: the share of each entry."""

    shape: Shape
    entries: np.ndarray
    tones: dict[int, float]

    @property
    def is_toned(self) -> bool:
        """Whether it has several entries."""
        return len(self.tones) > 1


def painted_shapes(line_art: np.ndarray, entries: np.ndarray) -> list[PaintedShape]:
    """Return the closed regions of a painted drawing that have tones, and those with an entry that another has as one.

    line_art: uint8 [H, W]; entries: uint16 [H, W]. Regions at the frame's edge are left out, because they are not seen
    whole, and so are narrow ones.
    """
    regions = find_regions(line_art)
    clear = regions.depth > RIM * len(line_art)
    found = []
    for shape in _shapes(regions.labels):
        at = shape.rows, shape.columns
        inside = shape.mask & clear[at]
        if not inside.any():
            continue
        values, counts = np.unique(entries[at][inside], return_counts=True)
        shares = zip(values.tolist(), (counts / counts.sum()).tolist(), strict=True)
        tones = {entry: share for entry, share in shares if share >= LEAST_TONE}
        found.append(PaintedShape(shape, entries[at].ravel()[nearest(shape.mask)], tones))
    shared = {entry for one in found if one.is_toned for entry in one.tones}
    return [one for one in found if shared & one.tones.keys()]


def carry_tones(
    line_art: np.ndarray, entries: np.ndarray, painted: Sequence[PaintedShape], static: np.ndarray
) -> np.ndarray:
    """Return the entries uint16 [H, W] of a drawing with the tones of its closed regions.

    line_art: uint8 [H, W]; entries: without them; painted: the regions of keyframes, see `painted_shapes`. static: the
    pixels that show what a keyframe shows there, bool [H, W]; regions that are static throughout are left as they are.
    """
    if not painted:
        return entries
    carried = entries.copy()
    for shape in _shapes(find_regions(line_art).labels):
        at = shape.rows, shape.columns
        if static[at][shape.mask].all():
            continue
        counts = np.bincount(entries[at][shape.mask])
        likely = [
            one
            for one in painted
            if one.tones.get(int(counts.argmax()), 0.0) >= LEAST_MAIN and _share(counts, one.tones) >= LEAST_AGREEMENT
        ]
        if not any(one.is_toned for one in likely):
            continue
        match = _best_match(shape, likely, len(line_art))
        if match is not None and match[0].is_toned:
            carried[at][shape.mask] = _moved(*match, shape)[shape.mask]
    return carried


def _share(counts: np.ndarray, entries: Iterable[int]) -> float:
    """Return the share of pixels, counted by entry [N], that have one of some entries."""
    return float(sum(counts[entry] for entry in entries if entry < len(counts)) / counts.sum())


def _shapes(labels: np.ndarray) -> Iterator[Shape]:
    """Yield the shapes of regions int32 [H, W] that are seen whole and are not too small."""
    height, width = labels.shape
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels + 1)):
        if rows.start and columns.start and rows.stop < height and columns.stop < width:
            shape = Shape(rows, columns, labels[rows, columns] == number)
            if shape.area >= LEAST_AREA * labels.size:
                yield shape


def _best_match(shape: Shape, painted: Sequence[PaintedShape], height: int) -> tuple[PaintedShape, np.ndarray] | None:
    """Return which painted shape is most similar, and the map [2, 3] that brings `shape` onto it; None if none is.

    height: of the drawing.
    """
    growths = [abs(float(np.log(one.shape.area / shape.area))) for one in painted]
    distances = [float(np.linalg.norm(one.shape.center - shape.center)) / height for one in painted]
    alike = sorted(zip(growths, distances, painted, strict=True), key=lambda entry: entry[0] + entry[1])[:MOST_COMPARED]
    rough = []
    for growth, distance, one in alike:
        if growth <= np.log(MOST_GROWTH):
            pair = _Pair(shape, one.shape)
            rough.append((max(map(pair.overlap, pair.starts)) - DISTANCE_PRICE * distance, distance, pair, one))
    best, found = LEAST_OVERLAP, None
    for _, distance, pair, one in sorted(rough, key=lambda entry: -entry[0])[:MOST_ALIGNED]:
        for turn, start in enumerate(pair.starts):
            matrix = pair.align(start)
            overlap = pair.overlap(matrix)
            score = overlap - DISTANCE_PRICE * distance - TURN_PRICE * turn
            if overlap >= LEAST_OVERLAP and (found is None or score > best):
                best, found = score, (one, pair.in_pixels(matrix))
    return found


class _Pair:
    """Two shapes as small soft pictures of one scale. Maps [2, 3] lead from the first to the second."""

    def __init__(self, first: Shape, second: Shape) -> None:
        self._scale = min(1.0, _SIDE / max(*first.mask.shape, *second.mask.shape))
        self._shapes = first, second
        self._pictures = [self._picture(shape) for shape in self._shapes]
        self._ratio = (second.area / first.area) ** 0.5
        self._turn = (second.angle - first.angle + np.pi / 2) % np.pi - np.pi / 2

    @property
    def starts(self) -> Iterator[np.ndarray]:
        """Maps that fit place and size: one that does not turn the first shape, and one that turns its axis, too."""
        here, there = (self._to_picture(shape, shape.center) for shape in self._shapes)
        for angle in (0.0, self._turn):
            turned = self._ratio * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            yield np.column_stack([turned, there - turned @ here]).astype(np.float32)

    def overlap(self, matrix: np.ndarray) -> float:
        """The intersection over union of the first shape and of what is brought onto it."""
        first, second = self._pictures
        brought = cv2.warpAffine(second, matrix, first.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        one, other = first > 0.5, brought > 0.5
        return float((one & other).sum() / max(1, (one | other).sum()))

    def align(self, start: np.ndarray) -> np.ndarray:
        """Improve a map. It is returned as it is if that fails."""
        first, second = self._pictures
        try:
            return cv2.findTransformECC(first, second, start.copy(), cv2.MOTION_AFFINE, _STEPS)[1]
        except cv2.error:  # it does not converge
            return start

    def in_pixels(self, matrix: np.ndarray) -> np.ndarray:
        """Return a map between pixels: from those of the first cut to those of the second."""
        linear, half, margin = matrix[:, :2], np.full(2, 0.5), np.full(2, _MARGIN - 0.5)
        shift = (matrix[:, 2] + linear @ margin - margin) / self._scale
        return np.column_stack([linear, shift + linear @ half - half])

    def _picture(self, shape: Shape) -> np.ndarray:
        height, width = (max(1, round(side * self._scale)) for side in shape.mask.shape)
        small = cv2.resize(shape.mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        return cv2.GaussianBlur(np.pad(small, _MARGIN), (0, 0), _SOFTNESS)

    def _to_picture(self, shape: Shape, place: np.ndarray) -> np.ndarray:
        return (place - shape.corner + 0.5) * self._scale - 0.5 + _MARGIN


def _moved(source: PaintedShape, matrix: np.ndarray, shape: Shape) -> np.ndarray:
    """Return the entries [h, w] of a painted shape, brought onto a shape [h, w] by the map [2, 3] between them."""
    size = shape.mask.shape[::-1]
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(source.entries, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
