# SPDX-License-Identifier: GPL-3.0-or-later
"""The palette entry of every region of a drawing, chosen by votes and lines together.

A drawing is cut into pieces; a piece is a connected area within the square of one vote. Pieces merge as long as that
costs fewer votes than a border between them is worth, across the widest passages first, as in piecewise constant
segmentation by region merging (Koepfler, Lopez and Morel, "A Multiscale Algorithm for Image Segmentation by Variational
Method", 1994). Only a border on open paper has a price; separation by lines is free. So a closed region has one color,
and a break in a line does not leak if it is narrow compared with the areas on its sides. A long border between entries
that meet so in no keyframe has a higher price.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage, sparse
from scipy.sparse.csgraph import connected_components

from server.coloring.line_art.regions import find_paper, gap_closures, nearest
from shared.manifest import SMALLEST_REGION

BORDER_PRICE = 3.0
"""Price of a border on open paper, in nats of log-likelihood per unit of length, measured on procedural clips."""
UNKNOWN_PRICE = 20.0
"""The same for a border between entries that meet so in no keyframe, where it is longer than `UNKNOWN_LENGTH`."""
UNKNOWN_LENGTH = 5.0
"""The length of a border, in units, that breaks in a line explain: two of the widest."""
PASSAGE_PRICE = 3.0
"""Added to the cost of merges when they are ordered, so that merges through narrow passages come last."""
BREAK = 1 / 36
"""The widest break in a line, in heights of the drawing, through which pieces do not merge immediately."""
UNITS = 160 * 90
"""Number of squares in a drawing. Their side is the unit of length, and each square is one independent vote."""
DOUBT = 0.1
"""Added to every vote before the logarithm, so that a confident error does not outweigh a whole region."""
UNCERTAIN_BELOW = 0.25
"""The color of a region is a guess when its entry leads the runner-up by less than this share of its votes."""
LEAST_SHARE = 0.0005
"""Share of the frame's area below which regions are not listed."""

Borders = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Pairs of pieces or regions that touch on open paper: the first [E], the second [E], and the length in units [E]."""


@dataclass(frozen=True)
class UncertainRegion:
    """A region whose color is a guess.

    entries: its label and the runner-up. margin: the share of the votes by which it won, below 0 if the runner-up has
    more votes, but in fewer places. share: of the frame's area. box: left, top, width and height in pixels.
    """

    entries: tuple[int, int]
    margin: float
    share: float
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class RegionLabels:
    """The regions of a drawing and their palette entries.

    regions: int32 [H, W], the region of every pixel, 0 … R - 1; a line pixel belongs to the nearest region.
    shares: float32 [R, N], each entry's share of a region's votes.
    labels: uint16 [R], each region's entry.
    """

    regions: np.ndarray
    shares: np.ndarray
    labels: np.ndarray

    @property
    def entries(self) -> np.ndarray:
        """The entry uint16 [H, W] of every pixel."""
        return self.labels[self.regions]

    @property
    def areas(self) -> np.ndarray:
        """The share of the frame's area of each region, [R]."""
        return np.bincount(self.regions.ravel(), minlength=len(self.labels)) / self.regions.size

    @property
    def rivals(self) -> tuple[np.ndarray, np.ndarray]:
        """The runner-up to each region's entry [R], and the share of the votes by which it lost [R]. If there is only
        one entry, that entry and 1."""
        rows = np.arange(len(self.labels))
        rest = self.shares.copy()
        rest[rows, self.labels] = 0 if self.shares.shape[1] == 1 else -1
        second = rest.argmax(axis=1)
        return second, self.shares[rows, self.labels] - rest[rows, second]

    def uncertain(self, margin: float = UNCERTAIN_BELOW, share: float = LEAST_SHARE) -> list[UncertainRegion]:
        """List the regions whose entry won by less than `margin`, largest first; those below `share` are left out."""
        second, margins = self.rivals
        areas = self.areas
        found = [
            UncertainRegion(
                (int(self.labels[region]), int(second[region])),
                float(margins[region]),
                float(areas[region]),
                cv2.boundingRect((self.regions == region).astype(np.uint8)),  # type: ignore[arg-type]  # four numbers
            )
            for region in np.flatnonzero((margins < margin) & (areas >= share))
        ]
        return sorted(found, key=lambda region: -region.share)


