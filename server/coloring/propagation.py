# SPDX-License-Identifier: GPL-3.0-or-later
"""Palette entries propagated from painted and finished drawings to others, by the line matcher."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from server.coloring.line_art.regions import LINE_BELOW, Regions, find_regions
from server.coloring.matching import (
    KEYFRAME,
    STRIDE,
    LabeledDescriptors,
    LineMatcher,
    find_areas,
    match,
    pool_descriptors,
    pool_labels,
)

from .crop import find_crop
from .fill import flats
from .static_regions import find_static

WINDOW = 3
"""Drawings that are matched at once, in addition to the keyframe and the drawing finished last."""


class Propagated(NamedTuple):
    """The result of propagation to a drawing.

    votes: float32 [h, w, N], which add up to 1. entries: uint8 [H, W], the entry of each region by these votes.
    static: bool [H, W], where the drawing shows the same thing as the keyframe at the same position.
    """

    votes: np.ndarray
    entries: np.ndarray
    static: np.ndarray


class Propagator:
    """Propagates the palette entries of one shot.

    line_art: gives the line art uint8 [H, W] of a drawing; count: entries of the palette.
    """

    def __init__(self, matcher: LineMatcher, line_art: Callable[[int], np.ndarray], count: int) -> None:
        self.matcher = matcher
        self.line_art = line_art
        self.count = count

    def propagate(
        self, drawings: Sequence[int], keyframe: int, neighbor: int, entries: Mapping[int, np.ndarray]
    ) -> Iterator[Propagated]:
        """Yield what is propagated to each drawing.

        drawings: consecutive drawings that follow `neighbor`, in this order; entries: uint8 [H, W] of the keyframe and
        of the neighbor, which may be the keyframe. A drawing also uses the entries of those before it.
        """
        before = [] if neighbor == keyframe else [neighbor]
        known = {drawing: entries[drawing] for drawing in (keyframe, *before)}
        standing = find_regions(self.line_art(keyframe))
        for first in range(0, len(drawings), WINDOW):
            fresh = drawings[first : first + WINDOW]
            shown = (keyframe, *before, *fresh)
            window = _Window(self.matcher, {drawing: self.line_art(drawing) for drawing in shown}, self.count)
            evidence = [window.evidence(keyframe, known[keyframe], KEYFRAME)]
            evidence += [window.evidence(drawing, known[drawing], self.matcher.role_of(1)) for drawing in before]
            for drawing in fresh:
                votes = window.crop.spread(
                    window.votes(drawing, evidence), self._shares(known[keyframe], window.crop.grid)
                )
                propagated = self._label(self.line_art(drawing), votes, known[keyframe], standing)
                yield propagated
                labels = propagated.entries
                evidence.append(window.evidence(drawing, labels, self.matcher.role_of(1)))
            before, known = [fresh[-1]], {keyframe: known[keyframe], fresh[-1]: labels}

    def _label(self, line_art: np.ndarray, votes: np.ndarray, painted: np.ndarray, standing: Regions) -> Propagated:
        """Choose the entries. painted: the keyframe's entries uint16 [H, W]; standing: its regions."""
        static = find_static(find_regions(line_art), standing, _margin(votes, painted))
        shares = self._shares(painted, votes.shape[:2], static)
        votes = (1 - shares.sum(axis=2, keepdims=True)) * votes + shares
        return Propagated(votes, np.where(static, painted, flats(line_art, votes)), static)

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

    def propagate(
        self, drawings: Sequence[int], keyframe: int, neighbor: int, entries: Mapping[int, np.ndarray]
    ) -> Iterator[Propagated]:
        """Yield, for each drawing, no votes, the first entry everywhere, and no static areas."""
        for drawing in drawings:
            shape = self.line_art(drawing).shape
            yield Propagated(np.empty((0, 0, 0), np.float32), np.zeros(shape, np.uint16), np.zeros(shape, bool))


class _Window:
    """Drawings that the matcher sees together, line art uint8 [H, W] by number, the keyframe first."""

    @torch.no_grad()
    def __init__(self, matcher: LineMatcher, drawings: Mapping[int, np.ndarray], count: int) -> None:
        self.matcher = matcher
        self.count = count
        self.crop = find_crop(list(drawings.values()))
        self.seen = {drawing: self.crop.of_lines(image) for drawing, image in drawings.items()}
        images = list(self.seen.values())
        parameter = next(matcher.parameters())
        self.device = parameter.device
        line_art = torch.from_numpy(np.stack(images))[None].to(self.device)
        areas = torch.from_numpy(np.stack([find_areas(image) for image in images]))[None].to(self.device)
        features = matcher(1 - line_art.to(parameter.dtype) / 255, areas)
        self.features = dict(zip(drawings, features[0].unbind(), strict=True))

    def evidence(self, drawing: int, entries: np.ndarray, role: int) -> LabeledDescriptors:
        """Return the labeled descriptors of a drawing with entries uint16 [H, W]."""
        labels = torch.from_numpy(self.crop.of_entries(entries).astype(np.int64)).to(self.device)
        pooled = pool_labels(labels, torch.from_numpy(self.seen[drawing] >= LINE_BELOW).to(self.device), self.count)
        return pool_descriptors(self.features[drawing], *pooled, role)

    @torch.no_grad()
    def votes(self, drawing: int, evidence: list[LabeledDescriptors]) -> np.ndarray:
        """Return the votes float32 [rows, columns, N] for the part of a drawing that is in view."""
        features = self.features[drawing]
        votes = match(self.matcher, features.flatten(), evidence, self.count)
        return votes.unflatten(0, features.sharpness.shape).cpu().numpy()


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
