# SPDX-License-Identifier: GPL-3.0-or-later
"""The borders in a map of parts, as smooth paths that meet where three parts meet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import skia
from scipy.ndimage import find_objects

NOTHING = -1
"""The part where there is no figure."""
_ROUNDS = 6
_PULL, _PUSH = 0.5, -0.53
"""Taubin's smoothing: every round pulls points to the middle of their neighbors, and pushes them back, so that nothing
shrinks. G. Taubin, "A signal processing approach to fair surface design", SIGGRAPH 1995."""
_STRAIGHT = 0.5
"""Least cosine of the turn where a line goes on after it has met another."""


@dataclass(frozen=True)
class Border:
    """A border between two junctions, or a loop.

    points: float [N,2], pixels. ends: numbers of its first and last corner, which are the same in a loop. sides: the
    parts on its two sides, smaller one first. Both sides are the same where one part is in front of itself.
    """

    points: np.ndarray
    ends: tuple[int, int]
    sides: tuple[int, int]


def clean_parts(parts: np.ndarray, least: int) -> np.ndarray:
    """Give areas of less than `least` pixels to their surroundings. parts: int [H,W], from NOTHING on."""
    small = np.zeros(parts.shape, bool)
    for part, window in enumerate(find_objects(parts - NOTHING + 1), NOTHING):
        if window is None:
            continue
        own = (parts[window] == part).astype(np.uint8)
        _, areas, stats, _ = cv2.connectedComponentsWithStats(own, connectivity=4)
        tiny = stats[:, cv2.CC_STAT_AREA] < least
        tiny[0] = False
        if tiny.any():
            small[window] |= tiny[areas]
    if not small.any() or small.all():
        return parts
    _, nearest = cv2.distanceTransformWithLabels(small.astype(np.uint8), cv2.DIST_L1, 3, labelType=cv2.DIST_LABEL_PIXEL)
    values = np.zeros(int(nearest.max()) + 1, parts.dtype)
    values[nearest[~small]] = parts[~small]
    return values[nearest]


def find_borders(parts: np.ndarray, steps: tuple[np.ndarray, np.ndarray], least: int) -> list[Border]:
    """Find the borders of parts, and the lines where a part is in front of itself.

    Args:
        parts: int [H,W]; the outermost pixels are NOTHING.
        steps: where the surface steps from one pixel to the next: bool [H,W-1] along a row, and [H-1,W] along a column.
        least: corners of the shortest line within a part.
    """
    width = parts.shape[1] + 1
    across, along = (parts[:, 1:] != parts[:, :-1]) | steps[0], (parts[1:] != parts[:-1]) | steps[1]
    row, column = np.nonzero(across)
    down, right = np.nonzero(along)
    # Corner (y, x) is the upper left one of pixel (y, x).
    begin = np.concatenate([row * width + column + 1, (down + 1) * width + right])
    end = np.concatenate([(row + 1) * width + column + 1, (down + 1) * width + right + 1])
    one = np.concatenate([parts[row, column], parts[down, right]])
    two = np.concatenate([parts[row, column + 1], parts[down + 1, right]])
    corners, flat = np.unique(np.concatenate([begin, end]), return_inverse=True)
    links = flat.reshape(2, -1).T
    if not len(links):
        return []
    places = _smooth(corners % width + 1j * (corners // width), links)
    sides = np.stack([np.minimum(one, two), np.maximum(one, two)], 1)
    borders = _trace(places.view(float).reshape(-1, 2), links, sides)
    return [border for border in borders if border.sides[0] != border.sides[1] or len(border.points) >= least]


def _smooth(places: np.ndarray, links: np.ndarray) -> np.ndarray:
    """Return places, complex [N], between their neighbors. Ends of lines stay."""
    both = np.concatenate([links, links[:, ::-1]])
    both = both[np.argsort(both[:, 0].astype(np.uint16) if len(places) < 2**16 else both[:, 0], kind="stable")]
    degree = np.bincount(both[:, 0], minlength=len(places))
    first = np.cumsum(degree) - degree
    neighbors = np.repeat(np.arange(len(places))[None], 4, 0)  # missing ones are the point itself
    neighbors[np.arange(len(both)) - first[both[:, 0]], both[:, 0]] = both[:, 1]
    free = np.where(degree > 1, 1 / degree, 0)
    for _ in range(_ROUNDS):
        for amount in (_PULL, _PUSH):
            around = places[neighbors[0]] + places[neighbors[1]] + places[neighbors[2]] + places[neighbors[3]]
            places = places + amount * free * (around - 4 * places)
    return places


def _trace(places: np.ndarray, links: np.ndarray, sides: np.ndarray) -> list[Border]:
    """Walk from junction to junction, then around the loops that are left."""
    # Step 2 i goes along link i, step 2 i + 1 goes back.
    tails, heads = links.reshape(-1), links[:, ::-1].reshape(-1)
    degree = np.bincount(tails, minlength=len(places))
    leaving = np.zeros(len(places), int)
    np.add.at(leaving, tails, np.arange(len(tails)))  # where two steps leave, this sum minus the one is the other
    back = np.arange(len(tails)) ^ 1
    ahead = np.where(degree[heads] == 2, leaving[heads] - back, -1)
    follow = ahead.tolist()
    walks: list[list[int]] = []
    done = set()
    for step in np.flatnonzero(degree[tails] != 2).tolist():
        if step in done:
            continue
        walk = []
        while step >= 0:
            walk.append(step)
            step = follow[step]
        done.add(walk[-1] ^ 1)
        walks.append(walk)
    left = np.ones(len(links), bool)
    if walks:
        left[np.concatenate(walks) >> 1] = False
    unused = set(np.flatnonzero(left).tolist())
    while unused:
        first = step = 2 * min(unused)
        walk = []
        while step != first or not walk:
            walk.append(step)
            step = follow[step]
        unused.difference_update(step >> 1 for step in walk)
        walks.append(walk)
    borders = []
    for walk in walks:
        corners = np.concatenate([tails[walk[:1]], heads[walk]])
        one, two = sides[walk[0] >> 1].tolist()
        borders.append(Border(places[corners], (int(corners[0]), int(corners[-1])), (one, two)))
    return borders


def outline(borders: Iterable[Border], part: int) -> skia.Path:
    """Return the outline of a part, to be filled."""
    own = [border for border in borders if (border.sides[0] == part) != (border.sides[1] == part)]
    return _join(own, closed=True)


def strokes(borders: Sequence[Border]) -> skia.Path:
    """Return the borders as lines. Where lines meet, the straightest go on."""
    return _join(borders, closed=False)


def _join(borders: Sequence[Border], closed: bool) -> skia.Path:
    path = skia.Path()
    path.setFillType(skia.PathFillType.kEvenOdd)
    at: dict[int, list[int]] = {}
    for number, border in enumerate(borders):
        for end in set(border.ends):
            at.setdefault(end, []).append(number)
    used = [False] * len(borders)
    # Open lines begin where they end in nothing or meet others, loops anywhere.
    order = (
        range(len(borders))
        if closed
        else sorted(range(len(borders)), key=lambda number: _is_inner(number, borders, at))
    )
    for number in order:
        if used[number]:
            continue
        used[number] = True
        border = borders[number]
        pieces = [border.points]
        begin, end = border.ends
        if not closed and begin != end and len(at[begin]) == 2 and len(at[end]) != 2:
            pieces, begin, end = [border.points[::-1]], end, begin
        while begin != end or not closed:
            chosen = _next(pieces[-1], end, [other for other in at[end] if not used[other]], borders, closed)
            if chosen is None:
                break
            used[chosen] = True
            other = borders[chosen]
            ahead = other.ends[0] == end
            pieces.append(other.points[1:] if ahead else other.points[-2::-1])
            end = other.ends[1] if ahead else other.ends[0]
        _draw(path, np.concatenate(pieces), begin == end)
    return path


def _is_inner(number: int, borders: Sequence[Border], at: dict[int, list[int]]) -> bool:
    return all(len(at[end]) == 2 for end in borders[number].ends)


def _next(points: np.ndarray, end: int, choices: Sequence[int], borders: Sequence[Border], closed: bool) -> int | None:
    if closed:
        return choices[0] if choices else None
    best, chosen = _STRAIGHT, None
    came = points[-1] - points[max(-4, -len(points))]
    for choice in choices:
        other = borders[choice]
        line = other.points if other.ends[0] == end else other.points[::-1]
        goes = line[min(3, len(line) - 1)] - line[0]
        cosine = float(came @ goes) / (float(np.hypot(*came) * np.hypot(*goes)) or 1.0)
        if cosine > best:
            best, chosen = cosine, choice
    return chosen


def _draw(path: skia.Path, points: np.ndarray, loop: bool) -> None:
    first, *rest = points[:-1].tolist() if loop else points.tolist()
    path.moveTo(*first)
    for point in rest:
        path.lineTo(*point)
    if loop:
        path.close()
