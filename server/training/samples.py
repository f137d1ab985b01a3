# SPDX-License-Identifier: GPL-3.0-or-later
"""Training samples: a painted reference, the drawings of a segment and what they should look like."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from server.colorize.palette import code_colors, recolor

from .cartoon import draw_clip

STORY_FRAMES = 40
"""Length of the story from which reference and segment are taken, in drawings."""

CODE_SHARE = 0.75
"""Share of samples in code colours (as at inference); the others keep the artist's colours."""


@dataclass(frozen=True)
class SampleShape:
    """What a sample is made of: drawings in the segment (the reference comes on top), size in pixels, and drawings of
    the same story that are coloured already."""

    drawings: int
    height: int
    width: int
    history: int = 0


def to_signal(images: torch.Tensor) -> torch.Tensor:
    """Turn uint8 images [B, T, H, W, 3] into what the VAE reads: [B, 3, T, H, W] in −1..1."""
    return images.permute(0, 4, 1, 2, 3).float() / 127.5 - 1


def to_sketch_signal(line_art: torch.Tensor) -> torch.Tensor:
    """Turn uint8 line art [B, T, H, W] into three equal channels [B, 3, T, H, W], paper −1 and line +1."""
    return (1 - line_art.float() / 127.5)[:, None].expand(-1, 3, -1, -1, -1)


def draw_sample(seed: int, shape: SampleShape) -> dict[str, np.ndarray | str]:
    """Draw one sample: index 0 is the reference, the rest a run of consecutive drawings.

    Returns `color` uint8 [1+T, H, W, 3] without lines, `line_art` uint8 [1+T, H, W], `history` uint8 [history, H, W, 3]
    in story order, and `prompt`.
    """
    rng = np.random.default_rng(seed)
    start = int(rng.integers(0, STORY_FRAMES - shape.drawings + 1))
    # A reference near the segment is as frequent as one far from it.
    if rng.random() < 0.5:
        reference = int(np.clip(start + rng.integers(-4, 5), 0, STORY_FRAMES - 1))
    else:
        reference = int(rng.integers(0, STORY_FRAMES))
    run = list(range(start, start + shape.drawings))
    if rng.random() < 0.5:
        run.reverse()
    others = sorted(set(range(STORY_FRAMES)) - set(run))
    history = sorted(rng.choice(others, shape.history, replace=False).tolist())
    clip = draw_clip(seed, STORY_FRAMES, shape.width, shape.height, at=[reference, *run, *history])
    used, labels = np.unique(clip.labels, return_inverse=True)
    colors = code_colors(len(used), rng) if rng.random() < CODE_SHARE else clip.colors[used]
    color = recolor(labels.reshape(clip.labels.shape), colors)
    shown = 1 + shape.drawings
    return {
        "color": color[:shown],
        "line_art": clip.line_art[:shown],
        "history": color[shown:],
        "prompt": clip.sentence if rng.random() < 0.5 else "",
    }


class SampleStream(IterableDataset):
    """An endless stream of samples; sample k of a stream is the same in every run."""

    def __init__(self, shape: SampleShape, first: int) -> None:
        self.shape = shape
        self.first = first

    def __iter__(self) -> Iterator[dict]:
        worker = get_worker_info()
        offset, stride = (worker.id, worker.num_workers) if worker else (0, 1)
        seed = self.first + offset
        while True:
            yield draw_sample(seed, self.shape)
            seed += stride


def sample_batches(shape: SampleShape, batch: int, first: int) -> Iterator[dict]:
    """Endless batches, drawn ahead by one process beside the training. `first` is the number of samples seen."""
    loader = DataLoader(SampleStream(shape, first), batch_size=batch, num_workers=1, prefetch_factor=4)
    return iter(loader)
