# SPDX-License-Identifier: GPL-3.0-or-later
"""Palette entries propagated from keyframes to drawings, by the line matcher."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from server.coloring.line_art.model_sheet import ModelSheet
from server.coloring.line_art.regions import LINE_BELOW, Regions, find_regions
from server.coloring.matching import (
    KEYFRAME,
    STRIDE,
    Asked,
    LineMatcher,
    find_areas,
    match,
    pool_descriptors,
    pool_labels,
)

from .crop import find_crop
from .fill import flats
from .static_regions import find_static

WINDOW = 4
"""Drawings that are matched at once, in addition to a keyframe."""

SURE = 0.9
"""Where an entry has this share of the keyframes' votes, other drawings are not asked."""

FARTHER = -2.0
"""Is added to the scores of model sheets, and of all keyframes but the nearest one. Where paint changes from one to
another, both match equally, and the nearest keyframe decides."""


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
    line between them, bool [N, N]. sheets: model sheets, and the entries uint16 [h, w] of each.
    """

    def __init__(
        self,
        matcher: LineMatcher,
        line_art: Callable[[int], np.ndarray],
        meetings: np.ndarray,
        sheets: Sequence[tuple[ModelSheet, np.ndarray]] = (),
    ) -> None:
        self.matcher = matcher
        self.line_art = line_art
        self.meetings = meetings
        self.count = len(meetings)
        self.sheets = sheets

    def propagate(self, drawings: Sequence[int], keyframes: Mapping[int, np.ndarray]) -> Iterator[Propagated]:
        """Yield what is propagated to each drawing.

        drawings: in the order of the shot, or the reverse. keyframes: the entries uint16 [H, W] of keyframes, the
        nearest one first. A drawing is matched with all of them, and with the model sheets. Then it also sees those
        matched beside it, as they were matched. So no drawing depends on what was chosen for another one.
        """
        nearest, painted = next(iter(keyframes.items()))
        standing = find_regions(self.line_art(nearest))
        crop = find_crop([self.line_art(drawing) for drawing in (*keyframes, *drawings)])
        views = {drawing: _View(crop.of_lines(self.line_art(drawing))) for drawing in drawings}
        references = [
            _Reference.of_keyframe(crop.of_lines(self.line_art(keyframe)), crop.of_entries(entries))
            for keyframe, entries in keyframes.items()
        ]
        height, width = (STRIDE * count for count in crop.count)
        others = [*references[1:], *(_Reference.of_sheet(*sheet, height, width) for sheet in self.sheets)]
        windows: dict[int, list[_Window]] = {drawing: [] for drawing in drawings}
        for part in _runs(drawings):
            seen = {drawing: views[drawing] for drawing in part}
            made = [_Window(self.matcher, references[0], seen, self.count)]
            made += [_Window(self.matcher, reference, seen, self.count, preference=FARTHER) for reference in others]
            for drawing in part:
                windows[drawing] += made
        for part in _spread(drawings):
            seen = {drawing: views[drawing] for drawing in part}
            mirrored = _Window(self.matcher, references[0], seen, self.count, mirrored=True)
            for drawing in part:
                windows[drawing].append(mirrored)
        first = {drawing: _votes(windows[drawing], drawing) for drawing in drawings}
        for drawing in drawings:
            votes = _refine(first, windows[drawing], drawing).cpu().numpy()
            spread = crop.spread(votes, self._shares(painted, crop.grid))
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


class _View:
    """The part of a drawing that is in view: line art uint8 [H, W], and its areas, see `find_areas`."""

    def __init__(self, line_art: np.ndarray) -> None:
        self.line_art = torch.from_numpy(line_art)
        self.areas = torch.from_numpy(find_areas(line_art))


class _Reference(NamedTuple):
    """What a painted picture shows in view.

    entries: uint16 [H, W]. shown: where it is painted, bool [H, W]. is_placed: whether places in it are places in the
    drawings.
    """

    view: _View
    entries: np.ndarray
    shown: np.ndarray
    is_placed: bool

    @classmethod
    def of_keyframe(cls, line_art: np.ndarray, entries: np.ndarray) -> "_Reference":
        return cls(_View(line_art), entries, np.ones(entries.shape, bool), True)

    @classmethod
    def of_sheet(cls, sheet: ModelSheet, entries: np.ndarray, height: int, width: int) -> "_Reference":
        line_art, labels, shown = sheet.fitted(entries, height, width)
        return cls(_View(line_art), labels, shown, False)


class _Window:
    """Drawings that the matcher sees together with a reference.

    mirrored: it sees them with left and right exchanged. preference: see `Asked`.
    """

    @torch.no_grad()
    def __init__(
        self,
        matcher: LineMatcher,
        reference: _Reference,
        views: Mapping[int, _View],
        count: int,
        mirrored: bool = False,
        preference: float = 0.0,
    ) -> None:
        self.matcher = matcher
        self.count = count
        self.preference = preference
        self.is_placed = reference.is_placed
        parameter = next(matcher.parameters())
        seen = [reference.view, *views.values()]
        line_art = torch.stack([view.line_art for view in seen]).to(parameter.device)
        areas = torch.stack([view.areas for view in seen]).to(parameter.device)
        darkness = 1 - line_art.to(parameter.dtype) / 255
        if mirrored:
            features = matcher(darkness.flip(2)[None], areas.flip(2)[None])[0].mirrored()
        else:
            features = matcher(darkness[None], areas[None])[0]
        paper = line_art >= LINE_BELOW
        painted, *others = features.unbind()
        self.features = dict(zip(views, others, strict=True))
        self.paper = dict(zip(views, F.avg_pool2d(paper[1:].float(), STRIDE), strict=True))
        labels, shown = (torch.from_numpy(part).to(parameter.device) for part in (reference.entries, reference.shown))
        self.painted = pool_descriptors(painted, *pool_labels(labels.long(), paper[0] & shown, count), KEYFRAME)

    def ask(self, drawing: int, votes: Mapping[int, torch.Tensor], where: torch.Tensor) -> Asked:
        """Ask for places of a drawing, bool [rows, columns]. votes: [rows, columns, N] of drawings that count, too, as
        far as the window shows them."""
        labeled = [self.painted]
        for other in self.features:
            if other in votes and other != drawing:
                confidence, entries = votes[other].max(dim=-1)
                role = self.matcher.role_of(abs(other - drawing))
                labeled.append(pool_descriptors(self.features[other], entries, self.paper[other], role, confidence))
        queries = self.features[drawing][where]
        return Asked(queries if self.is_placed else queries.placeless(), labeled, self.preference)


@torch.no_grad()
def _votes(windows: Sequence[_Window], drawing: int) -> torch.Tensor:
    """Return the votes [rows, columns, N] of the keyframes alone for a drawing, in all windows that show it.

    One place of each square of two by two asks for all of them. The others ask where that one is unsure, or beside
    others with another answer.
    """

    def ask(where: torch.Tensor) -> torch.Tensor:
        asked = [window.ask(drawing, {}, where) for window in windows]
        return match(windows[0].matcher, asked, windows[0].count)

    def spread(squares: torch.Tensor) -> torch.Tensor:
        return squares.repeat_interleave(2, dim=0).repeat_interleave(2, dim=1)

    first = torch.zeros_like(windows[0].paper[drawing], dtype=torch.bool)
    first[::2, ::2] = True
    squares = ask(first).unflatten(0, (first.shape[0] // 2, first.shape[1] // 2))
    votes = spread(squares)
    rest = spread(_is_mixed(squares)) & ~first
    if rest.any():
        votes[rest] = ask(rest)
    return votes


def _is_mixed(votes: torch.Tensor) -> torch.Tensor:
    """Return where votes [rows, columns, N] are unsure, or beside others for another entry, bool [rows, columns]."""
    confidence, entries = votes.max(dim=-1)
    sure = torch.where(confidence < SURE, -1.0, entries.float())
    around = F.pad(sure[None, None], (1, 1, 1, 1), mode="replicate")
    highest, lowest = F.max_pool2d(around, 3, 1), -F.max_pool2d(-around, 3, 1)
    return (highest[0, 0] != lowest[0, 0]) | (sure < 0)


@torch.no_grad()
def _refine(votes: Mapping[int, torch.Tensor], windows: Sequence[_Window], drawing: int) -> torch.Tensor:
    """Return the votes [rows, columns, N] for a drawing, of the keyframes and of the drawings beside it, where the
    keyframes alone were not sure."""
    refined = votes[drawing].clone()
    unsure = refined.max(dim=-1).values < SURE
    if not unsure.any():
        return refined
    asked = [window.ask(drawing, votes if window.preference == 0 else {}, unsure) for window in windows]
    refined[unsure] = match(windows[0].matcher, asked, windows[0].count)
    return refined


def _runs(drawings: Sequence[int]) -> list[list[int]]:
    """Divide drawings into runs of about the same length, at most WINDOW."""
    count = -(-len(drawings) // WINDOW)
    return [part.tolist() for part in np.array_split(list(drawings), count)] if count else []


def _spread(drawings: Sequence[int]) -> list[list[int]]:
    """Divide drawings into as many parts, each with drawings from everywhere."""
    count = -(-len(drawings) // WINDOW)
    return [list(drawings[first::count]) for first in range(count)]


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
