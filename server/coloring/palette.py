# SPDX-License-Identifier: GPL-3.0-or-later
"""The palette: the fill colors of a shot's keyframes, as they were painted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from server.coloring.line_art.regions import find_regions, interior_pixels

MOST_FLAT = 256
"""Most flat colors of the first keyframe's palette. The others may add a quarter of this number."""
MAX_ENTRIES = 48
"""Most entries of a palette that has colors that are not flat. A gradient gets several of them, and so does a painted
background."""
SAME_COLOR = 3.0
"""Colors closer than this (CIE76 ΔE) are one entry, unless both are flat."""
_FLAT_BORDER = 0.04
"""A color is flat if its pixels have fewer sides than this, per pixel, where an even painting changes its color. The
steps of a gradient have many."""
_FEWEST_PIXELS = 4
_CLEAN_PAPER = 250


@dataclass(frozen=True)
class Palette:
    """The fill colors of a shot's keyframes and where they are.

    colors: uint8 RGB [N, 3], the first keyframe's colors first, the most frequent of them first.
    labels: uint16 [K, H, W], the entry of each pixel of each keyframe; a line pixel has the entry of a pixel beside it.
    left_out: how many colors have no entry, because there were more than a palette may have.
    has_transparent: whether the last entry stands for transparency instead of a color. Where a color is needed it is
        white, since transparency is composited over white.
    """

    colors: np.ndarray
    labels: np.ndarray
    has_transparent: bool = False
    left_out: int = 0

    @property
    def opaque(self) -> np.ndarray:
        """The colors alone."""
        return self.colors[: len(self.colors) - self.has_transparent]


