# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories: some drawings of a clip in pieces, from which the piece matcher learns.

Drawing a story costs more than a step of training on it, so a story is used several times, in different roles.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from accelerate import PartialState
from torch.utils.data import IterableDataset, get_worker_info

from server.coloring.line_art.regions import find_regions
from server.coloring.piece_matching import CELL, STRIDE, Pieces, collate_pieces, find_pieces, pad_pieces

from .cartoon import Framing
from .clips import sample_clip

LENGTHS = (60, 60, 150, 300)
"""Lengths of clips in drawings. In long ones, figures leave and return."""
KEYFRAMES, TARGETS, SHOWN = 3, 6, 4
"""Drawings of a story that may be keyframes, others, and how many of those are used at once."""
USES = 4
"""How often a story is used."""
POOL = 2
"""A worker keeps as many stories of each size as this many batches have windows."""
SCALES = ((1.0, 1.0), (1.0, 2.0), (1.5, 1.5), (1.5, 2.0), (2.0, 2.0))
"""Sizes of drawings, and of the pictures that they are cut from, as multiples of a shape."""
SCALE_SHARES = (0.36, 0.3, 0.14, 0.12, 0.08)
MOST_PIECES = 1536
WINDOW_PIECES = 512
"""Pieces of a usual window, padding included. A batch has about as many windows as fit into this many pieces each."""


@dataclass(frozen=True)
class StoryShape:
    """Size of drawings in pixels; sources: see `sample_clip`."""

    height: int
    width: int
    sources: Path | None = None


@dataclass(frozen=True)
class StoryDrawing:
    """A drawing in pieces.

    time: its number in the clip, or -1 if it has a camera of its own. labels: uint8 [H, W]. entries: int64 [P], each
    piece's most frequent label. purity: [P], the share of its pixels that have it.
    """

    line_art: np.ndarray
    labels: np.ndarray
    pieces: Pieces
    time: int
    entries: np.ndarray
    purity: np.ndarray

    def still(self, keyframe: "StoryDrawing") -> np.ndarray:
        """Return whether most of each piece has the label that a keyframe has there, bool [P]."""
        inside = self.pieces.labels >= 0
        same = (self.labels == keyframe.labels)[inside]
        return np.bincount(self.pieces.labels[inside], same, len(self.pieces)) > self.pieces.areas / 2

    def mirrored(self) -> "StoryDrawing":
        """Exchange left and right."""
        pieces = self.pieces
        geometry, centers, fine, coarse = (
            part.copy() for part in (pieces.geometry, pieces.centers, pieces.fine, pieces.coarse)
        )
        geometry[:, [2, 8]] *= -1
        centers[:, 1] = pieces.shape[1] - centers[:, 1]
        for shares, stride in ((fine, STRIDE), (coarse, 2 * STRIDE)):
            per_row = pieces.shape[1] // stride
            shares[:, 1] += per_row - 1 - 2 * (shares[:, 1] % per_row)
        turned = replace(
            pieces,
            labels=pieces.labels[:, ::-1],
            geometry=geometry,
            centers=centers,
            views=pieces.views[..., ::-1],
            fine=fine,
            coarse=coarse,
        )
        return replace(self, line_art=self.line_art[:, ::-1], labels=self.labels[:, ::-1], pieces=turned)


@dataclass(frozen=True)
class Story:
    """Drawings of one clip: KEYFRAMES that may be keyframes, and TARGETS others in the order of the clip. count: of the
    labels."""

    drawings: list[StoryDrawing]
    count: int

    @property
    def pieces(self) -> int:
        """The most pieces of a drawing."""
        return max(len(drawing.pieces) for drawing in self.drawings)


