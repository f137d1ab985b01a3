# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows: what the line matcher sees at once, and the votes that it gives for the drawings of a segment."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from server.coloring.line_art.model_sheet import ModelSheet
from server.coloring.line_art.regions import LINE_BELOW
from server.coloring.matching import (
    KEYFRAME,
    STRIDE,
    Asked,
    Features,
    LineMatcher,
    find_areas,
    match,
    pool_descriptors,
    pool_labels,
)

WINDOW = 4
"""Drawings that are matched at once, in addition to a keyframe."""

SURE = 0.9
"""Where an entry has this share of the keyframes' votes, other drawings are not asked."""

FARTHER = -2.0
"""Is added to the scores of model sheets, and of all keyframes but the nearest one. Where paint changes from one to
another, both match equally, and the nearest keyframe decides."""


class Seen(NamedTuple):
    """A drawing as the matcher saw it, in view.

    votes: [rows, columns, N], which add up to 1; those of a reference are 1 for what is painted. features: [rows,
    columns]. areas: see `find_areas`. paper: [rows, columns], the share of paper under each feature; of a reference,
    the share of its most frequent entry.
    """

    votes: torch.Tensor
    features: Features
    areas: torch.Tensor
    paper: torch.Tensor


class View:
    """The part of a drawing that is in view: line art uint8 [H, W], and its areas, see `find_areas`."""

    def __init__(self, line_art: np.ndarray) -> None:
        self.line_art = torch.from_numpy(line_art)
        self.areas = torch.from_numpy(find_areas(line_art))


class Reference(NamedTuple):
    """What a painted picture shows in view.

    entries: uint16 [H, W]. shown: where it is painted, bool [H, W]. is_placed: whether places in it are places in the
    drawings.
    """

    view: View
    entries: np.ndarray
    shown: np.ndarray
    is_placed: bool

    @classmethod
    def of_keyframe(cls, line_art: np.ndarray, entries: np.ndarray) -> "Reference":
        """A keyframe, from the parts in view of its line art uint8 [H, W] and of its entries uint16 [H, W]."""
        return cls(View(line_art), entries, np.ones(entries.shape, bool), True)

    @classmethod
    def of_sheet(cls, sheet: ModelSheet, entries: np.ndarray, height: int, width: int) -> "Reference":
        """A model sheet with entries uint16 [h, w], fitted into a view [height, width]."""
        line_art, labels, shown = sheet.fitted(entries, height, width)
        return cls(View(line_art), labels, shown, False)


class Window:
    """Drawings that the matcher sees together with a reference.

    mirrored: it sees them with left and right exchanged. preference: see `Asked`.
    """

    @torch.no_grad()
    def __init__(
        self,
        matcher: LineMatcher,
        reference: Reference,
        views: Mapping[int, View],
        count: int,
        mirrored: bool = False,
        preference: float = 0.0,
    ) -> None:
        self.matcher = matcher
        self.count = count
        self.views = views
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
        entries, share = pool_labels(labels.long(), paper[0] & shown, count)
        self.painted = pool_descriptors(painted, entries, share, KEYFRAME)
        self.reference = Seen(F.one_hot(entries, count).float(), painted, areas[0], share)

    def seen(self, drawing: int, votes: torch.Tensor) -> Seen:
        """Return a drawing of the window with the votes [rows, columns, N] that it got."""
        features = self.features[drawing]
        areas = self.views[drawing].areas.to(votes.device)
        return Seen(votes, features, areas, self.paper[drawing])

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


def match_drawings(
    matcher: LineMatcher, references: Sequence[Reference], views: Mapping[int, View], count: int
) -> tuple[list[Seen], dict[int, Seen]]:
    """Match drawings with all references, and then with the drawings that are beside them in a window.

    references: the nearest keyframe first. views: of the drawings, in the order of the shot or the reverse. count: of
    the palette's entries. Returns the references and the drawings, as the matcher saw them.
    """
    drawings = list(views)
    windows: dict[int, list[Window]] = {drawing: [] for drawing in drawings}
    for part in _runs(drawings):
        seen = {drawing: views[drawing] for drawing in part}
        first, *others = references
        made = [Window(matcher, first, seen, count)]
        made += [Window(matcher, reference, seen, count, preference=FARTHER) for reference in others]
        for drawing in part:
            windows[drawing] += made
    for part in _spread(drawings):
        mirrored = Window(matcher, references[0], {drawing: views[drawing] for drawing in part}, count, mirrored=True)
        for drawing in part:
            windows[drawing].append(mirrored)
    alone = {drawing: _votes(windows[drawing], drawing) for drawing in drawings}
    matched = {drawing: made[0].seen(drawing, _refine(alone, made, drawing)) for drawing, made in windows.items()}
    middle = windows[drawings[len(drawings) // 2]]
    return [window.reference for window in middle[: len(references)]], matched


@torch.no_grad()
def _votes(windows: Sequence[Window], drawing: int) -> torch.Tensor:
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
def _refine(votes: Mapping[int, torch.Tensor], windows: Sequence[Window], drawing: int) -> torch.Tensor:
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
