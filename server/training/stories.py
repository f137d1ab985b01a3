# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories: some drawings of a clip, from which the line matcher learns.

Drawing a story costs nearly as much as a step of training on it, so a story is used several times, in different roles.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from server.coloring.matching import find_areas

from .cartoon import Framing
from .clips import choose_run, sample_clip
from .seeded_stream import SeededStream

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


@dataclass(frozen=True)
class StoryShape:
    """Size of drawings in pixels; sources: see `sample_clip`."""

    height: int
    width: int
    sources: Path | None = None


@dataclass(frozen=True)
class StoryDrawing:
    """A drawing with its labels.

    line_art and labels: uint8 [H, W]. areas: see `find_areas`. time: its number in the clip, or -1 if it has a camera
    of its own.
    """

    line_art: np.ndarray
    labels: np.ndarray
    areas: np.ndarray
    time: int

    def mirrored(self) -> "StoryDrawing":
        """Exchange left and right."""
        return replace(
            self,
            line_art=self.line_art[:, ::-1].copy(),
            labels=self.labels[:, ::-1].copy(),
            areas=self.areas[:, ::-1].copy(),
        )


@dataclass(frozen=True)
class Story:
    """Drawings of one clip: KEYFRAMES that may be keyframes, and TARGETS others in the order of the clip."""

    drawings: list[StoryDrawing]


def draw_story(seed: int, shape: StoryShape, scale: float = 1, whole: float = 1, augment: bool = True) -> Story | None:
    """Draw a story. Returns None if it has more labels than fit.

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
    if len(values) > 256:
        return None
    labels = labels.reshape(clip.labels.shape).astype(np.uint8)
    top, left = (int(rng.integers(0, there - side + 1)) for there, side in ((rows, height), (columns, width)))
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
        line_art = np.ascontiguousarray(clip.line_art[part])
        own_time = -1 if own and rng.random() < 0.7 else time
        drawings.append(StoryDrawing(line_art, np.ascontiguousarray(labels[part]), find_areas(line_art), own_time))
    return Story(drawings)


def _choose_times(rng: np.random.Generator, length: int) -> list[int]:
    run = choose_run(rng, length, TARGETS, 0.6, (1, 1, 2, 3, 5))
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


Window = list[StoryDrawing]
"""Keyframes, then targets."""


def choose_window(story: Story, keyframes: int, rng: np.random.Generator) -> Window:
    """Choose `keyframes` keyframes and SHOWN targets of a story."""
    chosen = [*rng.choice(KEYFRAMES, keyframes, replace=False)]
    chosen += [*(KEYFRAMES + np.sort(rng.choice(TARGETS, SHOWN, replace=False)))]
    drawings = [story.drawings[index] for index in chosen]
    return [drawing.mirrored() for drawing in drawings] if rng.random() < 0.5 else drawings


def collate_windows(windows: list[Window], keyframes: int) -> dict[str, Any]:
    """Stack B windows of D drawings that have the same size and the same number of keyframes.

    Returns `line_art` uint8 [B, D, H, W], which is first, so that its length is the number of samples; `labels` uint8
    [B, D, H, W], `areas` int64 [B, D, H/4, W/4], `times` [B, D]; and `keyframes`.
    """
    stacked = {
        name: torch.from_numpy(np.stack([[getattr(drawing, name) for drawing in window] for window in windows]))
        for name in ("line_art", "labels", "areas")
    }
    times = torch.tensor([[drawing.time for drawing in window] for window in windows])
    return stacked | {"times": times, "keyframes": torch.tensor(keyframes)}


class StoryStream(SeededStream):
    """An endless stream of batches of windows, see `collate_windows`. Each worker draws stories of its own.

    batch: the number of windows of a batch at scale 1; it has fewer large ones. first: the number of windows seen, from
    which the stories' seeds follow.
    """

    def __init__(self, shape: StoryShape, batch: int, first: int) -> None:
        super().__init__(first)
        self.shape = shape
        self.batch = batch

    def __iter__(self) -> Iterator[dict[str, Any]]:
        seeds = self.seeds()
        seed = next(seeds)
        rng = np.random.default_rng(seed)
        pools: list[list[tuple[Story, int]]] = [[] for _ in SCALES]
        while True:
            number = int(rng.choice(len(SCALES), p=SCALE_SHARES))
            count = max(1, int(self.batch / SCALES[number][0] ** 2.5))  # attention grows faster than the area
            pool = pools[number]
            # A full pool gives up as many windows as new stories bring.
            while len(pool) < POOL * count:
                story = draw_story(seed, self.shape, *SCALES[number])
                seed = next(seeds)
                if story:
                    pool.append((story, USES))
            yield _draw_batch(pool, count, rng)


def _draw_batch(pool: list[tuple[Story, int]], count: int, rng: np.random.Generator) -> dict[str, Any]:
    """Use `count` stories of a pool. Stories that are used up leave it."""
    keyframes = int(rng.choice((1, 2, 3), p=(0.5, 0.3, 0.2)))
    chosen = sorted(rng.choice(len(pool), count, replace=False), reverse=True)
    values = collate_windows([choose_window(pool[index][0], keyframes, rng) for index in chosen], keyframes)
    for index in chosen:
        story, uses = pool.pop(index)
        if uses > 1:
            pool.append((story, uses - 1))
    return values
