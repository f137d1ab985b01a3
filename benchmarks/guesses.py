# SPDX-License-Identifier: GPL-3.0-or-later
"""How well a preview reports which colors are a guess, on drawn cartoons not used for training, with one keyframe each.

told: the share of regions that are reported as a guess. right_to_tell: the share of these that have a wrong color.
found: the share of the regions with a wrong color that are reported. Regions are those of `label_regions` that are
large enough to be listed. --clips: number of cartoons. --size: height of the frames in pixels, 16:9.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from server.coloring.line_art.regions import LINE_BELOW
from server.coloring.matching import LineMatcher
from server.coloring.palette import extract_palette
from server.coloring.propagation import Propagator
from server.coloring.region_labels import LEAST_SHARE, UNCERTAIN_BELOW, label_regions
from server.presets.preset import WEIGHTS
from server.training.cartoon import draw_clip
from server.training.validation import FIRST_SEED

from .measure import print_json_line, progress, read_sizes

_FRAMES, _DRAWINGS, _EVERY = 48, 16, 4
_SEED = FIRST_SEED + 500
_WRONG = 16
"""The largest accepted difference of a channel, in levels."""


@dataclass(frozen=True)
class Clips:
    """Number of cartoons, and height of the frames."""

    clips: int
    size: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    sizes = read_sizes(__doc__, Clips(24, 360), Clips(1, 180), arguments)
    matcher = LineMatcher.from_pretrained(WEIGHTS / "line_matcher").eval()
    told, wrong = [], []
    for seed in range(_SEED, _SEED + sizes.clips):
        progress(f"cartoon {seed - _SEED + 1} of {sizes.clips}")
        for is_told, is_wrong in _regions(matcher, seed, sizes.size):
            told.append(is_told)
            wrong.append(is_wrong)
    both = np.count_nonzero(np.array(told) & np.array(wrong))
    print_json_line(
        benchmark="guesses",
        **vars(sizes),
        regions=len(told),
        told=np.mean(told),
        right_to_tell=both / max(1, sum(told)),
        found=both / max(1, sum(wrong)),
    )


def _regions(matcher: LineMatcher, seed: int, height: int) -> Iterator[tuple[bool, bool]]:
    """For each region of some drawings of a cartoon, whether it is reported as a guess, and whether it is wrong."""
    clip = draw_clip(seed=seed, drawings=_FRAMES, width=height * 16 // 9, height=height, at=range(_DRAWINGS))
    painting = clip.colors[clip.labels]
    palette = extract_palette([painting[0]], [clip.line_art[0]])
    propagator = Propagator(matcher, clip.line_art.__getitem__, len(palette.colors))
    for drawing in range(_EVERY - 1, len(clip.line_art), _EVERY):
        (propagated,) = propagator.propagate([drawing], 0, 0, {0: palette.labels[0]})
        region_labels = label_regions(clip.line_art[drawing], propagated.votes)
        _, margins = region_labels.rivals
        off = np.abs(palette.colors[region_labels.entries].astype(int) - painting[drawing]).max(axis=2) > _WRONG
        paper = clip.line_art[drawing] >= LINE_BELOW
        seen, wrong = (
            np.bincount(region_labels.regions[where], minlength=len(margins)) for where in (paper, paper & off)
        )
        for region in np.flatnonzero(region_labels.areas >= LEAST_SHARE):
            yield bool(margins[region] < UNCERTAIN_BELOW), bool(2 * wrong[region] > seen[region])


if __name__ == "__main__":
    main()
