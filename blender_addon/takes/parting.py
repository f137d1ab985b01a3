# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts the colors and the lines of a drawing by their owners, such as objects or layers."""

from __future__ import annotations

import numpy as np

from ..compositing import lay_lines
from ..contours.shapes import labeled
from ..shared.checks.regions import INK, find_regions
from .ownership import Ownership

_NEAR = 2
"""How far from its middle a line may be softer than its owner's line in the picture of owners, in pixels."""
_FILLED = 4
"""An owner has filled outlines if at least one in this many pixels beside its lines is its fill."""
_DARK = 128
"""A pixel of line art that is darker than this is surely drawn."""


def part(
    fills: np.ndarray, lines: np.ndarray, line_art: np.ndarray, owned: Ownership, owners: int, is_flat: bool
) -> list[np.ndarray]:
    """Part a drawing: straight RGBA uint8 [H, W, 4] of what nobody owns, and of each owner, from the lowest on.

    Laid over each other in this order, they are the colored drawing. fills: uint8 [H, W, 3 or 4]. lines: straight RGBA
    uint8 [H, W, 4]. line_art: uint8 [H, W]. owned: the owners, from the lowest on. is_flat: each region of the fills
    has one color.

    A region belongs to the owner whose fills are on most of it. Otherwise, it belongs to the owner of most of the line
    around it, unless this owner's own outlines are filled. The picture's edge is nobody's line.
    """
    line_owner = _line_owners(owned, line_art, lines)
    fill_owner = _fill_owners(fills, line_art, owned, line_owner, owners, is_flat)
    colored = _rgba(lay_lines(fills, lines))
    below = _rgba(fills)
    is_above = (line_owner > fill_owner) & (lines[..., 3] > 0)
    parts = [np.zeros_like(colored) for _ in range(owners + 1)]
    for owner, picture in enumerate(parts):
        own, over = fill_owner == owner, is_above & (line_owner == owner)
        picture[own & ~is_above] = colored[own & ~is_above]
        picture[own & is_above] = below[own & is_above]
        picture[over] = lines[over]
        picture[picture[..., 3] == 0] = 0
    return parts


def part_fills(
    fills: np.ndarray, lines: np.ndarray, line_art: np.ndarray, owned: Ownership, owners: int
) -> list[np.ndarray]:
    """Part the flat fills of a drawing: straight RGBA uint8 [H, W, 4] of what nobody owns, and of each owner.

    Each pixel is in one of them. The arguments are those of `part`.
    """
    fill_owner = _fill_owners(fills, line_art, owned, _line_owners(owned, line_art, lines), owners, is_flat=True)
    colors = _rgba(fills)
    return [np.where((fill_owner == owner)[..., None], colors, np.uint8(0)) for owner in range(owners + 1)]


def likeness(owned: Ownership, line_art: np.ndarray) -> float:
    """How much of line art, uint8 [H, W], has an owner, and how much of the owners' lines is in it: the smaller share.

    It is nearly 1 if the scene still shows the drawing.
    """
    dark, lines = line_art < _DARK, owned.lines > 0
    is_owned = _grown(np.maximum(owned.lines, owned.fills), dark, most=_NEAR) > 0
    is_drawn = _grown((line_art < INK).astype(np.int32), lines, most=_NEAR) > 0
    shares = (found[here].mean() for found, here in ((is_owned, dark), (is_drawn, lines)) if here.any())
    return float(min(shares, default=1.0))


def _fill_owners(
    fills: np.ndarray, line_art: np.ndarray, owned: Ownership, line_owner: np.ndarray, owners: int, is_flat: bool
) -> np.ndarray:
    """The owner of each pixel's fill, int32 [H, W]; see `part`."""
    paint = labeled(fills)[1] if is_flat else np.zeros(line_art.shape, np.int32)
    regions = _regions(paint, line_art >= INK)
    owner_of = _region_owners(regions, owned, line_owner, owners)
    nothing = regions == 0
    grown: np.ndarray = owner_of[_grown(_grown(regions, nothing, paint), nothing)]
    return grown


def _regions(paint: np.ndarray, is_paper: np.ndarray) -> np.ndarray:
    """The regions between lines, in one paint each, int32 [H, W] from 1; 0 is line."""
    regions = find_regions(is_paper)
    labels: np.ndarray = regions.labels.copy()
    count = regions.count
    lowest, highest = np.full(count, np.iinfo(np.int32).max), np.full(count, -1)
    np.minimum.at(lowest, labels.ravel(), paint.ravel())
    np.maximum.at(highest, labels.ravel(), paint.ravel())
    for label in np.flatnonzero(lowest != highest):
        if label == 0:
            continue
        left, top, right, bottom = regions.boxes[label]
        window, paints = labels[top:bottom, left:right], paint[top:bottom, left:right]
        here = window == label
        for one in np.unique(paints[here]):
            found = find_regions(here & (paints == one))
            window[found.labels > 0] = found.labels[found.labels > 0] + count - 1
            count += found.count - 1
    return labels


