# SPDX-License-Identifier: GPL-3.0-or-later
"""The palette: the fill colors of a shot's keyframes, as they were painted."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from server.coloring.line_art.regions import find_regions, interior_pixels

MAX_ENTRIES = 48
"""Most colors of a palette. A gradient gets several; a painted background gets no more than this."""
SAME_COLOR = 3.0
"""Colors closer than this (CIE76 ΔE) are one entry."""
_FEWEST_PIXELS = 4
_CLEAN_PAPER = 250


@dataclass(frozen=True)
class Palette:
    """The fill colors of a shot's keyframes and where they are.

    colors: uint8 RGB [N, 3], the first keyframe's colors first, the most frequent of them first.
    labels: uint8 [K, H, W], the entry of each pixel of each keyframe; a line pixel has the entry of a pixel beside it.
    has_transparent: whether the last entry stands for transparency instead of a color. Where a color is needed it is
        white, since transparency is composited over white.
    """

    colors: np.ndarray
    labels: np.ndarray
    has_transparent: bool = False

    @property
    def opaque(self) -> np.ndarray:
        """The colors alone."""
        return self.colors[: len(self.colors) - self.has_transparent]


def extract_palette(
    paintings: Sequence[np.ndarray],
    line_art: Sequence[np.ndarray],
    max_entries: int = MAX_ENTRIES,
    transparent: Sequence[np.ndarray] = (),
) -> Palette:
    """Find the fill colors of painted keyframes: one palette for all, so that the same hat keeps the same red.

    paintings: RGB uint8 [H, W, 3] each, with or without the lines; line_art: uint8 [H, W], the lines of the same
    drawings; transparent: bool [H, W], where each painting is transparent, or empty if none is. Colors are read where a
    painting is flat and away from lines, so anti-aliased borders and fills that slightly miss the lines add none. A
    region too small for that is read as a whole. The first painting gets up to `max_entries` colors. The others add
    their new colors, up to half of `max_entries` in addition. A painting without new colors leaves the palette
    unchanged.
    """
    has_transparent = any(mask.any() for mask in transparent)
    masks = transparent if has_transparent else [np.zeros(lines.shape, bool) for lines in line_art]
    readings = [_Reading(*images) for images in zip(paintings, line_art, masks, strict=True)]
    colors = _merge(*readings[0].colors, max_entries)
    for reading in readings[1:]:
        room = max_entries + max_entries // 2 - len(colors)
        values, counts = reading.colors
        distances = ((to_lab(values)[:, None] - to_lab(colors)) ** 2).sum(-1).min(axis=1)
        new = distances >= SAME_COLOR**2
        if room > 0 and counts[new].sum() >= _FEWEST_PIXELS:
            colors = np.concatenate([colors, _merge(values[new], counts[new], room)])
    labels = np.stack([reading.labels(colors) for reading in readings])
    if has_transparent:
        colors = np.concatenate([colors, np.full((1, 3), 255, np.uint8)])
    return Palette(colors, labels, has_transparent)


class _Reading:
    """The colors of one painted keyframe, which may be `transparent` in places."""

    def __init__(self, painted: np.ndarray, line_art: np.ndarray, transparent: np.ndarray) -> None:
        self._painted = painted
        self._regions = find_regions(line_art)
        self._sure = interior_pixels(line_art, self._regions.labels) & _flat(painted)
        seen = np.bincount(self._regions.labels[self._sure], minlength=self._regions.count) >= _FEWEST_PIXELS
        self._small = ~seen[self._regions.labels] & (line_art >= _CLEAN_PAPER)
        in_each, transparent_in_each = (
            np.bincount(self._regions.labels[where], minlength=self._regions.count)
            for where in (self._small, self._small & transparent)
        )
        mostly = (2 * transparent_in_each > in_each)[self._regions.labels]
        self._transparent = np.where(self._small, mostly, transparent)
        self._read = self._small & ~self._transparent
        self._medians, self._areas = _medians(painted[self._read], self._regions.labels[self._read])

    @property
    def colors(self) -> tuple[np.ndarray, np.ndarray]:
        """Colors uint8 [V, 3] and their pixel counts [V]."""
        values, counts, _ = distinct_colors(self._painted[self._sure & ~self._transparent])
        if not len(values) + len(self._medians):  # only lines: use the painting itself
            values, counts, _ = distinct_colors(self._painted.reshape(-1, 3))
        return np.concatenate([values, self._medians]), np.concatenate([counts, self._areas])

    def labels(self, colors: np.ndarray) -> np.ndarray:
        """Return every pixel's entry in a palette uint8 [N, 3], uint8 [H, W]; N where it is transparent."""
        entry = _nearest_entry(self._painted, colors)
        if self._read.any():  # anti-aliasing reaches all of a small region: it takes the entry of its median
            _, place = np.unique(self._regions.labels[self._read], return_inverse=True)
            entry[self._read] = _nearest_entry(self._medians[None], colors)[0, place]
        entry[self._transparent] = len(colors)
        return entry.ravel()[self._regions.sources(self._sure | self._small)]


