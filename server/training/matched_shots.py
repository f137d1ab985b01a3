# SPDX-License-Identifier: GPL-3.0-or-later
"""Matched shots: the parts of a few drawings of a clip, as the line matcher sees them. The settler learns from them.

To match a shot takes much longer than a step of training on it. Each is therefore stored, and used many times.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from server.coloring.crop import find_crop
from server.coloring.keyframes import Keyframes
from server.coloring.line_art.regions import LINE_BELOW
from server.coloring.matching import LineMatcher, Parts
from server.coloring.settling import parts_of
from server.coloring.shot import Shot
from server.coloring.windows import Reference, View, match_drawings
from server.files import open_atomic

from .cartoon import PaintedClip
from .clips import choose_run, sample_clip
from .seeded_stream import SeededStream

DRAWINGS = 8
"""Drawings of a shot that are no keyframes."""
LENGTHS = (60, 60, 150, 300)
"""Lengths of clips in drawings."""
SIZES = ((288, 512), (360, 640), (540, 960))
SIZE_SHARES = (0.2, 0.6, 0.2)
"""Heights and widths of drawings."""
USES = 20
"""How often a shot is used before another one is matched for it."""
FEWEST_PIXELS = 8
"""The keyframes show a fill if they have at least this many pixels of it."""


@dataclass(frozen=True)
class MatchedShot:
    """A matched shot.

    drawings: the parts of its drawings, the keyframes first. keyframes: their number. times: int64 [D], the number of
    each drawing in its clip. truth: for each drawing that is no keyframe, the share of each part that truly has each
    entry, [P, N]; what no keyframe shows has none.
    """

    drawings: list[Parts]
    keyframes: int
    times: torch.Tensor
    truth: list[torch.Tensor]

    def store(self, path: Path) -> None:
        """Write the shot to a file, in half precision."""
        parts = [{field.name: _half(getattr(one, field.name)) for field in fields(Parts)} for one in self.drawings]
        content = {"drawings": parts, "keyframes": self.keyframes, "times": self.times}
        with open_atomic(path) as file:
            torch.save(content | {"truth": [_half(one) for one in self.truth]}, file)

    @classmethod
    def load(cls, path: Path) -> "MatchedShot":
        """Read a shot that `store` wrote."""
        content = torch.load(path, weights_only=True)
        drawings = [Parts(**{name: _full(value) for name, value in one.items()}) for one in content["drawings"]]
        return cls(drawings, content["keyframes"], content["times"], [_full(one) for one in content["truth"]])


@torch.no_grad()
def match_shot(seed: int, matcher: LineMatcher, sources: Path | None) -> MatchedShot | None:
    """Draw a shot and match it. Returns None if there is nothing to learn from it.

    sources: see `sample_clip`.
    """
    rng = np.random.default_rng(seed)
    length = int(rng.choice(LENGTHS))
    times, count = _choose_times(rng, length)
    height, width = SIZES[rng.choice(len(SIZES), p=SIZE_SHARES)]
    clip = sample_clip(seed, length, width, height, times, sources)
    paintings = [
        clip.painting(i) if isinstance(clip, PaintedClip) else clip.colors[clip.labels[i]] for i in range(count)
    ]
    keyframes = Keyframes(Shot(list(clip.line_art), dict(enumerate(paintings))), clip.line_art.__getitem__)
    entries = len(keyframes.palette.colors)
    crop = find_crop(list(clip.line_art))
    references = [
        Reference.of_keyframe(crop.of_lines(clip.line_art[i]), crop.of_entries(keyframes.labels(i)))
        for i in range(count)
    ]
    views = {time: View(crop.of_lines(clip.line_art[i])) for i, time in enumerate(times) if i >= count}
    shown, matched = match_drawings(matcher, references, views, entries)
    gradients = torch.from_numpy(keyframes.gradients)
    drawings = [parts_of(seen, gradients) for seen in (*shown, *matched.values())]
    gradient_of = _gradients_of_fills(clip.labels[:count], clip.line_art[:count], keyframes)
    truth = [
        _truth(parts, crop.of_entries(clip.labels[i] + np.uint16(1)), crop.of_lines(clip.line_art[i]), gradient_of)
        for i, parts in enumerate(drawings)
        if i >= count
    ]
    return MatchedShot(drawings, count, torch.tensor(times), truth) if any(one.any() for one in truth) else None


def _choose_times(rng: np.random.Generator, length: int) -> tuple[list[int], int]:
    """Return the numbers of one to three keyframes, then of other drawings in order, and the number of keyframes."""
    run = choose_run(rng, length, DRAWINGS, 0.85, (1, 1, 2, 3, 4))
    near = int(np.clip(run[0] + rng.integers(-8, 9), 0, length - 1))
    count = int(rng.choice((1, 2, 3), p=(0.7, 0.2, 0.1)))
    first = near if rng.random() < 0.4 else int(rng.integers(length))
    keyframes = list(dict.fromkeys([first, *rng.integers(length, size=count - 1).tolist()]))
    others = [time for time in run if time not in keyframes]
    return [*keyframes, *others], len(keyframes)


def _gradients_of_fills(labels: np.ndarray, line_art: np.ndarray, keyframes: Keyframes) -> np.ndarray:
    """Return the gradient that most pixels of each fill have in the keyframes, int64 [257], or -1: at 0 for what is
    beyond a drawing, then for fill 0, and so on.

    labels: the fills uint8 [K, H, W] of the keyframes.
    """
    paper = line_art >= LINE_BELOW
    gradients = np.stack([keyframes.gradients[keyframes.labels(i)] for i in range(len(labels))])
    counts = np.zeros((256, int(gradients.max()) + 1), np.int64)
    np.add.at(counts, (labels[paper], gradients[paper]), 1)
    return np.append(-1, np.where(counts.sum(axis=1) >= FEWEST_PIXELS, counts.argmax(axis=1), -1))


def _truth(parts: Parts, labels: np.ndarray, line_art: np.ndarray, gradient_of: np.ndarray) -> torch.Tensor:
    """Return the true share of each part's paper that has each gradient, [P, G].

    labels: fills from 1 on, [H, W], in view; 0 beyond the drawing.
    """
    rows, columns = parts.part_of.shape
    own = parts.part_of.numpy().repeat(len(labels) // rows, 0).repeat(labels.shape[1] // columns, 1)
    here = gradient_of[labels]
    inside = (own >= 0) & (line_art >= LINE_BELOW)
    shares = np.zeros((len(parts.mass), parts.votes.shape[1]), np.float32)
    total = np.bincount(own[inside], minlength=len(shares))
    known = inside & (here >= 0)
    np.add.at(shares, (own[known], here[known]), 1)
    return torch.from_numpy(shares / np.maximum(total, 1)[:, None])


class MatchedShots(SeededStream):
    """An endless stream of batches of stored shots, as `{"shots": paths}`.

    folder: where they are stored, as SEED.pt. Each worker matches new ones with the line matcher in folder `matcher`,
    one for every USES that are used. first: the first seed.
    """

    def __init__(self, folder: Path, matcher: Path, sources: Path | None, batch: int, first: int) -> None:
        super().__init__(first)
        self.folder, self.matcher, self.sources = folder, matcher, sources
        self.batch = batch

    def __iter__(self) -> Iterator[dict[str, Any]]:
        seeds = self.seeds()
        seed = next(seeds)
        rng = np.random.default_rng(seed)
        matcher = LineMatcher.from_pretrained(self.matcher).eval().requires_grad_(False)
        self.folder.mkdir(parents=True, exist_ok=True)
        while True:
            stored = sorted(self.folder.glob("*.pt"))
            while len(stored) < self.batch or rng.random() < self.batch / USES:
                path = self.folder / f"{seed}.pt"
                shot = None if path.exists() else match_shot(seed, matcher, self.sources)
                seed = next(seeds)
                if shot:
                    shot.store(path)
                    stored.append(path)
                    break
            if len(stored) >= self.batch:
                chosen = rng.choice(len(stored), self.batch, replace=False)
                yield {"shots": [str(stored[index]) for index in chosen]}


def _half(value: torch.Tensor) -> torch.Tensor:
    return value.half() if value.is_floating_point() else value.to(torch.int16)


def _full(value: torch.Tensor) -> torch.Tensor:
    return value.float() if value.is_floating_point() else value.long()
