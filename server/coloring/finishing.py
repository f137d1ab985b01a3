# SPDX-License-Identifier: GPL-3.0-or-later
"""From small votes and pictures to finished frames: clean fills at the shot's size, the animator's lines on top.

`flats` elects a palette entry for every region; `shaded` by `soft_colors`, `painted` and, for a drawing that is painted
already, `fill_under_lines` give the colours, without lines; `make_clear` takes them away where nothing is painted;
`lay_lines` puts the drawing over them.

Colours are RGB, or straight RGBA where a shot is transparent in places: a pixel is opaque, or transparent black.
"""

import cv2
import numpy as np
from scipy import ndimage

from server.coloring.line_art.regions import Regions, entry_regions, find_regions
from server.coloring.palette import clear_pixels, to_lab
from server.coloring.region_labels import elect

NEARLY_BLACK = 32
"""A line that is darker than this hides what is under it."""

SAME_GRADIENT = 20.0
"""Palette entries that look no more different than this (CIE76 ΔE) may be steps of one gradient."""


def flats(line_art: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Give every closed region one entry of the palette; `election.elect` tells more.

    line_art: uint8 [H, W] at the shot's size; votes: float32 [h, w, N], smaller. Returns the entry of every pixel,
    uint8 [H, W], lines filled from beside them.
    """
    return elect(line_art, votes).entries


def cast_votes(scores: np.ndarray) -> np.ndarray:
    """Turn scores float32 [h, w, N], lower is better, into votes float32 [h, w, N].

    Each pixel has one vote, shared among the entries by how near they score, so a pixel mixed of two colours
    cannot carry a region to a third one between them, as the mean of its colours would.
    """
    if scores.shape[2] == 1:
        return np.ones_like(scores)
    loss = scores - scores.min(axis=2, keepdims=True)
    softness = max(float(np.median(np.partition(loss, 1, axis=2)[..., 1])) / 2, 1e-6)
    votes = np.exp(-loss / softness)
    return votes / votes.sum(axis=2, keepdims=True)


def painted(line_art: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Bring the model's own colours to the shot's size without carrying them across lines.

    line_art: uint8 [H, W]; image: RGB uint8 [h, w, 3]. Near a line a model pixel mixes both sides, so there the
    colour comes from the nearest place of the same region that is clear of lines, or from the middle of a narrow
    region. Returns RGB uint8 [H, W, 3] without lines.
    """
    regions = find_regions(line_art)
    height, width = line_art.shape
    large = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    reach = max(width / image.shape[1], height / image.shape[0])
    deepest = np.asarray(ndimage.maximum(regions.depth, regions.labels, range(regions.count)))
    clear = np.minimum(2 * reach, 0.7 * deepest).astype(np.float32)
    sure = regions.depth >= clear[regions.labels]
    color = large.reshape(-1, 3)[regions.sources(sure)]
    return _smooth_seams(color, regions, sure, reach)


def soft_colors(votes: np.ndarray, entries: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """What soft colour the votes see at each of their pixels: the mean of the elected entry and of those that could be
    steps of the same gradient (CIE76 ΔE up to `SAME_GRADIENT`), RGB float32 [h, w, 3].

    votes: float32 [h, w, N]; entries: elected, uint8 [H, W]; palette: uint8 [M, 3], the colours of the first M entries.
    What is not among these has no colour: it adds none, and what it gets itself means nothing.
    """
    votes, entries = votes[..., : len(palette)], np.minimum(entries, np.uint8(len(palette) - 1))
    lab = to_lab(palette)
    near = (np.square(lab[:, None] - lab).sum(axis=2) < SAME_GRADIENT**2).astype(np.float32)
    elected = cv2.resize(entries, votes.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    weight = votes * near[elected] + 1e-6 * np.eye(len(palette), dtype=np.float32)[elected]
    return weight @ palette.astype(np.float32) / weight.sum(axis=2, keepdims=True)


def shaded(line_art: np.ndarray, entries: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Fill regions with soft colours, smoothly, neither across lines nor from one palette entry into another.

    line_art, entries: uint8 [H, W]; colors: RGB float32 [h, w, 3] in 0..255, smaller: the colour of the entry at the
    middle of each of its pixels. Joint bilateral upsampling (Kopf et al. 2007) between neighbours of one region only;
    what has none copies from the nearest place of its region, and a region without any takes the mean of its entry.
    Returns RGB uint8 [H, W, 3] without lines.
    """
    height, width = entries.shape
    regions = entry_regions(line_art, entries)
    owners = cv2.resize(regions.labels, colors.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    sides = []
    for size, count in ((height, colors.shape[0]), (width, colors.shape[1])):
        place = np.clip((np.arange(size) + 0.5) * count / size - 0.5, 0, count - 1)
        low = place.astype(int)
        sides.append(((low, low + 1 - place), (np.minimum(low + 1, count - 1), place - low)))
    total, weight = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    for row, by_row in sides[0]:
        for column, by_column in sides[1]:
            at = np.ix_(row, column)
            share = (by_row[:, None] * by_column) * (owners[at] == regions.labels)
            total += share[..., None] * colors[at]
            weight += share
    sure = weight > 0.05
    color = (total / np.where(sure, weight, 1)[..., None]).reshape(-1, 3)[regions.sources(sure)]
    missed = ~np.isin(np.arange(regions.count), regions.labels[sure])[regions.labels]
    seen = cv2.resize(entries, colors.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    for entry in np.intersect1d(entries[missed], seen):
        color[missed & (entries == entry)] = colors[seen == entry].mean(axis=0)
    return np.round(color).clip(0, 255).astype(np.uint8)


def make_clear(color: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """Make colours RGB uint8 [H, W, 3] transparent where they are `clear`, bool [H, W]; returns RGBA [H, W, 4]."""
    return cv2.merge([*cv2.split(color), np.full_like(color[..., 0], 255)]) * ~clear[..., None]


def over_white(color: np.ndarray) -> np.ndarray:
    """The colours RGB uint8 [H, W, 3] of an image RGB or RGBA, transparency over white."""
    return color if color.shape[2] == 3 else np.where(color[..., 3:] > 0, color[..., :3], np.uint8(255))


def fill_under_lines(line_art: np.ndarray, image: np.ndarray, max_gap: int | None = None) -> np.ndarray:
    """Replace an image's lines and their anti-aliased fringe by the colour beside them, each on its own side.

    line_art: uint8 [H, W]; image: uint8 [H, W, 3 or 4] with the lines on it or not; max_gap: see `find_regions`.
    Returns the like of the image.
    """
    regions = find_regions(line_art, max_gap)
    sure = clear_pixels(line_art, regions.labels)
    clear = np.bincount(regions.labels[sure], minlength=regions.count) > 0
    sure |= ~clear[regions.labels] & ~regions.is_line
    return image.reshape(-1, image.shape[2])[regions.sources(sure)]


def lay_lines(color: np.ndarray, line_art: np.ndarray) -> np.ndarray:
    """Lay line art uint8 [H, W] untouched over colours uint8 [H, W, 3 or 4]: where it is paper the colour shows.

    On transparent ground a line is black and as opaque as it is dark. Over any backdrop the result then looks as if
    the line art were multiplied over colours and backdrop.
    """
    if color.shape[2] == 3:
        return cv2.multiply(color, cv2.merge([line_art] * 3), scale=1 / 255)
    laid = cv2.multiply(color, cv2.merge([line_art] * 3 + [np.full_like(line_art, 255)]), scale=1 / 255)
    laid[..., 3] = np.maximum(laid[..., 3], 255 - line_art)
    return laid


def lines_alone(line_art: np.ndarray) -> np.ndarray:
    """Line art uint8 [H, W] as black lines on nothing, straight RGBA uint8 [H, W, 4].

    Over opaque colours it looks as if it were multiplied with them.
    """
    nothing = np.zeros_like(line_art)
    return cv2.merge([nothing, nothing, nothing, 255 - line_art])


def lift_lines(frame: np.ndarray, line_art: np.ndarray) -> np.ndarray:
    """Undo `lay_lines`: the colours of a finished frame uint8 [H, W, 3 or 4], without its lines.

    Laying the line art uint8 [H, W] over them again gives the frame, within 1/255 wherever a line is not nearly black.
    """
    paint = frame.copy()
    paint[..., 3:] = np.where(frame[..., 3:] < 255, 0, 255)  # what a line's shade let through was transparent
    color = fill_under_lines(line_art, paint, max_gap=0)  # the frame's colours tell sides apart, no gap need be closed
    off = np.abs(lay_lines(color, line_art).astype(np.int16) - frame).max(axis=2) > 1
    off &= line_art >= NEARLY_BLACK
    lines = line_art[off].astype(np.float32)[:, None]
    color[off] = np.round(255 * paint[off].astype(np.float32) / lines).clip(0, 255)
    return color


def _smooth_seams(color: np.ndarray, regions: Regions, sure: np.ndarray, reach: float) -> np.ndarray:
    """Soften the seams that copying leaves beside the lines, within each side of the lines only."""
    free = (~regions.is_line).astype(np.float32)
    side = 2 * round(reach / 2) + 1
    total = cv2.blur(color.astype(np.float32) * free[..., None], (side, side))
    soft = total / np.maximum(cv2.blur(free, (side, side)), 1e-3)[..., None]
    # A window that holds another region would carry its colour over: only windows of one region are used.
    labels = regions.labels.astype(np.float32)
    square = np.ones((side, side), np.uint8)
    of_one = cv2.erode(labels, square) == cv2.dilate(labels, square)
    return np.where((of_one & ~sure)[..., None], np.round(soft), color).astype(np.uint8)