def recolor(labels: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Paint labels [...] with colors uint8 [N, 3]; returns uint8 [..., 3]."""
    return colors[labels]


def to_lab(colors: np.ndarray) -> np.ndarray:
    """CIE L*a*b* float32 [..., 3] of RGB uint8 [..., 3]."""
    flat = (colors.reshape(1, -1, 3) / 255).astype(np.float32)
    return cv2.cvtColor(flat, cv2.COLOR_RGB2LAB).reshape(colors.shape)


def _flat(painted: np.ndarray) -> np.ndarray:
    """Return where a pixel's 3×3 neighborhood varies by no more than a gradient does (12 levels)."""
    square = np.ones((3, 3), np.uint8)
    spread = cv2.dilate(painted, square).astype(np.int16) - cv2.erode(painted, square)
    return spread.max(axis=2) <= 12


def distinct(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct values of integers [P], their counts, and for each key the index [P] of its value.

    Works like `np.unique` but merges runs of equal keys first. Drawings consist of such runs, so it is much faster.
    """
    starts = np.concatenate([[0], np.flatnonzero(keys[1:] != keys[:-1]) + 1])[: len(keys)]
    lengths = np.diff(starts, append=len(keys))
    values, place = np.unique(keys[starts], return_inverse=True)
    return values, np.bincount(place, lengths, len(values)).astype(np.int64), np.repeat(place, lengths)


def distinct_colors(colors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Like `distinct`, for colors uint8 [P, 3]; the values are colors uint8 [V, 3]."""
    r, g, b = colors.T.astype(np.int32)
    codes, counts, place = distinct(r << 16 | g << 8 | b)
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], -1).astype(np.uint8), counts, place


def _medians(colors: np.ndarray, names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the median color uint8 [R, 3] and the count [R] of the pixels of each name, in sorted order of names."""
    order = np.argsort(names, kind="stable")
    _, starts = np.unique(names[order], return_index=True)
    groups: Sequence[np.ndarray] = np.split(colors[order], starts[1:]) if len(starts) else []
    medians = [np.median(group, axis=0) for group in groups]
    return np.array(medians, np.uint8).reshape(-1, 3), np.array([len(group) for group in groups], np.int64)


def _merge(values: np.ndarray, counts: np.ndarray, max_entries: int) -> np.ndarray:
    """Choose at most `max_entries` colors that stand for colors uint8 [V, 3] with their pixel counts.

    The most frequent color absorbs all that look the same, then the most frequent of the rest does, and so on. If that
    gives too many colors, there are gradients. Half of the entries are then the most frequent colors, which are the
    flat fills; the other half are the k-means centers of the remaining colors.
    """
    order = np.argsort(-counts, kind="stable")
    values, counts = values[order], counts[order]
    lab = to_lab(values)
    free = np.ones(len(values), bool)
    rest = free
    leaders: list[int] = []
    while free.any() and len(leaders) <= max_entries:
        leader = int(free.argmax())
        taken = free & (((lab - lab[leader]) ** 2).sum(1) < SAME_COLOR**2)
        if counts[taken].sum() >= _FEWEST_PIXELS or not leaders:
            leaders.append(leader)
        free &= ~taken
        if len(leaders) == max_entries // 2:
            rest = free.copy()
    if len(leaders) <= max_entries:
        return values[leaders]
    flat = leaders[: max_entries // 2]
    return np.concatenate([values[flat], _centers(values[rest], counts[rest], max_entries - len(flat))])


def _centers(values: np.ndarray, counts: np.ndarray, count: int) -> np.ndarray:
    """The k-means centers uint8 [count, 3] of colors uint8 [V, 3], by their Lab values and pixel counts."""
    some = np.random.default_rng(0).choice(len(values), 20_000, p=counts / counts.sum())
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 15, 0.3)
    cv2.setRNGSeed(0)
    lab = to_lab(values[some])
    _, _, centers = cv2.kmeans(lab, count, None, stop, 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    rgb = cv2.cvtColor(centers[None], cv2.COLOR_LAB2RGB)[0]
    return np.round(rgb.clip(0, 1) * 255).astype(np.uint8)


def _nearest_entry(image: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Index uint8 [H, W] of the entry that looks nearest to each pixel."""
    values, _, place = distinct_colors(image.reshape(-1, 3))
    lab, entries = to_lab(values), to_lab(colors)
    nearest = np.zeros(len(values), np.uint8)
    best = np.full(len(values), np.inf, np.float32)
    for number, entry in enumerate(entries):  # one entry at a time, to keep the memory small
        distance = ((lab - entry) ** 2).sum(1)
        nearest[distance < best] = number
        best = np.minimum(best, distance)
    return nearest[place].reshape(image.shape[:2])