def draw_story(seed: int, shape: StoryShape, scale: float = 1, whole: float = 1, augment: bool = True) -> Story | None:
    """Draw a story. Returns None if a drawing has no pieces, or too many.

    scale, whole: size of the drawings, and of the pictures that they are cut from, as multiples of the shape. augment:
    give keyframes a camera of their own.
    """
    rng = np.random.default_rng(seed)
    length = int(rng.choice(LENGTHS))
    times = _choose_times(rng, length)
    height, width = (round(scale * side) for side in (shape.height, shape.width))
    rows, columns = (round(whole * side) for side in (shape.height, shape.width))
    framings = [_choose_framing(rng) if augment and index < KEYFRAMES else Framing() for index in range(len(times))]
    clip = sample_clip(seed, length, columns, rows, times, shape.sources, framings)
    labels = clip.labels.astype(np.int64)
    if hasattr(clip, "parts") and rng.random() < 0.3:  # figures differ, even where they have the same color
        labels = labels + 256 * (clip.parts.astype(np.int64) >> 8)
    values, labels = np.unique(labels, return_inverse=True)
    labels = labels.reshape(clip.labels.shape).astype(np.uint8)
    top, left = (int(rng.integers(0, there - side + 1)) for there, side in ((rows, height), (columns, width)))
    cell = int(rng.choice((CELL * 3 // 4, CELL, CELL, CELL * 5 // 4)))
    drawings = []
    for index, (time, framing) in enumerate(zip(times, framings, strict=True)):
        y, x = top, left
        own = framing != Framing()
        if own:
            y, x = (
                int(np.clip(first + rng.normal(0, 0.15) * height, 0, there - side))
                for first, there, side in ((top, rows, height), (left, columns, width))
            )
        part = np.s_[index, y : y + height, x : x + width]
        drawing = _prepare(clip.line_art[part], labels[part], time, index < KEYFRAMES, cell)
        if drawing is None:
            return None
        drawings.append(replace(drawing, time=-1) if own and rng.random() < 0.7 else drawing)
    return Story(drawings, len(values)) if len(values) <= 255 else None


def _choose_times(rng: np.random.Generator, length: int) -> list[int]:
    if rng.random() < 0.6:
        step = int(rng.choice((1, 1, 2, 3, 5)))
        start = int(rng.integers(0, length - step * (TARGETS - 1)))
        run = [start + step * index for index in range(TARGETS)]
    else:
        run = sorted(rng.choice(length, TARGETS, replace=False).tolist())
    near = int(np.clip(run[0] + rng.integers(-6, 7), 0, length - 1))
    keyframes = [near if rng.random() < 0.5 else int(rng.integers(length))]
    keyframes += [int(rng.integers(length)) for _ in range(KEYFRAMES - 1)]
    return [*keyframes, *run]


def _choose_framing(rng: np.random.Generator) -> Framing:
    if rng.random() < 0.65:
        return Framing()
    turn = float(rng.normal(0, 0.25)) if rng.random() < 0.6 else 0.0
    shift = float(rng.normal(0, 0.08)), float(rng.normal(0, 0.08))
    return Framing(float(np.exp(rng.normal(0, 0.25))), turn, shift, bool(rng.random() < 0.15))


def _prepare(line_art: np.ndarray, labels: np.ndarray, time: int, is_painted: bool, cell: int) -> StoryDrawing | None:
    line_art, labels = np.ascontiguousarray(line_art), np.ascontiguousarray(labels)
    pieces = find_pieces(line_art, find_regions(line_art), labels if is_painted else None, cell)
    if not 0 < len(pieces) <= MOST_PIECES:
        return None
    shares = pieces.shares_of(labels, int(labels.max()) + 1)
    return StoryDrawing(line_art, labels, pieces, time, shares.argmax(axis=1), shares.max(axis=1))


Window = tuple[list[StoryDrawing], int]
"""Keyframes and targets, and the count of labels."""


def choose_window(story: Story, keyframes: int, rng: np.random.Generator) -> Window:
    """Choose `keyframes` keyframes and SHOWN targets of a story."""
    chosen = [story.drawings[index] for index in rng.choice(KEYFRAMES, keyframes, replace=False)]
    targets = KEYFRAMES + np.sort(rng.choice(TARGETS, SHOWN, replace=False))
    chosen += [story.drawings[index] for index in targets]
    if rng.random() < 0.5:
        chosen = [drawing.mirrored() for drawing in chosen]
    return chosen, story.count


def collate_windows(windows: list[Window], keyframes: int) -> dict[str, Any]:
    """Pad and stack windows that have the same size and the same number of keyframes.

    Returns `count`, the number of labels of each window, which is first, so that its length is the number of samples;
    `keyframes`; `drawn`, the pieces of all D drawings, window by window; `times` [D]; `entries` and `purity` [D, N];
    and `still` [D, N], whether most of a piece has the label that the first keyframe has there.
    """
    drawings = [drawing for window, _ in windows for drawing in window]
    first = [window[0] for window, _ in windows for _ in window]
    drawn = collate_pieces([drawing.line_art for drawing in drawings], [drawing.pieces for drawing in drawings])
    most = drawn.areas.shape[1]
    still = [drawing.still(keyframe) for drawing, keyframe in zip(drawings, first, strict=True)]
    return {
        "count": torch.tensor([count for _, count in windows]),
        "keyframes": torch.tensor(keyframes),
        "drawn": drawn,
        "times": torch.tensor([drawing.time for drawing in drawings]),
        "entries": pad_pieces([drawing.entries for drawing in drawings], most),
        "purity": pad_pieces([drawing.purity for drawing in drawings], most),
        "still": pad_pieces(still, most),
    }


class StoryStream(IterableDataset):
    """An endless stream of batches of windows, see `collate_windows`. Each worker draws stories of its own.

    batch: the number of usual windows of a batch: it has twice as many small ones, or fewer large ones. first: the
    number of windows seen, from which the stories' seeds follow.
    """

    def __init__(self, shape: StoryShape, batch: int, first: int) -> None:
        self.shape = shape
        self.batch = batch
        self.first = first
        process = PartialState()
        self.process, self.processes = process.process_index, process.num_processes

    def __iter__(self) -> Iterator[dict[str, Any]]:
        worker = get_worker_info()
        own, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        if worker:
            cv2.setNumThreads(1)
        step, seed = self.processes * workers, self.first + self.process * workers + own
        rng = np.random.default_rng(seed)
        pools: list[list[tuple[Story, int]]] = [[] for _ in SCALES]
        while True:
            number = int(rng.choice(len(SCALES), p=SCALE_SHARES))
            pool = pools[number]
            # A full pool gives up as many windows as new stories bring.
            while len(pool) < POOL * self.batch:
                story = draw_story(seed, self.shape, *SCALES[number])
                seed += step
                if story:
                    pool.append((story, USES))
            yield _draw_batch(pool, self.batch, rng)


def _draw_batch(pool: list[tuple[Story, int]], batch: int, rng: np.random.Generator) -> dict[str, Any]:
    """Use stories of a pool that have about as many pieces as one that is chosen at random. Stories that are used up
    leave it."""
    keyframes = int(rng.choice((1, 2, 3), p=(0.5, 0.3, 0.2)))
    pool.sort(key=lambda item: item[0].pieces)
    last = int(rng.integers(len(pool)))
    cost = (keyframes + SHOWN) * pool[last][0].pieces
    count = max(1, min(2 * batch, batch * WINDOW_PIECES // cost, last + 1))
    chosen = range(last, last - count, -1)
    values = collate_windows([choose_window(pool[index][0], keyframes, rng) for index in chosen], keyframes)
    for index in chosen:
        story, uses = pool.pop(index)
        if uses > 1:
            pool.append((story, uses - 1))
    return values
