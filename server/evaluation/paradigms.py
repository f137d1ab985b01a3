# SPDX-License-Identifier: GPL-3.0-or-later
"""Our stack used in other ways: with modules off, for the paradigms of other methods (paper §2) and the ablations of
Tables 2 and 3, and from the drawing before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from server.coloring.ablation import FULL, Ablation
from server.coloring.shot import Guess, Shot
from server.evaluation.colored_clip import ColoredClip
from server.evaluation.sources import from_neighbors, stretches

if TYPE_CHECKING:
    from server.coloring.colorizer import Colorizer

SegmentCallback = Callable[[int, int], None]
"""Called with segments done and segments in all."""


MODEL = Ablation(propagated=False)
"""The model alone, as in the paper."""
LVCD = Ablation(memory=(), fusion_start=0.0, propagated=False)
"""LVCD's local paradigm (paper Fig. 1 a): the overlap is blended in every step and nothing is remembered."""
SEGMENT_ALONE = Ablation(memory=(), fusion_start=1.0, propagated=False)


def color_shot(
    colorizer: Colorizer, shot: Shot, ablation: Ablation = FULL, on_segment: SegmentCallback | None = None
) -> ColoredClip:
    """Color a shot with some modules of the stack off."""
    coloring = colorizer.open(shot, ablation)
    frames: dict[int, np.ndarray] = {}
    guesses: dict[int, list[Guess]] = {}
    for index in range(len(coloring.segments)):
        result = coloring.color(index)
        frames |= result.frames
        guesses |= result.guesses
        if on_segment:
            on_segment(index + 1, len(coloring.segments))
    return ColoredClip([frames[index] for index in range(len(shot.drawings))], guesses)


def color_from_neighbors(
    colorizer: Colorizer,
    drawings: Sequence[np.ndarray],
    truth: Sequence[np.ndarray],
    on_segment: SegmentCallback | None = None,
) -> ColoredClip:
    """Color every drawing as a shot of its own in a preview, from the true painting of the drawing before it; the first
    one from that of the second. Errors cannot add up. This is the task of PaintBucket-Character.

    drawings: line art uint8 [H, W] each, two at least; truth: RGB uint8 [H, W, 3], one for each drawing.
    """
    frames, guesses = [], {}
    for drawing, (painted,) in enumerate(from_neighbors(len(drawings))):
        pair = Shot([drawings[painted], drawings[drawing]], {0: truth[painted]}, quality="preview")
        colored = color_shot(colorizer, pair)
        frames.append(colored.frames[1])
        guesses[drawing] = (colored.guesses or {}).get(1, [])
        if on_segment:
            on_segment(drawing + 1, len(drawings))
    return ColoredClip(frames, guesses)


def color_by_last_frame(
    colorizer: Colorizer,
    drawings: Sequence[np.ndarray],
    keyframes: Mapping[int, np.ndarray],
    seed: int,
    on_segment: SegmentCallback | None = None,
) -> ColoredClip:
    """Color a shot with the last frame of each segment as the reference of the next one (paper §4.1): errors add up.

    The arguments are those of `baselines.hold`; seed: the shot's seed, which every segment uses.
    """
    frames: dict[int, np.ndarray] = {}
    guesses: dict[int, Sequence[Guess]] = {}
    count = colorizer.preset.segment
    runs = [run for at, stretch in stretches(len(drawings), keyframes) for run in _runs(at, stretch, count)]
    for done, run in enumerate(runs, start=1):
        reference = keyframes[run[0]] if run[0] in keyframes else frames[run[0]]
        part = Shot([drawings[index] for index in run], {0: reference}, seed=seed)
        colored = color_shot(colorizer, part, SEGMENT_ALONE)
        for place, (index, frame) in enumerate(zip(run, colored.frames, strict=True)):
            if index not in frames:
                frames[index] = frame
                guesses[index] = (colored.guesses or {}).get(place, [])
        if on_segment:
            on_segment(done, len(runs))
    return ColoredClip([frames[index] for index in range(len(drawings))], guesses)


def _runs(at: int, stretch: range, count: int) -> list[range]:
    """Return the runs of at most `count` drawings, outward from a keyframe. Each begins where another one ends."""
    ways = [range(at, stretch.stop), range(at, stretch.start - 1, -1)]
    return [way[start : start + count] for way in ways for start in range(0, len(way) - 1, count - 1)] or [ways[0]]
