# SPDX-License-Identifier: GPL-3.0-or-later
"""Training samples: a painted reference, and the drawings of a segment with their true colors."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from server.coloring.code_colors import code_colors
from server.coloring.palette import recolor
from server.longanimation.plan import LOCAL_DRAWINGS
from server.longanimation.sketch import fit_line_art

from .clips import sample_clip
from .hints import Hints
from .stage import Settings

CLIP_DRAWINGS = 40
"""Length in drawings of the clip from which reference, segment and history are taken. It is longer for long
segments."""

CODE_SHARE = 0.75
"""Share of samples in code colors, as at inference. The others keep the artist's colors."""

SHOWN = 9 * 10**8
"""Seeds from here on are for sample pictures. Neither training nor validation uses them."""

Sample = dict[str, Any]


@dataclass(frozen=True)
class SampleShape:
    """The shape of a sample.

    drawings: number in the segment, without the reference. height, width: in pixels. history: number of drawings of the
    same clip that are already colored. sources: see `sample_clip`. binary_sketches: see `Preset`.
    """

    drawings: int
    height: int
    width: int
    history: int = 0
    sources: Path | None = None
    binary_sketches: bool = False

    @property
    def clip_drawings(self) -> int:
        """Length of the clip in drawings."""
        return max(CLIP_DRAWINGS, 2 * self.drawings + self.history)

    @property
    def local(self) -> int:
        """The number of drawings of the history that are the local memory: the latest, at most a third."""
        return min(LOCAL_DRAWINGS, -(-self.history // 3))


def to_signal(images: torch.Tensor) -> torch.Tensor:
    """Turn uint8 images [B, T, H, W, 3] into the VAE's inputs, [B, T, 3, H, W] in −1..1."""
    return images.permute(0, 1, 4, 2, 3).float() / 127.5 - 1


def draw_sample(seed: int, shape: SampleShape, hints: Hints | None = None) -> Sample:
    """Draw one sample. Index 0 is the reference, and the rest is a run of consecutive drawings.

    Returns `color` uint8 [1+T, H, W, 3] without lines, `line_art` uint8 [1+T, H, W], `prompt`, and `history` uint8
    [history, H, W, 3]: drawings that are already colored, in the order of work, so that the last ones are next to the
    run. With `hints`, also returns `hint` uint8 [T, H, W, 3], and `hinted`: whether the sample has hints.
    """
    rng = np.random.default_rng(seed)
    start = int(rng.integers(0, shape.clip_drawings - shape.drawings + 1))
    # A reference near the segment is as frequent as one far from it.
    if rng.random() < 0.5:
        reference = int(np.clip(start + rng.integers(-4, 5), 0, shape.clip_drawings - 1))
    else:
        reference = int(rng.integers(0, shape.clip_drawings))
    run = list(range(start, start + shape.drawings))
    before, after = list(range(start)), list(range(start + shape.drawings, shape.clip_drawings))
    if rng.random() < 0.5:
        run.reverse()
        before, after = after[::-1], before[::-1]
    history = _choose_history(rng, [*after, *before], shape)
    clip = sample_clip(seed, shape.clip_drawings, shape.width, shape.height, [reference, *run, *history], shape.sources)
    used, labels = np.unique(clip.labels, return_inverse=True)
    labels = labels.reshape(clip.labels.shape).astype(np.uint8)
    colors = code_colors(len(used), rng) if rng.random() < CODE_SHARE else clip.colors[used]
    color = recolor(labels, colors)
    shown = 1 + shape.drawings
    size = shape.height, shape.width
    sample: Sample = {
        "color": color[:shown],
        "line_art": np.stack([fit_line_art(art, *size, shape.binary_sketches) for art in clip.line_art[:shown]]),
        "history": color[shown:],
        "prompt": clip.sentence if rng.random() < 0.5 else "",
    }
    if hints is not None:
        hint = hints.draw(rng, clip.line_art[:shown], labels[:shown], colors)
        sample["hinted"] = np.bool_(hint is not None)
        sample["hint"] = np.zeros_like(color[1:shown]) if hint is None else hint
    return sample


def _choose_history(rng: np.random.Generator, others: list[int], shape: SampleShape) -> list[int]:
    """Choose the history from the drawings outside the run, in the order of work: the latest, and some before them."""
    latest = len(others) - shape.local
    earlier = sorted(rng.choice(latest, shape.history - shape.local, replace=False).tolist())
    return [others[index] for index in earlier] + others[latest:]


class SampleStream(IterableDataset):
    """An endless stream of samples. Sample k of a stream is the same in every run, whichever process draws it.

    draw: returns the sample of a seed. first: the first seed.
    """

    def __init__(self, draw: Callable[[int], Sample], first: int) -> None:
        self.draw = draw
        self.first = first
        process = PartialState()
        self.process, self.processes = process.process_index, process.num_processes

    def __iter__(self) -> Iterator[Sample]:
        worker = get_worker_info()
        own, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        seed = self.first + self.process * workers + own
        while True:
            yield self.draw(seed)
            seed += self.processes * workers


def sample_batches(
    draw: Callable[[int], Sample], settings: Settings, first: int, batched: bool = False
) -> Iterator[dict]:
    """Return endless batches, which other processes draw in advance. first: number of samples seen; batched: `draw`
    returns whole batches."""
    stream = SampleStream(draw, first)
    ahead = 4 if settings.workers else None
    batch = None if batched else settings.batch
    return iter(DataLoader(stream, batch, num_workers=settings.workers, prefetch_factor=ahead))


def shown_batch(draw: Callable[[int], Sample], count: int) -> dict:
    """Return a batch of `count` samples that are the same every time, for pictures."""
    return next(iter(DataLoader(SampleStream(draw, SHOWN), batch_size=count)))
