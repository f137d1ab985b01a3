# SPDX-License-Identifier: GPL-3.0-or-later
"""How a drawing's regions are filled: flat, softly shaded, or with the model's own picture.

Colors are RGB, or straight RGBA where a shot is transparent or translucent in places.
"""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from scipy import ndimage

from server.coloring.line_art.regions import Regions, entry_regions, find_regions
from server.coloring.meetings import SAME_GRADIENT
from server.coloring.palette import Palette, appearance
from server.coloring.region_labels import label_regions


class Fill(Protocol):
    """Fills a drawing with colors."""

    def fill(self, line_art: np.ndarray, entries: np.ndarray, votes: np.ndarray, images: np.ndarray) -> np.ndarray:
        """Return colors uint8 [H, W, 3 or 4] without lines.

        line_art: uint8 [H, W]; entries: each pixel's entry, uint16 [H, W]; votes: float32 [h, w, N]; images: the
        model's pictures, RGB uint8 [B, h, w, 3].
        """


@dataclass(frozen=True)
class FlatFill:
    """Fills each region with the color of its palette entry."""

    palette: Palette

    def fill(self, line_art: np.ndarray, entries: np.ndarray, votes: np.ndarray, images: np.ndarray) -> np.ndarray:
        return self.palette.colors[entries]


@dataclass(frozen=True)
class SoftFill:
    """Fills each region with the soft colors of the votes."""

    palette: Palette

    def fill(self, line_art: np.ndarray, entries: np.ndarray, votes: np.ndarray, images: np.ndarray) -> np.ndarray:
        visible = self.palette.visible
        color = shaded(line_art, entries, soft_colors(votes, entries, visible))
        return np.where((entries < len(visible))[..., None], color, np.uint8(0))


@dataclass(frozen=True)
class ModelFill:
    """Fills a drawing with the model's last picture, which shows colors over white."""

    palette: Palette

    def fill(self, line_art: np.ndarray, entries: np.ndarray, votes: np.ndarray, images: np.ndarray) -> np.ndarray:
        color = painted(line_art, images[-1])
        if self.palette.colors.shape[1] == 3:
            return color
        alpha = self.palette.colors[entries, 3:]
        own = 255 - (255 - color.astype(np.float32)) * (255 / np.maximum(alpha, 1).astype(np.float32))
        return np.where(alpha > 0, np.dstack([np.round(own).clip(0, 255).astype(np.uint8), alpha]), np.uint8(0))


def flats(line_art: np.ndarray, votes: np.ndarray, meetings: np.ndarray) -> np.ndarray:
    """Give every closed region one entry of the palette; see `region_labels.label_regions`.

    line_art: uint8 [H, W] at the shot's size; votes: float32 [h, w, N], smaller; meetings: bool [N, N]. Returns the
    entry of every pixel, uint8 [H, W]; lines are filled from the pixels beside them.
    """
    return label_regions(line_art, votes, meetings).entries


def painted(line_art: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Bring the model's own colors to the shot's size without carrying them across lines.

    line_art: uint8 [H, W]; image: RGB uint8 [h, w, 3]. Near a line, a model pixel mixes both sides. There the color
    comes from the nearest pixel of the same region that is far enough from the lines, or from the middle of a narrow
    region. Returns RGB uint8 [H, W, 3] without lines.
    """
    regions = find_regions(line_art)
    height, width = line_art.shape
    large = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    scale = max(width / image.shape[1], height / image.shape[0])
    deepest = np.asarray(ndimage.maximum(regions.depth, regions.labels, range(regions.count)))
    min_depth = np.minimum(2 * scale, 0.7 * deepest).astype(np.float32)
    sure = regions.depth >= min_depth[regions.labels]
    color = large.reshape(-1, 3)[regions.sources(sure)]
    return _smooth_seams(color, regions, sure, scale)


def soft_colors(votes: np.ndarray, entries: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Return the soft color of each pixel of the votes, float32 [h, w, 3 or 4].

    It is the mean of the chosen entry and of those that could be steps of the same gradient (CIE76 ΔE up to
    `SAME_GRADIENT`). votes: float32 [h, w, N]; entries: the chosen ones, uint8 [H, W]; palette: uint8 [M, 3 or 4], the
    colors of the first M entries. Other entries have no color: they add nothing to a mean, and the result is
    meaningless where they are chosen.
    """
    votes, entries = votes[..., : len(palette)], np.minimum(entries, np.uint16(len(palette) - 1))
    lab = appearance(palette)
    near = (np.square(lab[:, None] - lab).sum(axis=2) < SAME_GRADIENT**2).astype(np.float32)
    chosen = cv2.resize(entries, votes.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    weight = votes * near[chosen] + 1e-6 * np.eye(len(palette), dtype=np.float32)[chosen]
    return weight @ palette.astype(np.float32) / weight.sum(axis=2, keepdims=True)


def shaded(line_art: np.ndarray, entries: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Fill regions with soft colors smoothly, without crossing lines or borders between palette entries.

    line_art, entries: uint8 [H, W]; colors: float32 [h, w, 3 or 4] in 0..255, smaller; each is the color of the entry
    at the middle of its pixel. Uses joint bilateral upsampling (Kopf et al. 2007), restricted to neighbors in the same
    region. A pixel without such neighbors copies the nearest color of its region. A region without any color takes the
    mean of its entry. Returns uint8 [H, W, 3 or 4] without lines.
    """
    height, width = entries.shape
    regions = entry_regions(line_art, entries)
    owners = cv2.resize(regions.labels, colors.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    sides = []
    for size, count in ((height, colors.shape[0]), (width, colors.shape[1])):
        place = np.clip((np.arange(size) + 0.5) * count / size - 0.5, 0, count - 1)
        low = place.astype(int)
        sides.append(((low, low + 1 - place), (np.minimum(low + 1, count - 1), place - low)))
    total, weight = np.zeros((height, width, colors.shape[2]), np.float32), np.zeros((height, width), np.float32)
    for row, by_row in sides[0]:
        for column, by_column in sides[1]:
            at = np.ix_(row, column)
            share = (by_row[:, None] * by_column) * (owners[at] == regions.labels)
            total += share[..., None] * colors[at]
            weight += share
    sure = weight > 0.05
    color = (total / np.where(sure, weight, 1)[..., None]).reshape(-1, colors.shape[2])[regions.sources(sure)]
    missed = ~np.isin(np.arange(regions.count), regions.labels[sure])[regions.labels]
    seen = cv2.resize(entries, colors.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    for entry in np.intersect1d(entries[missed], seen):
        color[missed & (entries == entry)] = colors[seen == entry].mean(axis=0)
    return np.round(color).clip(0, 255).astype(np.uint8)


def _smooth_seams(color: np.ndarray, regions: Regions, sure: np.ndarray, width: float) -> np.ndarray:
    """Soften the seams that copying leaves beside the lines, separately on each side of a line.

    width: width of a seam in pixels.
    """
    free = (~regions.is_line).astype(np.float32)
    side = 2 * round(width / 2) + 1
    total = cv2.blur(color.astype(np.float32) * free[..., None], (side, side))
    soft = total / np.maximum(cv2.blur(free, (side, side)), 1e-3)[..., None]
    # A window that covers two regions would mix their colors, so only windows within one region are used.
    labels = regions.labels.astype(np.float32)
    square = np.ones((side, side), np.uint8)
    of_one = cv2.erode(labels, square) == cv2.dilate(labels, square)
    return np.where((of_one & ~sure)[..., None], np.round(soft), color).astype(np.uint8)
