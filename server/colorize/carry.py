# SPDX-License-Identifier: GPL-3.0-or-later
"""Palette entries carried from painted and finished drawings to others, by the line matcher."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from server.matching import (
    FINISHED,
    LINE_BELOW,
    MULTIPLE,
    REFERENCE,
    STRIDE,
    Evidence,
    Features,
    LineMatcher,
    connected_areas,
    gather_evidence,
    match,
    pool_labels,
)

from .finishing import flats
from .regions import Regions, find_regions
from .stillness import find_still

PIXELS = 640 * 360
"""Area at which drawings are matched; the shot's shape is kept."""
WINDOW = 3
"""Drawings that are matched at once, beside the keyframe and the drawing finished last."""


class Carried(NamedTuple):
    """What is carried to a drawing.

    votes: float32 [h, w, N], which add up to 1. entries: uint8 [H, W], those that they elect. still: bool [H, W], where
    the drawing shows what the keyframe shows at the same place.
    """

    votes: np.ndarray
    entries: np.ndarray
    still: np.ndarray


class Carrier:
    """Carries the palette entries of one shot.

    line_art: gives the line art uint8 [H, W] of a drawing; count: entries of the palette.
    """

    def __init__(self, matcher: LineMatcher, line_art: Callable[[int], np.ndarray], count: int) -> None:
        self.matcher = matcher
        self.line_art = line_art
        self.count = count

    def carry(
        self, drawings: Sequence[int], keyframe: int, neighbour: int, entries: Mapping[int, np.ndarray]
    ) -> Iterator[Carried]:
        """Yield what is carried to each drawing.

        drawings: that follow each other in this order, after `neighbour`; entries: uint8 [H, W] of the keyframe and
        of the neighbour, which may be the keyframe. A drawing also learns from those before it, as they were elected.
        """
        lead = [] if neighbour == keyframe else [neighbour]
        known = {drawing: entries[drawing] for drawing in (keyframe, *lead)}
        standing = find_regions(self.line_art(keyframe))
        for first in range(0, len(drawings), WINDOW):
            fresh = drawings[first : first + WINDOW]
            window = [keyframe, *lead, *fresh]
            images = [self._shrink(self.line_art(drawing), cv2.INTER_AREA, 255) for drawing in window]
            features = self._features(window, images)
            small = dict(zip(window, images, strict=True))
            evidence = [self._evidence(features[keyframe], small[keyframe], known[keyframe], REFERENCE)]
            evidence += [self._evidence(features[d], small[d], known[d], FINISHED) for d in lead]
            for drawing in fresh:
                line_art = self.line_art(drawing)
                votes = self._votes(features[drawing], evidence, line_art.shape)
                carried = self._elect(line_art, votes, known[keyframe], standing)
                yield carried
                elected = carried.entries
                evidence.append(self._evidence(features[drawing], small[drawing], elected, FINISHED))
            lead, known = [fresh[-1]], {keyframe: known[keyframe], fresh[-1]: elected}

    def _elect(self, line_art: np.ndarray, votes: np.ndarray, painted: np.ndarray, standing: Regions) -> Carried:
        """painted: the keyframe's entries uint8 [H, W]; standing: its regions."""
        still = find_still(find_regions(line_art), standing, _lead(votes, painted))
        shares = self._shares(painted, still, votes.shape[:2])
        votes = (1 - shares.sum(axis=2, keepdims=True)) * votes + shares
        return Carried(votes, np.where(still, painted, flats(line_art, votes)), still)

    def _shares(self, entries: np.ndarray, where: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
        """Of each square of a grid (rows, columns) the share float32 [h, w, count] that has each entry uint8 [H, W]
        where that is wanted, bool [H, W]."""
        size = STRIDE * grid[1], STRIDE * grid[0]
        labels, wanted = (
            torch.from_numpy(cv2.resize(image, size, interpolation=cv2.INTER_NEAREST))
            for image in (entries, where.astype(np.uint8))
        )
        one_hot = (labels == torch.arange(self.count)[:, None, None]) & (wanted > 0)
        return F.avg_pool2d(one_hot.float(), STRIDE).permute(1, 2, 0).numpy()

    @torch.no_grad()
    def _features(self, window: Sequence[int], images: list[np.ndarray]) -> dict[int, Features]:
        """By drawing the features [h, w] of line art uint8 [H, W] at the size of matching."""
        parameter = next(self.matcher.parameters())
        line_art = torch.from_numpy(np.stack(images))[None].to(parameter.device)
        areas = torch.from_numpy(np.stack([connected_areas(image) for image in images]))[None].to(parameter.device)
        features = self.matcher(1 - line_art.to(parameter.dtype) / 255, areas).cpu()
        return {drawing: features[0, index] for index, drawing in enumerate(window)}

    def _evidence(self, features: Features, line_art: np.ndarray, entries: np.ndarray, role: int) -> Evidence:
        labels = torch.from_numpy(self._shrink(entries, cv2.INTER_NEAREST, 0))
        pooled = pool_labels(labels, torch.from_numpy(line_art >= LINE_BELOW), self.count)
        return gather_evidence(features, *pooled, role)

    @torch.no_grad()
    def _votes(self, features: Features, evidence: list[Evidence], shape: tuple[int, ...]) -> np.ndarray:
        rows, columns = (-(-side // STRIDE) for side in self._size(shape))
        votes = match(self.matcher, features[:rows, :columns].flatten(), evidence, self.count)
        return votes.unflatten(0, (rows, columns)).numpy()

    def _shrink(self, image: np.ndarray, interpolation: int, padding: int) -> np.ndarray:
        """Scale an image [H, W] to the size of matching, padded at the right and below to a multiple."""
        rows, columns = self._size(image.shape)
        small = cv2.resize(image, (columns, rows), interpolation=interpolation)
        below, right = -rows % MULTIPLE, -columns % MULTIPLE
        return cv2.copyMakeBorder(small, 0, below, 0, right, cv2.BORDER_CONSTANT, value=padding)

    @staticmethod
    def _size(shape: tuple[int, ...]) -> tuple[int, int]:
        scale = min(1.0, (PIXELS / (shape[0] * shape[1])) ** 0.5)
        return round(shape[0] * scale), round(shape[1] * scale)


def _lead(votes: np.ndarray, entries: np.ndarray) -> np.ndarray:
    """By what share of the votes float32 [h, w, N] each pixel's entry, uint8 [H, W], leads before the best other."""
    best = np.sort(votes, axis=2)[..., ::-1]
    lead = np.zeros(entries.shape, np.float32)
    for entry in np.unique(entries):
        own = votes[..., entry]
        rival = np.where(own >= best[..., 0], best[..., 1] if votes.shape[2] > 1 else 0, best[..., 0])
        plane = cv2.resize(own - rival, entries.shape[::-1], interpolation=cv2.INTER_LINEAR)
        lead[entries == entry] = plane[entries == entry]
    return lead
