# SPDX-License-Identifier: GPL-3.0-or-later
"""From the model's small pictures to finished frames: clean fills at the shot's size, the animator's lines on top.

`flats` elects a palette entry for every region; `painted` and, for a drawing that is painted already,
`fill_under_lines` give the colours, without lines; `lay_lines` puts the drawing over them.
"""

from math import ceil

import cv2
import numpy as np
from scipy import ndimage, sparse
from skimage.measure import label

from server.colorize.palette import clear_pixels
from server.colorize.regions import Regions, find_regions, grow, nearest


def flats(line_art: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Give every closed region one entry of the palette.

    line_art: uint8 [H, W] at the shot's size; votes: float32 [h, w, N] at the model's size. Returns the entry of every
    pixel, uint8 [H, W], lines filled from beside them.
    """
    regions = split_leaks(find_regions(line_art), votes)
    entries, _ = choose_entries(regions, votes)
    return entries.astype(np.uint8)[regions.labels]


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


def choose_entries(regions: Regions, votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Elect each region's palette entry by votes float32 [h, w, N].

    Returns the entry [R] and the margin [R] of its share of the votes over the next entry's, 0..1; a region with
    a margin near 0 is a guess.
    """
    totals = _weights(regions, votes.shape[1::-1]) @ votes.reshape(-1, votes.shape[2])
    if totals.shape[1] == 1:
        return np.zeros(regions.count, np.intp), np.ones(regions.count)
    ranked = np.partition(totals, -2, axis=1)
    return totals.argmax(axis=1), ranked[:, -1] - ranked[:, -2]


def split_leaks(regions: Regions, votes: np.ndarray) -> Regions:
    """Split off the parts of regions that leak through a gap too wide to be closed by shape alone.

    votes: float32 [h, w, N]. Where many neighbouring pixels outvote their region and, grown a little on the paper,
    have almost nowhere to go because lines shut them in, they are a region of their own. Else it is the model's
    error, and the region's vote corrects it.
    """
    height, width = regions.labels.shape
    reach = max(width / votes.shape[1], height / votes.shape[0])
    entries, _ = choose_entries(regions, votes)
    smooth = [cv2.GaussianBlur(np.ascontiguousarray(votes[..., entry]), (0, 0), 0.8) for entry in range(votes.shape[2])]
    elected = cv2.resize(np.argmax(smooth, 0).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    dissent = (elected != entries[regions.labels]) & ~regions.is_line
    kinds = regions.labels.astype(np.int64) * votes.shape[2] + elected + 1
    parts = label(np.where(dissent, kinds, 0), connectivity=1)
    labels, count = regions.labels.copy(), regions.count
    boxes = ndimage.find_objects(parts)
    large = np.bincount(parts.ravel())[1:] >= (10 * reach) ** 2
    for part in np.flatnonzero(large) + 1:
        rows, columns = (
            slice(max(side.start - 3 * ceil(reach), 0), side.stop + 3 * ceil(reach)) for side in boxes[part - 1]
        )
        inside = parts[rows, columns] == part
        near = regions.labels[rows, columns]
        home = near == near[inside][0]
        paper = (home & ~regions.is_line[rows, columns]).astype(np.uint8)
        almost = grow(inside.astype(np.uint8), paper, ceil(2 * reach) - 1)
        grown = grow(almost, paper, 1)
        rim = cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8)).sum() - inside.sum()
        if grown.sum() - almost.sum() <= rim / 4:
            beside_lines = (grown > 0) & (regions.depth[rows, columns] <= 1.25 * reach)
            labels[rows, columns][inside | beside_lines] = count
            count += 1
    if count == regions.count:
        return regions
    _, numbers = np.unique(labels.ravel()[nearest(~regions.is_line)], return_inverse=True)
    return Regions(
        numbers.reshape(labels.shape).astype(np.int32), regions.is_line, regions.depth, int(numbers.max()) + 1
    )


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

    A full-size pixel counts the less, the nearer a line is, up to two model pixels away: a model pixel that
    straddles a line is mixed of both sides, and the model's pictures are soft.
    """
    height, width = regions.labels.shape
    columns = np.arange(width) * size[0] // width
    rows = np.arange(height) * size[1] // height
    reach = max(width / size[0], height / size[1])
    trust = np.clip(regions.depth / (2 * reach), 0.02, 1) ** 2
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
