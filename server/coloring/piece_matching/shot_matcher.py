# SPDX-License-Identifier: GPL-3.0-or-later
"""Matches the drawings of a shot with its keyframes, and with each other.

In the first sweep, each drawing sees all keyframes, whichever is nearest. In the second sweep, it also sees other
drawings with the entries that the first sweep gave them: its neighbors, and a few drawings of the whole shot. This is
the paper's dynamic global-local memory (§3.3) as matching. No drawing waits for another one's final colors, so an error
is not passed on from drawing to drawing.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from accelerate.utils import send_to_device

from server.coloring.line_art.regions import Regions

from .drawn_pieces import collate_pieces
from .evidence import FINISHED, KEYFRAME, Evidence, entry_codes, gap_class, join_evidence
from .network import PieceMatcher, Tokens
from .pieces import Pieces, find_pieces

PIXELS = 640 * 360
"""The most pixels of a drawing as the matcher sees it."""
LARGEST = 2.0
"""The most that small drawings are enlarged for it."""
NEIGHBORS = (-2, -1, 1, 2)
"""A drawing's neighbors in the second sweep."""
GLOBAL_DRAWINGS = 6
"""The number of drawings, spread over the whole shot, that all drawings see in the second sweep."""


class Matches(NamedTuple):
    """What is matched to a drawing.

    pieces: as the matcher sees the drawing. chances: float32 [P, N], the probabilities of the palette entries. unseen:
    float32 [P], the probability that no keyframe shows the piece.
    """

    pieces: Pieces
    chances: np.ndarray
    unseen: np.ndarray


def view_size(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the height and width at which the matcher sees drawings [H, W]."""
    scale = min(LARGEST, (PIXELS / (shape[0] * shape[1])) ** 0.5)
    return round(shape[0] * scale), round(shape[1] * scale)


class ShotMatcher:
    """Matches the drawings of one shot.

    line_art, regions: give the line art uint8 [H, W] of a drawing, and its closed regions. keyframes: palette entries
    uint8 [H, W] by drawing. groups: uint8 [N], the group of each palette entry; entries of one group, such as the steps
    of a gradient, are one color for the network. drawings: the number of drawings.
    """

    def __init__(
        self,
        matcher: PieceMatcher,
        line_art: Callable[[int], np.ndarray],
        regions: Callable[[int], Regions],
        keyframes: Mapping[int, np.ndarray],
        groups: np.ndarray,
        drawings: int,
    ) -> None:
        self._matcher = matcher
        self._line_art = line_art
        self._regions = regions
        self._keyframes = keyframes
        self._groups = groups
        self._drawings = drawings
        self._codes = entry_codes(len(groups), torch.Generator().manual_seed(0))[torch.from_numpy(groups).long()]
        spread = np.linspace(0, drawings - 1, min(drawings, GLOBAL_DRAWINGS)).round().astype(int).tolist()
        self._memory = [drawing for drawing in spread if drawing not in keyframes]
        self._seen = functools.lru_cache(maxsize=32)(self._see)
        self._first = functools.lru_cache(maxsize=32)(self._sweep)
        self._finished = functools.lru_cache(maxsize=32)(self._finish)

    @torch.no_grad()
    def match(self, drawing: int) -> Matches:
        """Match a drawing that is not a keyframe."""
        neighbors = [drawing + step for step in NEIGHBORS]
        others = {
            other
            for other in (*neighbors, *self._memory)
            if 0 <= other < self._drawings and other != drawing and other not in self._keyframes
        }
        if not others:
            return self._first(drawing)
        memory = [(other, self._finished(other)) for other in sorted(others)]
        return self._find(drawing, [*self._painted, *memory])

    def _sweep(self, drawing: int) -> Matches:
        return self._find(drawing, self._painted)

    @functools.cached_property
    def _painted(self) -> list[tuple[int, Evidence]]:
        found = []
        for drawing, entries in self._keyframes.items():
            line_art, regions = self._viewed(drawing)
            seen = cv2.resize(entries, line_art.shape[::-1], interpolation=cv2.INTER_NEAREST)
            pieces = find_pieces(line_art, regions, self._groups[seen])
            if len(pieces):
                shares = torch.from_numpy(pieces.shares_of(seen, len(self._groups)))
                found.append(
                    (drawing, self._read(self._encode(line_art, pieces), shares, torch.ones(len(pieces)), KEYFRAME))
                )
        return found

    def _finish(self, drawing: int) -> Evidence:
        chances = torch.from_numpy(self._first(drawing).chances)
        confidence = torch.from_numpy(self._group_chances(chances.numpy()).max(axis=1))
        return self._read(self._seen(drawing)[1], chances, confidence, FINISHED)

    def _group_chances(self, chances: np.ndarray) -> np.ndarray:
        """Return the probabilities of groups from those of entries [P, N]."""
        return chances @ np.eye(len(self._groups), dtype=np.float32)[self._groups]

    def _find(self, drawing: int, colored: Sequence[tuple[int, Evidence]]) -> Matches:
        """colored: drawings and their evidence."""
        pieces, tokens = self._seen(drawing)
        if not len(pieces) or not colored:
            return Matches(
                pieces,
                np.full((len(pieces), len(self._groups)), 1 / len(self._groups), np.float32),
                np.ones(len(pieces), np.float32),
            )
        seen = [
            evidence._replace(gaps=gap_class(torch.full_like(evidence.gaps, abs(other - drawing))))
            for other, evidence in colored
        ]
        (found,) = self._matcher.find(tokens, join_evidence(seen))
        chances = found[0].float().cpu().numpy()
        return Matches(pieces, chances[:, :-1], chances[:, -1])

    def _read(self, tokens: Tokens, chances: torch.Tensor, confidence: torch.Tensor, role: int) -> Evidence:
        device, dtype = tokens.features.device, tokens.features.dtype
        entries = chances / chances.sum(dim=1, keepdim=True).clamp(min=1e-6)
        mean = (entries @ self._codes)[None].to(device, dtype)
        layers, features = self._matcher.read(tokens, mean, confidence[None].to(device, dtype), role)
        gaps = torch.zeros_like(tokens.areas, dtype=torch.long)
        return Evidence(layers, features, entries[None].to(device), tokens.areas, tokens.centers, gaps)

    def _see(self, drawing: int) -> tuple[Pieces, Tokens]:
        line_art, regions = self._viewed(drawing)
        pieces = find_pieces(line_art, regions)
        return pieces, self._encode(line_art, pieces)

    def _viewed(self, drawing: int) -> tuple[np.ndarray, Regions]:
        """Return line art and regions as the matcher sees them."""
        line_art = self._line_art(drawing)
        height, width = view_size(line_art.shape)
        interpolation = cv2.INTER_AREA if height < len(line_art) else cv2.INTER_LINEAR
        seen = cv2.resize(line_art, (width, height), interpolation=interpolation)
        return seen, self._regions(drawing).resized(height, width)

    @torch.no_grad()
    def _encode(self, line_art: np.ndarray, pieces: Pieces) -> Tokens:
        return self._matcher.encode(send_to_device(collate_pieces([line_art], [pieces]), self._matcher.device))
