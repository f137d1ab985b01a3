# SPDX-License-Identifier: GPL-3.0-or-later
"""Palette entries propagated from keyframes to drawings, by the line matcher."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from server.coloring.line_art.model_sheet import ModelSheet
from server.coloring.line_art.regions import Regions, find_regions
from server.coloring.matching import STRIDE, Matching

from .crop import find_crop
from .fill import flats
from .settling import settle_votes
from .static_regions import find_static
from .windows import Reference, View, match_drawings


class Propagated(NamedTuple):
    """The result of propagation to a drawing.

    votes: float32 [h, w, N], which add up to 1. static: bool [H, W], where the drawing shows the same thing as the
    nearest keyframe at the same position.
    """

    votes: np.ndarray
    static: np.ndarray

    def elect(self, line_art: np.ndarray, painted: np.ndarray, meetings: np.ndarray) -> np.ndarray:
        """Return the entry of each region by these votes, uint16 [H, W].

        line_art: uint8 [H, W]. painted: the nearest keyframe's entries uint16 [H, W]. meetings: see `Propagator`.
        """
        return np.where(self.static, painted, flats(line_art, self.votes, meetings))


class Propagator:
    """Propagates the palette entries of one shot.

    line_art: gives the line art uint8 [H, W] of a drawing. meetings: which entries of the palette may meet without a
    line between them, bool [N, N]. gradients: int64 [N], see `find_gradients`. sheets: model sheets, and the entries
    uint16 [h, w] of each.
    """

    def __init__(
        self,
        matching: Matching,
        line_art: Callable[[int], np.ndarray],
        meetings: np.ndarray,
        gradients: np.ndarray,
        sheets: Sequence[tuple[ModelSheet, np.ndarray]] = (),
    ) -> None:
        self.matching = matching
        self.line_art = line_art
        self.meetings = meetings
        self.gradients = gradients
        self.count = len(meetings)
        self.sheets = sheets

    def propagate(self, drawings: Sequence[int], keyframes: Mapping[int, np.ndarray]) -> Iterator[Propagated]:
        """Yield what is propagated to each drawing.

        drawings: in the order of the shot, or the reverse. keyframes: the entries uint16 [H, W] of keyframes, the
        nearest one first. A drawing is matched with all of them, and with the model sheets. Then it also sees those
        matched beside it, as they were matched, and their votes are settled together. So no drawing depends on what was
        chosen for another one.
        """
        if not drawings:
            return
        nearest, painted = next(iter(keyframes.items()))
        standing = find_regions(self.line_art(nearest))
        crop = find_crop([self.line_art(drawing) for drawing in (*keyframes, *drawings)])
        views = {drawing: View(crop.of_lines(self.line_art(drawing))) for drawing in drawings}
        references = [
            Reference.of_keyframe(crop.of_lines(self.line_art(keyframe)), crop.of_entries(entries))
            for keyframe, entries in keyframes.items()
        ]
        height, width = (STRIDE * count for count in crop.count)
        references += [Reference.of_sheet(*sheet, height, width) for sheet in self.sheets]
        shown, matched = match_drawings(self.matching.matcher, references, views, self.count)
        times = [*keyframes, *[nearest] * len(self.sheets)]
        settled = settle_votes(self.matching.settler, shown, matched, times, self.gradients)
        for drawing in drawings:
            spread = crop.spread(settled[drawing].cpu().numpy(), self._shares(painted, crop.grid))
            yield self._hold(self.line_art(drawing), spread, painted, standing)

    def _hold(self, line_art: np.ndarray, votes: np.ndarray, painted: np.ndarray, standing: Regions) -> Propagated:
        """Hold what stands still. painted: the keyframe's entries uint16 [H, W]; standing: its regions."""
        static = find_static(find_regions(line_art), standing, _margin(votes, painted))
        shares = self._shares(painted, votes.shape[:2], static)
        votes = (1 - shares.sum(axis=2, keepdims=True)) * votes + shares
        return Propagated(votes, static)

    def _shares(self, entries: np.ndarray, grid: tuple[int, ...], where: np.ndarray | None = None) -> np.ndarray:
        """Return each entry's share float32 [h, w, count] of every square of a grid (rows, columns).

        entries: uint8 [H, W]; where: the pixels that count, bool [H, W].
        """
        size = STRIDE * grid[1], STRIDE * grid[0]
        labels = torch.from_numpy(cv2.resize(entries, size, interpolation=cv2.INTER_NEAREST).astype(np.int64))
        one_hot = labels == torch.arange(self.count)[:, None, None]
        if where is not None:
            one_hot &= torch.from_numpy(cv2.resize(where.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)) > 0
        return F.avg_pool2d(one_hot.float(), STRIDE).permute(1, 2, 0).contiguous().numpy()


class NoPropagator:
    """Propagates nothing, for comparisons: the model alone decides.

    line_art: gives the line art uint8 [H, W] of a drawing.
    """

    def __init__(self, line_art: Callable[[int], np.ndarray]) -> None:
        self.line_art = line_art

    def propagate(self, drawings: Sequence[int], keyframes: Mapping[int, np.ndarray]) -> Iterator[Propagated]:
        """Yield, for each drawing, no votes and no static areas."""
        for drawing in drawings:
            yield Propagated(np.empty((0, 0, 0), np.float32), np.zeros(self.line_art(drawing).shape, bool))


def _margin(votes: np.ndarray, entries: np.ndarray) -> np.ndarray:
    """Return the share of the votes float32 [h, w, N] by which each pixel's entry, uint16 [H, W], leads the best other
    entry."""
    best = np.sort(votes, axis=2)[..., ::-1]
    margin = np.zeros(entries.shape, np.float32)
    for entry in np.unique(entries):
        own = votes[..., entry]
        rival = np.where(own >= best[..., 0], best[..., 1] if votes.shape[2] > 1 else 0, best[..., 0])
        plane = cv2.resize(own - rival, entries.shape[::-1], interpolation=cv2.INTER_LINEAR)
        margin[entries == entry] = plane[entries == entry]
    return margin
