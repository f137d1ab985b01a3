# SPDX-License-Identifier: GPL-3.0-or-later
"""Static areas between two drawings, detected from their lines.

A background that is painted without lines cannot be matched part by part. This is not necessary, because where nothing
has moved, the keyframe shows each pixel's color.
"""

import cv2
import numpy as np

from server.coloring.line_art.pairs import count_pairs
from server.coloring.line_art.regions import Regions

SAME_REGION = 0.5
"""Two regions are the same one if they share at least this much of the area that they cover together."""
NEAR = 1 / 24
"""Within this distance of a line that has appeared or disappeared, in heights of the drawing, votes decide."""
PRIOR = 0.2
"""There, an unchanged region counts as this share of the votes for its earlier entry."""
_WOBBLE = 1 / 180

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def find_static(regions: Regions, before: Regions, margin: np.ndarray) -> np.ndarray:
    """Return where a drawing shows what another one of the same size showed at the same position, bool [H, W].

    regions, before: the regions of the drawing and of the other one. margin: float32 [H, W], the share of the votes by
    which a pixel's earlier entry leads all others, below 0 if it does not lead. A pixel is static if its region is the
    same and either no line has appeared or disappeared nearby, or the votes do not contradict it.
    """
    alike = _alike(regions, before)
    same = alike >= SAME_REGION
    new, gone, unchanged = compare_lines(regions.is_line, before.is_line)
    near = cv2.distanceTransform((~(new | gone)).astype(np.uint8), cv2.DIST_L2, 5) <= NEAR * len(new)
    voted = margin + PRIOR * alike >= 0
    # An object with an open outline that has left leaves a hole. Nothing that is still there reaches into it.
    _, areas = cv2.connectedComponents((same & ~near).astype(np.uint8), connectivity=4, ltype=cv2.CV_32S)
    unchanged[[0, -1]] = unchanged[:, [0, -1]] = True
    stands = np.zeros(areas.max() + 1, bool)
    stands[areas[cv2.dilate(unchanged.astype(np.uint8), _CROSS) > 0]] = True
    stands[0] = False
    return same & ~gone & (voted | stands[areas])


def _alike(regions: Regions, before: Regions) -> np.ndarray:
    """Return for each pixel, float32 [H, W], how much its region overlaps the best-matching earlier region
    (intersection over union); 0 for pixels that were in another region."""
    here, there, shared = count_pairs(regions.labels.ravel(), before.labels.ravel(), (regions.count, before.count)).T
    area, area_before = (np.bincount(found.labels.ravel(), minlength=found.count) for found in (regions, before))
    overlap = shared / (area[here] + area_before[there] - shared)
    order = np.argsort(overlap, kind="stable")
    best, most = np.zeros(regions.count, np.int32), np.zeros(regions.count, np.float32)
    best[here[order]], most[here[order]] = there[order], overlap[order]  # the last write wins, and so the best match
    return np.where(best[regions.labels] == before.labels, most[regions.labels], np.float32(0))


def compare_lines(lines: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the lines, bool [H, W], that have appeared, those that have disappeared, with their fringe, and those in
    both drawings. Lines may wobble slightly."""
    side = 2 * max(1, round(_WOBBLE * len(lines))) + 1
    square = np.ones((side, side), np.uint8)
    thick, thick_before = (cv2.dilate(part.astype(np.uint8), square) > 0 for part in (lines, before))
    gone = cv2.dilate((before & ~thick).astype(np.uint8), square) > 0
    return lines & ~thick_before, gone, lines & thick_before