def extract_palette(
    paintings: Sequence[np.ndarray],
    line_art: Sequence[np.ndarray],
    transparent: Sequence[np.ndarray] = (),
    most_flat: int = MOST_FLAT,
) -> Palette:
    """Find the fill colors of painted keyframes: one palette for all, so that the same hat keeps the same red.

    paintings: RGB uint8 [H, W, 3] each, with or without the lines; line_art: uint8 [H, W], the lines of the same
    drawings; transparent: bool [H, W], where each painting is transparent, or empty if none is. Colors are read where a
    painting is even and away from lines, so anti-aliased borders and fills that slightly miss the lines add none. A
    region too small for that is read as a whole.

    Every flat color of the first painting has an entry, up to `most_flat`, the most frequent ones first. Other colors,
    such as those of gradients, share the rest of `MAX_ENTRIES`, or half of it if that is more. The other paintings add
    the colors that look new: a quarter of `most_flat` and half of `MAX_ENTRIES` at most. A painting without new colors
    leaves the palette unchanged.
    """
    has_transparent = any(mask.any() for mask in transparent)
    masks = transparent if has_transparent else [np.zeros(lines.shape, bool) for lines in line_art]
    readings = [_Reading(*images) for images in zip(paintings, line_art, masks, strict=True)]
    colors, left_out = _choose(readings[0].colors, most_flat, MAX_ENTRIES)
    most = most_flat + most_flat // 4 + MAX_ENTRIES // 2
    for reading in readings[1:]:
        found = reading.colors
        _, distance = _nearest(to_lab(found.values), to_lab(colors))
        new = distance >= SAME_COLOR**2
        if found.counts[new].sum() >= _FEWEST_PIXELS:
            more, left = _choose(_Colors(*(part[new] for part in found)), most_flat // 4, MAX_ENTRIES // 2)
            left_out += left + max(0, len(colors) + len(more) - most)
            colors = np.concatenate([colors, more])[:most]
    labels = np.stack([reading.labels(colors) for reading in readings])
    if has_transparent:
        colors = np.concatenate([colors, np.full((1, 3), 255, np.uint8)])
    return Palette(colors, labels, has_transparent, left_out)


class _Colors(NamedTuple):
    """Colors uint8 [V, 3], their pixel counts [V], and which are flat, bool [V]."""

    values: np.ndarray
    counts: np.ndarray
    flat: np.ndarray


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
        self._medians = _medians(painted[self._read], self._regions.labels[self._read])

    @property
    def colors(self) -> _Colors:
        """The colors that were read."""
        sure = self._sure & ~self._transparent
        values, counts, place = distinct_colors(self._painted[sure])
        if not len(values) + len(self._medians.values):  # only lines: use the painting itself
            sure = np.ones(sure.shape, bool)
            values, counts, place = distinct_colors(self._painted.reshape(-1, 3))
        known = _Colors(values, counts, _borders(sure, place, len(values)) < _FLAT_BORDER * counts)
        return _Colors(*(np.concatenate(parts) for parts in zip(known, self._medians, strict=True)))

    def labels(self, colors: np.ndarray) -> np.ndarray:
        """Return every pixel's entry in a palette uint8 [N, 3], uint16 [H, W]; N where it is transparent."""
        entry = _nearest_entry(self._painted, colors)
        if self._read.any():  # anti-aliasing reaches all of a small region: it takes the entry of its median
            _, place = np.unique(self._regions.labels[self._read], return_inverse=True)
            entry[self._read] = _nearest_entry(self._medians.values[None], colors)[0, place]
        entry[self._transparent] = len(colors)
        return entry.ravel()[self._regions.sources(self._sure | self._small)]


def recolor(labels: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Paint labels [...] with colors uint8 [N, 3]; returns uint8 [..., 3]."""
    return colors[labels]


def to_lab(colors: np.ndarray) -> np.ndarray:
    """CIE L*a*b* float32 [..., 3] of RGB uint8 [..., 3]."""
    if not colors.size:  # OpenCV refuses it
        return colors.astype(np.float32)
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


def _medians(colors: np.ndarray, names: np.ndarray) -> _Colors:
    """Return the median color of the pixels of each name, in order of the names. It is flat if most pixels have it."""
    order = np.argsort(names, kind="stable")
    _, starts = np.unique(names[order], return_index=True)
    groups: Sequence[np.ndarray] = np.split(colors[order], starts[1:]) if len(starts) else []
    medians = np.array([np.median(group, axis=0) for group in groups], np.uint8).reshape(-1, 3)
    pairs = zip(groups, medians, strict=True)
    flat = [2 * (group == median).all(axis=1).sum() > len(group) for group, median in pairs]
    return _Colors(medians, np.array([len(group) for group in groups], np.int64), np.array(flat, bool))


def _borders(where: np.ndarray, place: np.ndarray, count: int) -> np.ndarray:
    """Return how many sides of the pixels of each of `count` colors are borders with another color.

    where: bool [H, W], the pixels that count; place: their colors, as indices [P], row by row.
    """
    index = np.full(where.shape, -1)
    index[where] = place
    borders = np.zeros(count, np.int64)
    for here, there in ((index[:-1], index[1:]), (index[:, :-1], index[:, 1:])):
        between = (here != there) & (here >= 0) & (there >= 0)
        borders += sum(np.bincount(side[between], minlength=count) for side in (here, there))
    return borders


def _choose(found: _Colors, most_flat: int, most: int) -> tuple[np.ndarray, int]:
    """Choose the colors uint8 [N, 3] that stand for those that were found; also return how many flat ones are left out.

    most: entries where not all colors are flat. Half of it is for colors that are not, whatever the flat ones need.
    """
    order = np.argsort(-found.counts, kind="stable")
    values, counts, is_flat = (part[order] for part in found)
    is_flat &= counts >= _FEWEST_PIXELS
    _, first = np.unique(values[is_flat], axis=0, return_index=True)
    flat = values[is_flat][np.sort(first)]
    chosen = flat[:most_flat]
    rest = ~is_flat
    if len(chosen):
        rest &= _nearest(to_lab(values), to_lab(chosen))[1] >= SAME_COLOR**2
    others = _merge(values[rest], counts[rest], max(most - len(chosen), most // 2))
    if not len(chosen) + len(others):
        others = values[:1]
    return np.concatenate([chosen, others]), len(flat) - len(chosen)


def _merge(values: np.ndarray, counts: np.ndarray, max_entries: int) -> np.ndarray:
    """Choose at most `max_entries` colors that stand for colors uint8 [V, 3] with their pixel counts [V], most frequent
    first.

    The most frequent color absorbs all that look the same, then the most frequent of the rest does, and so on. If that
    gives too many colors, there are gradients. The colors are then k-means centers.
    """
    lab = to_lab(values)
    free = np.ones(len(values), bool)
    leaders: list[int] = []
    while free.any() and len(leaders) <= max_entries:
        leader = int(free.argmax())
        taken = free & (((lab - lab[leader]) ** 2).sum(1) < SAME_COLOR**2)
        if counts[taken].sum() >= _FEWEST_PIXELS:
            leaders.append(leader)
        free &= ~taken
    return values[leaders] if len(leaders) <= max_entries else _centers(values, counts, max_entries)


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
    """Index uint16 [H, W] of the entry that looks nearest to each pixel."""
    values, _, place = distinct_colors(image.reshape(-1, 3))
    nearest, _ = _nearest(to_lab(values), to_lab(colors))
    return nearest[place].reshape(image.shape[:2])


def _nearest(lab: np.ndarray, entries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each of the Lab colors [V, 3], the nearest of the entries [N, 3], uint16 [V], and the square of its
    distance [V]."""
    nearest = np.zeros(len(lab), np.uint16)
    best = np.full(len(lab), np.inf, np.float32)
    for number, entry in enumerate(entries):  # one entry at a time, to keep the memory small
        distance = ((lab - entry) ** 2).sum(1)
        nearest[distance < best] = number
        best = np.minimum(best, distance)
    return nearest, best