def _line_owners(owned: Ownership, line_art: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """The owner of each pixel of a line, int32 [H, W]; 0 off the lines, and where no owner is near."""
    is_line = (line_art < 255) | (lines[..., 3] > 0)
    near = _grown(owned.lines * is_line, is_line, most=_NEAR)
    # A fill that is dark, such as a pupil, is drawn as lines are.
    drawn = np.where(near > 0, near, owned.fills * (line_art < INK))
    return _grown(drawn, is_line)


def _region_owners(regions: np.ndarray, owned: Ownership, line_owner: np.ndarray, owners: int) -> np.ndarray:
    """The owner of each region, by its label."""
    count, several = int(regions.max()) + 1, owners + 1
    inside = np.bincount((regions * several + owned.fills).ravel(), minlength=count * several)
    most: np.ndarray = inside.reshape(count, several).argmax(axis=1)
    most[0] = 0
    borders = np.where(_has_filled_outlines(owned, owners), 0, np.arange(several))[line_owner]
    if not borders.any():
        return most
    framed, beside = np.pad(regions, 1), np.pad(borders, 1)
    boxes = _boxes(regions, count)
    for label in np.flatnonzero(most == 0)[1:]:
        left, top, right, bottom = boxes[label]
        window = slice(top, bottom + 2), slice(left, right + 2)
        own = framed[window] == label
        around = find_regions(np.pad(~own, 1, constant_values=True)).labels[1:-1, 1:-1] == 1  # without holes
        ring = around & _beside(own)
        most[label] = np.bincount(beside[window][ring]).argmax()
    return most


def _has_filled_outlines(owned: Ownership, owners: int) -> np.ndarray:
    """Which owners have fills along their lines, bool [owners + 1]: where these are not, other things are seen."""
    framed, fills = np.pad(owned.lines, 1), np.pad(owned.fills, 1)
    sides, filled = (np.zeros(owners + 1, np.int64) for _ in range(2))
    for axis in (0, 1):
        for step in (1, -1):
            beside, fill = np.roll(framed, step, axis), np.roll(fills, step, axis)
            is_side = (framed > 0) & (beside == 0)
            sides += np.bincount(framed[is_side], minlength=owners + 1)
            filled += np.bincount(framed[is_side & (fill == framed)], minlength=owners + 1)
    return (filled > 0) & (_FILLED * filled >= sides)


def _boxes(regions: np.ndarray, count: int) -> np.ndarray:
    """The box of each region: left, top, right and bottom, the last two excluded, int [count, 4]."""
    height, width = regions.shape
    boxes = np.tile(np.array((width, height, 0, 0)), (count, 1))
    y, x = np.nonzero(regions)
    label = regions[y, x]
    for side, values, reach in ((0, x, np.minimum), (1, y, np.minimum), (2, x + 1, np.maximum), (3, y + 1, np.maximum)):
        reach.at(boxes[:, side], label, values)
    return boxes


def _beside(mask: np.ndarray) -> np.ndarray:
    """The pixels that share a side with a pixel of the mask, bool [H, W]; the mask does not touch the edge."""
    found: np.ndarray = np.roll(mask, 1, 0) | np.roll(mask, -1, 0) | np.roll(mask, 1, 1) | np.roll(mask, -1, 1)
    return found


def _grown(
    labels: np.ndarray, within: np.ndarray, paint: np.ndarray | None = None, most: int | None = None
) -> np.ndarray:
    """Labels int [H, W] that grow into the pixels of `within` that have none, from side to side.

    paint: they grow only into the same paint. most: the most pixels that they grow.
    """
    stride = labels.shape[1] + 2
    flat = np.pad(labels, 1).ravel()
    paints = None if paint is None else np.pad(paint, 1, constant_values=-1).ravel()
    waiting = np.flatnonzero(np.pad(within, 1).ravel() & (flat == 0))
    steps = 0
    while waiting.size and steps != most:
        found = np.zeros(waiting.size, flat.dtype)
        for step in (1, -1, stride, -stride):
            near = flat[waiting + step]
            if paints is not None:
                near = np.where(paints[waiting + step] == paints[waiting], near, 0)
            found = np.where(found == 0, near, found)
        if not found.any():
            break
        flat[waiting] = found
        waiting = waiting[found == 0]
        steps += 1
    grown: np.ndarray = flat.reshape(-1, stride)[1:-1, 1:-1]
    return grown


def _rgba(picture: np.ndarray) -> np.ndarray:
    """A picture uint8 [H, W, 3 or 4] with alpha."""
    if picture.shape[2] == 4:
        return picture
    return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
