# SPDX-License-Identifier: GPL-3.0-or-later
"""The palette: the fill colors of a shot's keyframes, as they were painted.

Colors are RGB, or straight RGBA where a keyframe is transparent or translucent in places.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from server.coloring.line_art.compositing import over
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
_VISIBLE = 8
"""In a region whose pixels all touch its lines, alpha below this is the edge of paint, and not paint."""
_CLEAN_PAPER = 250


@dataclass(frozen=True)
class Palette:
    """The fill colors of a shot's keyframes and where they are.

    colors: uint8 [N, 3 or 4], the first keyframe's colors first, the most frequent of them first. An entry that stands
        for nothing at all, alpha 0, is the last.
    labels: for each painting, the entry of each pixel, uint16 [H, W]; a line pixel has the entry of a pixel beside it.
    left_out: how many colors have no entry, because there were more than a palette may have.
    """

    colors: np.ndarray
    labels: Sequence[np.ndarray]
    left_out: int = 0

    @property
    def visible(self) -> np.ndarray:
        """The colors without the entry for nothing, if there is one."""
        return self.colors[self.colors[:, 3] > 0] if self.colors.shape[1] == 4 else self.colors

    @property
    def on_white(self) -> np.ndarray:
        """The colors over white, RGB uint8 [N, 3]."""
        return over(self.colors, 255)


def extract_palette(
    paintings: Sequence[np.ndarray],
    line_art: Sequence[np.ndarray],
    most_flat: int = MOST_FLAT,
    own: Sequence[str] = (),
) -> Palette:
    """Find the fill colors of painted keyframes: one palette for all, so that the same hat keeps the same red.

    paintings: RGB uint8 [H, W, 3] each, or straight RGBA [H, W, 4] with zeros where nothing is, with or without the
    lines; line_art: uint8 [H, W], the lines of the same drawings. They may differ in size. Colors are read where a
    painting is even and away from lines, so anti-aliased borders and fills that slightly miss the lines add none. A
    region too small for that is read as a whole.

    Every flat color of the first painting has an entry, up to `most_flat`, the most frequent ones first. Other colors,
    such as those of gradients, share the rest of `MAX_ENTRIES`, or half of it if that is more. The other paintings add
    the colors that look new: a quarter of `most_flat` and half of `MAX_ENTRIES` at most. A painting without new colors
    leaves the palette unchanged. own: colors as `#rrggbb` that are new also if they look like others.
    """
    readings = [_Reading(*images) for images in zip(paintings, line_art, strict=True)]
    colors, left_out = _choose(readings[0].colors, most_flat, MAX_ENTRIES)
    most = most_flat + most_flat // 4 + MAX_ENTRIES // 2
    for reading in readings[1:]:
        found = reading.colors
        _, distance = _nearest(appearance(found.values), appearance(colors))
        new = (distance >= SAME_COLOR**2) | (_among(found.values, own) & ~_same(found.values, colors))
        if found.counts[new].sum() >= _FEWEST_PIXELS:
            more, left = _choose(_Colors(*(part[new] for part in found)), most_flat // 4, MAX_ENTRIES // 2)
            left_out += left + max(0, len(colors) + len(more) - most)
            colors = np.concatenate([colors, more])[:most]
    if colors.shape[1] == 4:
        colors = colors[np.argsort(colors[:, 3] == 0, kind="stable")]
    return Palette(colors, [reading.labels(colors) for reading in readings], left_out)


class _Colors(NamedTuple):
    """Colors uint8 [V, 3 or 4], their pixel counts [V], and which are flat, bool [V]."""

    values: np.ndarray
    counts: np.ndarray
    flat: np.ndarray


class _Reading:
    """The colors of one painted keyframe."""

    def __init__(self, painted: np.ndarray, line_art: np.ndarray) -> None:
        self._painted = painted
        self._regions = find_regions(line_art)
        self._sure = interior_pixels(line_art, self._regions.labels) & _flat(painted)
        seen = np.bincount(self._regions.labels[self._sure], minlength=self._regions.count) >= _FEWEST_PIXELS
        self._small = ~seen[self._regions.labels] & (line_art >= _CLEAN_PAPER)
        self._medians = _medians(*self._small_colors())

    @property
    def colors(self) -> _Colors:
        """The colors that were read."""
        sure = self._sure
        values, counts, place = distinct_colors(self._painted[sure])
        if not len(values) + len(self._medians.values):  # only lines: use the painting itself
            sure = np.ones(sure.shape, bool)
            values, counts, place = distinct_colors(self._painted[sure])
        known = _Colors(values, counts, _borders(sure, place, len(values)) < _FLAT_BORDER * counts)
        return _Colors(*(np.concatenate(parts) for parts in zip(known, self._medians, strict=True)))

    def labels(self, colors: np.ndarray) -> np.ndarray:
        """Return every pixel's entry in a palette uint8 [N, 3 or 4], uint16 [H, W]."""
        entry = _nearest_entry(self._painted, colors)
        if self._small.any():  # anti-aliasing reaches all of a small region: it takes the entry of its median
            _, place = np.unique(self._regions.labels[self._small], return_inverse=True)
            entry[self._small] = _nearest_entry(self._medians.values[None], colors)[0, place]
        return entry.ravel()[self._regions.sources(self._sure | self._small)]

    def _small_colors(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the colors [P, 3 or 4] of the pixels of small regions, and their regions [P].

        A region is as transparent as most of it is: pixels that are at its edge only are left out.
        """
        colors, names = self._painted[self._small], self._regions.labels[self._small]
        if colors.shape[1] == 3:
            return colors, names
        hidden = colors[:, 3] < _VISIBLE
        mostly = 2 * np.bincount(names, hidden, self._regions.count) > np.bincount(names, minlength=self._regions.count)
        kept = hidden == mostly[names]
        return np.where(hidden[:, None], np.uint8(0), colors)[kept], names[kept]


def translation(palette: Palette, other: Palette) -> np.ndarray:
    """Return for each entry of a palette the entry of another palette that looks most alike, uint16 [N]."""
    looks = [
        appearance(np.pad(one.colors, [(0, 0), (0, 4 - one.colors.shape[1])], constant_values=255))
        for one in (palette, other)
    ]
    return _nearest(*looks)[0]


def recolor(labels: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Paint labels [...] with colors uint8 [N, 3]; returns uint8 [..., 3]."""
    return colors[labels]


def appearance(colors: np.ndarray) -> np.ndarray:
    """Return float32 [..., 3 or 6] of colors RGB or straight RGBA uint8 [..., 3 or 4]. Distances are CIE76 ΔE.

    A translucent color looks like what it is over white and over black. The distance of two is the root of the mean of
    the squares of these ΔE, which is the ΔE of two that are opaque.
    """
    if colors.shape[-1] == 3:
        return to_lab(colors)
    return np.concatenate([to_lab(over(colors, ground)) for ground in (255, 0)], axis=-1) / np.float32(2**0.5)


def to_lab(colors: np.ndarray) -> np.ndarray:
    """CIE L*a*b* float32 [..., 3] of RGB uint8 [..., 3]."""
    if not colors.size:  # OpenCV refuses it
        return colors.astype(np.float32)
    flat = (colors.reshape(1, -1, 3) / 255).astype(np.float32)
    return cv2.cvtColor(flat, cv2.COLOR_RGB2LAB).reshape(colors.shape)


def _flat(painted: np.ndarray) -> np.ndarray:
    """Return where a pixel's 3×3 neighborhood varies by no more than a gradient does (12 levels)."""
    if painted.shape[2] == 4:
        painted = np.dstack([over(painted, 0), painted[..., 3]])
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
    """Like `distinct`, for colors uint8 [P, C] of up to four channels; the values are colors uint8 [V, C]."""
    shifts = 8 * np.arange(colors.shape[1], dtype=np.uint32)[::-1]
    codes, counts, place = distinct(_codes(colors))
    return (codes[:, None] >> shifts & 255).astype(np.uint8), counts, place


def _medians(colors: np.ndarray, names: np.ndarray) -> _Colors:
    """Return the median color of the pixels of each name, in order of the names. It is flat if most pixels have it."""
    order = np.argsort(names, kind="stable")
    _, starts = np.unique(names[order], return_index=True)
    groups: Sequence[np.ndarray] = np.split(colors[order], starts[1:]) if len(starts) else []
    medians = np.array([np.median(group, axis=0) for group in groups], np.uint8).reshape(-1, colors.shape[1])
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
    """Choose the colors uint8 [N, 3 or 4] that stand for those found; also return how many flat ones are left out.

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
        rest &= _nearest(appearance(values), appearance(chosen))[1] >= SAME_COLOR**2
    others = _merge(values[rest], counts[rest], max(most - len(chosen), most // 2))
    if not len(chosen) + len(others):
        others = values[:1]
    return np.concatenate([chosen, others]), len(flat) - len(chosen)


def _merge(values: np.ndarray, counts: np.ndarray, max_entries: int) -> np.ndarray:
    """Choose at most `max_entries` colors that stand for colors uint8 [V, 3 or 4] with their pixel counts [V], most
    frequent first.

    The most frequent color absorbs all that look the same, then the most frequent of the rest does, and so on. If that
    gives too many colors, there are gradients. The colors are then k-means centers.
    """
    lab = appearance(values)
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
    """The k-means centers uint8 [count, 3 or 4] of colors uint8 [V, 3 or 4], by their looks and pixel counts."""
    some = np.random.default_rng(0).choice(len(values), 20_000, p=counts / counts.sum())
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 15, 0.3)
    cv2.setRNGSeed(0)
    looks = appearance(values[some])
    _, _, centers = cv2.kmeans(looks, count, None, stop, 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    if values.shape[1] == 3:
        return np.round(255 * _to_rgb(centers)).astype(np.uint8)
    on_white, on_black = (_to_rgb(part * np.float32(2**0.5)) for part in (centers[:, :3], centers[:, 3:]))
    alpha = (1 - (on_white - on_black).mean(axis=1, keepdims=True)).clip(0, 1)
    color = (on_black / np.maximum(alpha, 1e-6)).clip(0, 1) * (np.round(255 * alpha) > 0)
    return np.round(255 * np.concatenate([color, alpha], axis=1)).astype(np.uint8)


def _to_rgb(lab: np.ndarray) -> np.ndarray:
    """Return the RGB float32 [N, 3] in 0..1 of CIE L*a*b* float32 [N, 3]."""
    return cv2.cvtColor(lab[None], cv2.COLOR_LAB2RGB)[0].clip(0, 1)


def _among(values: np.ndarray, own: Sequence[str]) -> np.ndarray:
    """Return which colors uint8 [V, 3 or 4] are among these `#rrggbb`, bool [V]; transparent ones are not."""
    known = np.array([int(color[1:], 16) for color in own], np.uint32)
    return np.isin(_codes(values[:, :3]), known) & (values[:, 3:] > 0).all(axis=1)


def _same(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return which colors uint8 [V, 3 or 4] are exactly among others [N, 3 or 4], bool [V]."""
    return np.isin(_codes(values), _codes(others))


def _codes(colors: np.ndarray) -> np.ndarray:
    """Return a number for each color uint8 [V, C] of up to four channels, uint32 [V]."""
    shifts = 8 * np.arange(colors.shape[1], dtype=np.uint32)[::-1]
    return functools.reduce(np.bitwise_or, colors.T.astype(np.uint32) << shifts[:, None])


def _nearest_entry(image: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Index uint16 [H, W] of the entry that looks nearest to each pixel."""
    values, _, place = distinct_colors(image.reshape(-1, image.shape[2]))
    nearest, _ = _nearest(appearance(values), appearance(colors))
    return nearest[place].reshape(image.shape[:2])


def _nearest(lab: np.ndarray, entries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each of the looks [V, 3 or 6], the nearest of the entries [N, 3 or 6], uint16 [V], and the square of
    its distance [V]."""
    nearest = np.zeros(len(lab), np.uint16)
    best = np.full(len(lab), np.inf, np.float32)
    for number, entry in enumerate(entries):  # one entry at a time, to keep the memory small
        distance = ((lab - entry) ** 2).sum(1)
        nearest[distance < best] = number
        best = np.minimum(best, distance)
    return nearest, best
