# SPDX-License-Identifier: GPL-3.0-or-later
"""Training samples: a painted reference, and the drawings of a segment with their true colors."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from server.coloring.code_colors import code_colors
from server.coloring.palette import recolor
from server.longanimation.sketch import fit_line_art

from .footage import Drawn, check_footage, choose_footage
from .hints import Hints
from .recipe import Colors
from .sample_shape import SampleShape
from .seeded_stream import SeededStream
from .stage import Settings

CODE_SHARE = 0.75
"""Share of samples in code colors, as at inference, if the recipe has code colors. The others keep the artist's
colors."""

SHOWN = 9 * 10**8
"""Seeds from here on are for sample pictures. Neither training nor validation uses them."""

Sample = dict[str, Any]


def to_signal(images: torch.Tensor) -> torch.Tensor:
    """Turn uint8 images [B, T, H, W, 3] into the VAE's inputs, [B, T, 3, H, W] in −1..1."""
    return images.permute(0, 1, 4, 2, 3).float() / 127.5 - 1


def sample_drawer(shape: SampleShape, hints: Hints | None = None) -> Callable[[int], Sample]:
    """Return what draws the sample of a seed, see `draw_sample`. The log says which film clips are left out.

    Raises ValueError if none is long enough.
    """
    check_footage(shape)
    return partial(draw_sample, shape=shape, hints=hints)


def draw_sample(seed: int, shape: SampleShape, hints: Hints | None = None) -> Sample:
    """Draw one sample. Index 0 is the reference, and the rest is a run of consecutive drawings.

    Returns `color` uint8 [1+T, H, W, 3], `line_art` uint8 [1+T, H, W], `prompt`, `wordless`: whether the model gets no
    text at all, and `history` uint8 [history, H, W, 3]: drawings that are already colored, in the order of work, so
    that the last ones are next to the run. With `hints`, also returns `hint` uint8 [T, H, W, 3], and `hinted`: whether
    the sample has hints.
    """
    rng = np.random.default_rng(seed)
    recipe, footage = shape.recipe, choose_footage(seed, shape)
    earliest = 0 if recipe.outward else shape.history
    start = int(rng.integers(earliest, footage.length - shape.drawings + 1))
    if rng.random() < recipe.near:
        reference = int(np.clip(start + rng.integers(-4, 5), 0, footage.length - 1))
    else:
        reference = int(rng.integers(0, footage.length))
    run = list(range(start, start + shape.drawings))
    before, after = list(range(start)), list(range(start + shape.drawings, footage.length))
    if not recipe.outward:
        after = []
    elif rng.random() < 0.5:
        run.reverse()
        before, after = after[::-1], before[::-1]
    history = _choose_history(rng, [*after, *before], shape)
    drawn = footage.draw([reference, *run, *history])
    pictured = recipe.colors == "pictures"
    fills = None if pictured and hints is None else _choose_colors(drawn, rng, recipe.colors)
    color = drawn.pictures() if pictured or fills is None else recolor(*fills)
    shown = 1 + shape.drawings
    size = shape.height, shape.width
    sample: Sample = {
        "color": color[:shown],
        "line_art": np.stack([fit_line_art(art, *size, recipe.binary_sketches) for art in drawn.line_art[:shown]]),
        "history": color[shown:],
        "prompt": drawn.sentence if rng.random() < recipe.described else "",
    }
    if hints is not None and fills is not None:
        labels, colors = fills
        hint = hints.draw(rng, drawn.line_art[:shown], labels[:shown], colors)
        sample["hinted"] = np.bool_(hint is not None)
        sample["hint"] = np.zeros_like(color[1:shown]) if hint is None else hint
    sample["wordless"] = np.bool_(rng.random() < recipe.wordless)
    return sample


def _choose_colors(drawn: Drawn, rng: np.random.Generator, kind: Colors) -> tuple[np.ndarray, np.ndarray]:
    """Return labels uint8 [T, H, W], and the colors uint8 [N, 3] that they name: codes or the artist's."""
    labels, colors = drawn.fills()
    used, found = np.unique(labels, return_inverse=True)
    coded = kind == "codes" and rng.random() < CODE_SHARE
    return found.reshape(labels.shape).astype(np.uint8), code_colors(len(used), rng) if coded else colors[used]


def _choose_history(rng: np.random.Generator, others: list[int], shape: SampleShape) -> list[int]:
    """Choose the history from the drawings outside the run, in the order of work: the latest, and some before them."""
    latest = len(others) - shape.local
    earlier = sorted(rng.choice(latest, shape.history - shape.local, replace=False).tolist())
    return [others[index] for index in earlier] + others[latest:]


class SampleStream(SeededStream):
    """An endless stream of samples. Sample k of a stream is the same in every run, whichever process draws it.

    draw: returns the sample of a seed. first: the first seed.
    """

    def __init__(self, draw: Callable[[int], Sample], first: int) -> None:
        super().__init__(first)
        self.draw = draw

    def __iter__(self) -> Iterator[Sample]:
        return map(self.draw, self.seeds())


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
