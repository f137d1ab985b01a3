# SPDX-License-Identifier: GPL-3.0-or-later
"""From the model's small pictures to finished frames: clean fills at the shot's size, the animator's lines on top."""

import cv2
import numpy as np
from scipy import ndimage, sparse

from server.colorize.palette import Palette, clear_pixels
from server.colorize.regions import Regions, find_regions


def flats(line_art: np.ndarray, scores: np.ndarray, palette: Palette) -> np.ndarray:
    """Give every closed region one colour of the palette and lay the lines on top.

    line_art: uint8 [H, W] at the shot's size; scores: float32 [h, w, N] at the model's size, lower is better (the
    summed code distances). Returns RGB uint8 [H, W, 3].
    """
    regions = find_regions(line_art)
    entries, _ = choose_entries(regions, scores)
    return lay_lines(palette.colors[entries][regions.labels], line_art)


def choose_entries(regions: Regions, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Let the model's pixels vote on each region's palette entry.

    scores: float32 [h, w, N], lower is better. Each pixel has one vote, shared among the entries by how near they
    score, so a pixel mixed of two colours cannot carry the region to a third one between them. Returns the
    entry [R] and the margin of its votes over the next entry's, 0..1 [R]; a region with 0 is a guess.
    """
    size = scores.shape[1::-1]
    flat = scores.reshape(-1, scores.shape[2])
    loss = flat - flat.min(axis=1, keepdims=True)
    if loss.shape[1] == 1:
        return np.zeros(regions.count, np.intp), np.ones(regions.count, np.float32)
    softness = max(float(np.median(np.partition(loss, 1, axis=1)[:, 1])) / 4, 1e-6)
    votes = np.exp(-loss / softness)
    votes /= votes.sum(axis=1, keepdims=True)
    totals = _weights(regions, size) @ votes
    ranked = np.partition(totals, -2, axis=1)
    return totals.argmax(axis=1), (ranked[:, -1] - ranked[:, -2]).astype(np.float32)


def painted(line_art: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Bring the model's own colours to the shot's size without carrying them across lines, lines on top.

    line_art: uint8 [H, W]; image: RGB uint8 [h, w, 3]. Near a line a model pixel mixes both sides, so there the
    colour comes from the nearest place of the same region that is clear of lines, or from the middle of a narrow
    region. Returns RGB uint8 [H, W, 3].
    """
    regions = find_regions(line_art)
    height, width = line_art.shape
    large = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    reach = max(width / image.shape[1], height / image.shape[0])
    deepest = np.asarray(ndimage.maximum(regions.depth, regions.labels, range(regions.count)))
    clear = np.minimum(2 * reach, 0.7 * deepest).astype(np.float32)
    sure = regions.depth >= clear[regions.labels]
    color = large.reshape(-1, 3)[regions.sources(sure)]
    return lay_lines(_smooth_seams(color, regions, sure, reach), line_art)


def keep_keyframe(line_art: np.ndarray, keyframe: np.ndarray) -> np.ndarray:
    """Finish a drawing that is painted already: its own colours, filled under the lines, the lines on top.

    line_art: uint8 [H, W]; keyframe: RGB uint8 [H, W, 3]. Returns RGB uint8 [H, W, 3].
    """
    return lay_lines(fill_under_lines(line_art, keyframe), line_art)


def fill_under_lines(line_art: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Replace an image's lines and their anti-aliased fringe by the colour beside them, each on its own side.

    line_art: uint8 [H, W]; image: RGB uint8 [H, W, 3] with the lines on it or not. Returns RGB uint8 [H, W, 3].
    """
    regions = find_regions(line_art)
    sure = clear_pixels(line_art, regions.labels)
    clear = np.bincount(regions.labels[sure], minlength=regions.count) > 0
    sure |= ~clear[regions.labels] & ~regions.is_line
    return image.reshape(-1, 3)[regions.sources(sure)]


def lay_lines(color: np.ndarray, line_art: np.ndarray) -> np.ndarray:
    """Lay line art uint8 [H, W] untouched over colours RGB uint8 [H, W, 3]: where it is paper the colour shows."""
    return cv2.multiply(color, cv2.merge([line_art] * 3), scale=1 / 255)


def _weights(regions: Regions, size: tuple[int, int]) -> sparse.csr_array:
    """How much each model pixel (of size (w, h), row by row) says about each region: rows add up to 1.

    A full-size pixel counts the less, the nearer a line is, up to one model pixel away: a model pixel that
    straddles a line is mixed of both sides.
    """
    height, width = regions.labels.shape
    columns = np.arange(width) * size[0] // width
    rows = np.arange(height) * size[1] // height
    reach = max(width / size[0], height / size[1])
    trust = np.clip(regions.depth / reach, 0.02, 1) ** 2
    cells = rows[:, None] * size[0] + columns[None]
    shape = (regions.count, size[0] * size[1])
    weights = sparse.coo_array((trust.ravel(), (regions.labels.ravel(), cells.ravel())), shape).tocsr()
    return sparse.diags_array(1 / weights.sum(axis=1)) @ weights


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