def label_regions(
    line_art: np.ndarray,
    votes: np.ndarray,
    meetings: np.ndarray,
    gap: float = 0.0,
    smallest: int = SMALLEST_REGION,
) -> RegionLabels:
    """Choose an entry for every region of line art uint8 [H, W] by votes float32 [h, w, N], not below 0.

    meetings: which entries may meet without a line between them, bool [N, N]; see `meetings`. gap, smallest: as
    `ShotManifest.gap` and `smallest_region`. Only the proportions of the votes within a pixel count. Each pixel is one
    observation; its votes are the likelihoods of the entries.
    """
    probabilities = votes.reshape(-1, votes.shape[2]) / votes.sum(axis=2).reshape(-1, 1)
    paper = find_paper(line_art, smallest)
    if gap:
        paper &= ~gap_closures(paper, gap * len(paper))
    pieces, cells, borders = _cut(paper, votes.shape[:2])
    if not len(cells):
        shares = probabilities.mean(axis=0, keepdims=True)
        return RegionLabels(np.zeros(line_art.shape, np.int32), shares, shares.argmax(axis=1).astype(np.uint16))
    area = np.bincount(pieces.ravel(), minlength=len(cells) + 1)[1:, None]
    likelihood = np.log(probabilities + DOUBT)[cells] * (area * UNITS / line_art.size).astype(np.float32)
    cramped = np.bincount(pieces.ravel(), (~_roomy(paper)).ravel(), len(cells) + 1)[1:] > 0
    region_of, totals = _merge(likelihood, borders, cramped, meetings)
    members = _members(region_of, len(totals))
    shares = members @ (probabilities[cells] * area) / (members @ area)
    regions = np.concatenate([[0], region_of]).astype(np.int32)[pieces]
    labels = totals.argmax(axis=1).astype(np.uint16)
    _settle_borders(regions, pieces > 0, labels, probabilities.reshape(votes.shape))
    return RegionLabels(regions.ravel()[nearest(pieces > 0)], shares.astype(np.float32), labels)


