# SPDX-License-Identifier: GPL-3.0-or-later
"""Palette entries carried from painted and finished drawings to others, by the line matcher."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import cv2
import numpy as np
import torch

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

PIXELS = 640 * 360
"""Area at which drawings are matched; the shot's shape is kept."""
WINDOW = 3
"""Drawings that are matched at once, beside the keyframe and the drawing finished last."""


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
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield each drawing's votes float32 [h, w, count], which add up to 1, and the entries uint8 [H, W] they elect.

        drawings: that follow each other in this order, after `neighbour`; entries: uint8 [H, W] of the keyframe and
        of the neighbour, which may be the keyframe. A drawing also learns from those before it, as they were elected.
        """
        lead = [] if neighbour == keyframe else [neighbour]
        known = {drawing: entries[drawing] for drawing in (keyframe, *lead)}
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
                elected = flats(line_art, votes)
                yield votes, elected
                evidence.append(self._evidence(features[drawing], small[drawing], elected, FINISHED))
            lead, known = [fresh[-1]], {keyframe: known[keyframe], fresh[-1]: elected}

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