def _cut(paper: np.ndarray, grid: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, Borders]:
    """Cut paper bool [H, W] into pieces that are connected within one square of a grid (rows, columns).

    Returns the piece of every pixel int32 [H, W], as 0 for none and p + 1 for piece p; the square [P] of each piece,
    counted row by row; and the borders that pieces share across the sides of the squares.
    """
    rows, columns = (np.arange(side) * count // side for side, count in zip(paper.shape, grid, strict=True))
    # A blank row or column between the squares keeps their pieces apart.
    spread = np.ix_(np.arange(len(rows)) + rows, np.arange(len(columns)) + columns)
    apart = np.zeros(np.add(paper.shape, grid), np.uint8)
    apart[spread] = paper
    count, labels = cv2.connectedComponents(apart, connectivity=4, ltype=cv2.CV_32S)
    pieces = labels[spread]
    cells = np.zeros(count, np.int64)
    cells[pieces] = rows[:, None] * grid[1] + columns
    above, left = np.flatnonzero(np.diff(rows)), np.flatnonzero(np.diff(columns))
    here = np.concatenate([pieces[above].ravel(), pieces[:, left].ravel()])
    there = np.concatenate([pieces[above + 1].ravel(), pieces[:, left + 1].ravel()])
    touching = (here > 0) & (there > 0)
    here, there = here[touching] - 1, there[touching] - 1
    unit = (paper.size / UNITS) ** 0.5
    return pieces, cells[1:], _add_up(here, there, np.full(len(here), 1 / unit))


def _roomy(paper: np.ndarray) -> np.ndarray:
    """Return where on paper bool [H, W] a ball fits that is as wide as the widest break that a line may have."""
    if paper.all():
        return paper
    radius = BREAK * len(paper) / 2
    outside = cv2.distanceTransform(paper.astype(np.uint8), cv2.DIST_L2, 5) < radius
    return cv2.distanceTransform(outside.astype(np.uint8), cv2.DIST_L2, 5) < radius


def _merge(
    likelihood: np.ndarray, borders: Borders, cramped: np.ndarray, meetings: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Merge pieces that have log-likelihoods float32 [P, N].

    Pieces that agree merge first, unless they are cramped (bool [P]). Then pairs of pieces merge, those with longer
    borders earlier. Returns the region [P] of each piece and the regions' log-likelihoods [R, N].
    """
    a, b, length = borders
    labels = likelihood.argmax(axis=1)
    region_of: np.ndarray = np.arange(len(likelihood))
    totals = likelihood
    chosen = (labels[a] == labels[b]) & ~cramped[a] & ~cramped[b]
    while True:
        joined = sparse.coo_array((chosen[chosen], (a[chosen], b[chosen])), (len(totals), len(totals)))
        count, merged = connected_components(joined, directed=False)
        region_of, totals = merged[region_of], _members(merged, count) @ totals
        a, b, length = _add_up(merged[a], merged[b], length)
        best = totals.max(axis=1)
        lost = best[a] + best[b] - (totals[a] + totals[b]).max(axis=1)
        entries = totals.argmax(axis=1)
        excess = np.where(meetings[entries[a], entries[b]], 0, np.maximum(0, length - UNKNOWN_LENGTH))
        price = BORDER_PRICE * (length - excess) + UNKNOWN_PRICE * excess
        rank = ((lost + PASSAGE_PRICE) / length).argsort(kind="stable").argsort(kind="stable")
        first = np.full(count, len(rank))
        np.minimum.at(first, a, rank)
        np.minimum.at(first, b, rank)
        chosen = (first[a] == rank) & (first[b] == rank) & (lost < price)
        if not chosen.any():
            return region_of, totals


def _add_up(a: np.ndarray, b: np.ndarray, length: np.ndarray) -> Borders:
    """Add up the borders between the same two regions, and drop borders within one region."""
    between = a != b
    low, high = np.minimum(a, b)[between].astype(np.int64), np.maximum(a, b)[between]
    pairs, place = np.unique(low << 32 | high, return_inverse=True)
    return pairs >> 32, pairs & 0xFFFFFFFF, np.bincount(place, length[between], len(pairs)).astype(np.float32)


def _settle_borders(regions: np.ndarray, paper: np.ndarray, labels: np.ndarray, votes: np.ndarray) -> None:
    """Redraw the borders on open paper by the interpolated votes float32 [h, w, N]; before, they follow the squares.

    regions: int32 [H, W], changed in place, no farther than a square's side from such a border.
    """
    beyond = np.full(regions.shape, -1, np.int32)  # beside a border, the region on its other side
    for a, b in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        border = (regions[a] != regions[b]) & paper[a] & paper[b]
        beyond[a][border], beyond[b][border] = regions[b][border], regions[a][border]
    if (beyond < 0).all():
        return
    height, width = regions.shape
    reach = round(max(height / votes.shape[0], width / votes.shape[1]))
    near = cv2.dilate((beyond >= 0).astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
    at = np.flatnonzero(near & paper)
    source = nearest(beyond >= 0).ravel()[at]
    at, source = (places[regions.ravel()[at] == regions.ravel()[source]] for places in (at, source))
    own, other = regions.ravel()[at], beyond.ravel()[source]
    y = (at // width + 0.5) * votes.shape[0] / height - 0.5
    x = (at % width + 0.5) * votes.shape[1] / width - 0.5
    for_own, for_other = (
        ndimage.map_coordinates(votes, (y, x, labels[side]), order=1, mode="nearest") for side in (own, other)
    )
    regions.ravel()[at] = np.where(for_other > for_own, other, own)


def _members(region_of: np.ndarray, count: int) -> sparse.csr_array:
    """Return the matrix [count, P] that sums pieces into regions, from the region [P] of each piece."""
    ones = np.ones(len(region_of), np.float32)
    return sparse.coo_array((ones, (region_of, np.arange(len(region_of)))), (count, len(region_of))).tocsr()
